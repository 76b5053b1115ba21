"""Documents that reach every field below a root, and readings of their answers.

A tree of nodes grows from a root: the first node of a type selects all its fields, a later one
its scalars. Nodes are packed into documents within the limits of a document's size.
"""

import random
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from functools import cache, cached_property
from typing import Any, NamedTuple

from graphql import (
    GraphQLField,
    GraphQLObjectType,
    GraphQLUnionType,
    get_named_type,
    is_leaf_type,
)

from app.resolvers import SCHEMA

CORE = SCHEMA._schema
FIELDS_MOST = 260
"""Scalars in one document."""
OPERATIONS: dict[str, Any] = {
    "query": CORE.query_type,
    "mutation": CORE.mutation_type,
    "subscription": CORE.subscription_type,
}
TARGETS = ("own", "other", "foreign", "absent")
BY_STORE = {f"_{name}": f"storeId: ${name}" for name in TARGETS}
ARGUMENTS = {
    ("Product", "level"): BY_STORE,
    ("Product", "availability"): BY_STORE,
    ("Level", "label"): {"": ""},
    ("Level", "offered"): {"": "channel: WECHAT"},
    ("Storefront", "products"): {"": "first: 50"},
    ("ScanSession", "scans"): {"": "first: 50"},
    ("Stocktake", "lines"): {"": "first: 50"},
    ("SlowMoversReport", "groups"): {"": "by: PRODUCT"},
}
"""Variants of a field with arguments: a suffix of its alias, and the arguments."""


class Step(NamedTuple):
    """A field of an answer: the type it belongs to, its key in the answer, its GraphQL text."""

    owner: str
    name: str
    key: str
    text: str


Path = tuple[Step, ...]


@dataclass(frozen=True)
class Node:
    """An object below a root: the way to it, and what is selected of it."""

    path: Path
    scalars: tuple[Step, ...]


@dataclass
class Branch:
    """The selections at one place; `types` holds those of each member of a union."""

    scalars: list[Step] = field(default_factory=list)
    below: dict[Step, "Branch"] = field(default_factory=dict)

    def text(self) -> str:
        parts: dict[str, list[str]] = {}
        for step in self.scalars:
            parts.setdefault(step.owner, []).append(step.text)
        for step, branch in self.below.items():
            parts.setdefault(step.owner, []).append(f"{step.text} {branch.text()}")
        inner = " ".join(f"... on {owner} {{ {' '.join(each)} }}" for owner, each in parts.items())
        return f"{{ __typename {inner} }}"


@dataclass(frozen=True)
class Document:
    """One operation on one root field that selects some nodes below it."""

    operation: str
    root: str
    nodes: tuple[Node, ...]
    arguments: tuple[str, ...]

    @cached_property
    def branch(self) -> Branch:
        top = Branch()
        for node in self.nodes:
            branch = top
            for step in node.path:
                branch = branch.below.setdefault(step, Branch())
            branch.scalars += [step for step in node.scalars if step not in branch.scalars]
        return top

    @cached_property
    def text(self) -> str:
        below = self.branch.text() if self.branch.scalars or self.branch.below else ""
        root = OPERATIONS[self.operation].fields[self.root]
        types = {name: str(root.args[name].type) for name in self.arguments}
        types |= {name: "UUID!" for name in TARGETS if f"${name}" in below}
        head = ", ".join(f"${name}: {type_}" for name, type_ in types.items())
        call = ", ".join(f"{name}: ${name}" for name in self.arguments)
        return (
            f"{self.operation}{f'({head})' if head else ''} "
            f"{{ {self.root}{f'({call})' if call else ''} {below} }}"
        )

    def halves(self) -> list["Document"]:
        """Two documents that select the same; none when there is only one node."""
        middle = len(self.nodes) // 2
        halves = (self.nodes[:middle], self.nodes[middle:]) if middle else ()
        return [replace(self, nodes=half) for half in halves]


def objects_of(type_: Any) -> list[GraphQLObjectType]:
    """The object types that a field of this type may answer."""
    named = get_named_type(type_)
    if isinstance(named, GraphQLUnionType):
        return list(named.types)
    return [named] if isinstance(named, GraphQLObjectType) else []


def steps(owner: GraphQLObjectType, union: bool, leaf: bool) -> Iterator[Step]:
    """The fields of a type that are scalars (`leaf`) or lead to objects.

    Members of a union share no key, because their fields may differ in type.
    """
    for name, each in owner.fields.items():
        if is_leaf_type(get_named_type(each.type)) is leaf:
            for suffix, arguments in variants(owner, name, each).items():
                key = f"{owner.name}_{name}{suffix}" if union else f"{name}{suffix}"
                call = f"{name}({arguments})" if arguments else name
                yield Step(owner.name, name, key, call if key == name else f"{key}: {call}")


def variants(owner: GraphQLObjectType, name: str, each: GraphQLField) -> dict[str, str]:
    if (owner.name, name) in ARGUMENTS:
        return ARGUMENTS[owner.name, name]
    assert not each.args, f"give {owner.name}.{name} its arguments in ARGUMENTS"
    return {"": ""}


def type_after(step: Step) -> Any:
    owner = CORE.type_map[step.owner]
    assert isinstance(owner, GraphQLObjectType)
    return owner.fields[step.name].type


@cache
def nodes(operation: str, root: str, rounds: int = 1) -> tuple[Node, ...]:
    """Every type below the root in full `rounds` times, the nearest first."""
    expanded: dict[str, int] = {}
    queue: deque[tuple[Path, Any]] = deque([((), OPERATIONS[operation].fields[root].type)])
    grown: list[Node] = []
    while queue:
        path, type_ = queue.popleft()
        members = objects_of(type_)
        union = len(members) > 1
        for member in members:
            scalars = tuple(steps(member, union, leaf=True))
            grown.append(Node(path, scalars))
            if expanded.get(member.name, 0) < rounds:
                expanded[member.name] = expanded.get(member.name, 0) + 1
                queue.extend(
                    ((*path, step), type_after(step)) for step in steps(member, union, leaf=False)
                )
    return tuple(grown)


def chains(operation: str, root: str, rng: random.Random, count: int) -> Iterator[Node]:
    """Random ways of three to six edges below a root."""
    for _ in range(count):
        path: Path = ()
        type_ = OPERATIONS[operation].fields[root].type
        for _ in range(rng.randint(3, 6)):
            members = objects_of(type_)
            ways = [step for each in members for step in steps(each, len(members) > 1, leaf=False)]
            if not ways:
                break
            path = (*path, rng.choice(ways))
            type_ = type_after(path[-1])
        members = objects_of(type_)
        for member in members:
            yield Node(path, tuple(steps(member, len(members) > 1, leaf=True)))


def documents(
    operation: str, root: str, chosen: Iterable[Node], arguments: Iterable[str]
) -> list[Document]:
    """The nodes in as few documents as their size allows."""
    packed: list[list[Node]] = [[]]
    size = 0
    for node in chosen:
        more = len(node.scalars) + len(node.path)
        if packed[-1] and size + more > FIELDS_MOST:
            packed.append([])
            size = 0
        size += more
        packed[-1].append(node)
    return [Document(operation, root, tuple(group), tuple(arguments)) for group in packed]


def answered(branch: Branch, value: Any, path: Path = ()) -> Iterator[Path]:
    """The ways to all fields of the answer that are not null and, if lists, not empty."""
    if isinstance(value, list):
        for each in value:
            yield from answered(branch, each, path)
        return
    if not isinstance(value, dict):
        return
    for step in branch.scalars:
        if value.get(step.key) not in (None, []) and value["__typename"] == step.owner:
            yield (*path, step)
    for step, below in branch.below.items():
        inner = value.get(step.key)
        if inner is not None and inner != [] and value["__typename"] == step.owner:
            yield (*path, step)
            yield from answered(below, inner, (*path, step))
