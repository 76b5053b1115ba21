"""What nobody should send: wrong values for every argument and input field of the schema."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from graphql import (
    GraphQLEnumType,
    GraphQLField,
    GraphQLInputObjectType,
    GraphQLInputType,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLUnionType,
    get_named_type,
    is_leaf_type,
)
from graphql.type import GraphQLList

Path = tuple[str | int, ...]


@dataclass(frozen=True)
class Raw:
    """JSON text that json.dumps would not write."""

    text: str


@dataclass(frozen=True)
class Literal:
    """A value in the document itself, in GraphQL's spelling."""

    text: str


DEEP: Any = "x"
for _ in range(60):
    DEEP = [DEEP]

NUMBERS = (
    -1,
    0,
    1,
    2**31,
    -(2**31) - 1,
    2**63,
    10**30,
    0.1,
    Raw("1e400"),
    Raw("-1e400"),
    Raw("-0"),
)
WRONG = (True, [], {}, ["x"], [[]], {"a": {"b": 1}}, [None], Raw('{"__proto__": 1}'), DEEP)
TEXTS = (
    "",
    " ",
    "x" * 10_000,
    "a\0b",
    "\0",
    "\ud800",
    "a\x1b[31mb\r\nc\x7f",
    "\u202e米\u200f\u200b",
    "NaN",
    "Infinity",
    "1e400",
    "-1",
    "0.0000001",
    "9" * 400,
    "١٢٣",
    "';drop table levels;--",
    "%_\\",
    "../../etc/passwd",
    "2026-13-45T99:99:99Z",
    "9999-12-31T23:59:59Z",
    "null",
    "<script>alert(1)</script>",
)
NIL = "00000000-0000-0000-0000-000000000000"
EVERYTHING: tuple[Any, ...] = (None, *NUMBERS, *WRONG, *TEXTS, NIL)
A_FEW: tuple[Any, ...] = (
    None,
    -1,
    2**63,
    Raw("1e400"),
    *WRONG,
    "",
    "x" * 10_000,
    "\0",
    "\ud800",
    NIL,
)
FREE = {"String", "Quantity", "Money", "Revision", "DateTime", "Date", "Int"}
LITERALS = tuple(
    map(
        Literal,
        ("1e400", "-1e400", "9" * 400, "1.5", '"\\u0000"', '"\\uD800"', "X", "[]", "{}", "$no"),
    )
)


@dataclass(frozen=True)
class Root:
    """A root field, and an input that works."""

    operation: str
    name: str
    field: GraphQLField
    good: dict[str, Any]

    def keyed(self) -> dict[str, Any]:
        """The input that works, with a new key."""
        if "key" not in self.good.get("input", ()):
            return self.good
        return replaced(self.good, ("input", "key"), str(uuid4()))

    def document(self, variables: dict[str, Any]) -> str:
        given = {name: self.field.args[name].type for name in variables}
        declared = ", ".join(f"${name}: {type_}" for name, type_ in given.items())
        head = f"{self.operation}({declared})" if declared else self.operation
        return f"{head} {self.call(', '.join(f'{n}: ${n}' for n in given))}"

    def call(self, arguments: str) -> str:
        listed = f"({arguments})" if arguments else ""
        return f"{{ {self.name}{listed} {selection(self.field.type)} }}"

    def places(self) -> Iterator[tuple[Path, GraphQLInputType]]:
        """Every argument and input field, however deep, with its type."""
        for name, argument in self.field.args.items():
            yield from places((name,), argument.type)

    def body(self, path: Path, value: Any) -> tuple[str, bytes]:
        """The good input with `value` at the path, after a text that names it in failures."""
        if isinstance(value, Literal):
            arguments = literal_of(replaced(self.keyed(), path, Raw(value.text)), self.field)
            text = written({"query": f"{self.operation} {self.call(arguments)}"})
            return f"{self.name} {path} : {value.text:.60}", text
        variables = replaced(self.keyed(), path, value)
        text = written({"query": self.document(variables), "variables": variables})
        return f"{self.name} {path} = {value!r:.60}", text


def values(type_: GraphQLInputType, *more: str) -> tuple[Any, ...]:
    """Every value to send for a place of this type: as variables, then as literals."""
    bare = type_.of_type if isinstance(type_, GraphQLNonNull) else type_
    return (*(EVERYTHING if str(bare) in FREE else A_FEW), *more, *LITERALS)


def places(path: Path, type_: GraphQLInputType) -> Iterator[tuple[Path, GraphQLInputType]]:
    yield path, type_
    bare = type_.of_type if isinstance(type_, GraphQLNonNull) else type_
    if isinstance(bare, GraphQLList):
        yield from places((*path, 0), bare.of_type)
    if isinstance(bare, GraphQLInputObjectType):
        for name, field in bare.fields.items():
            yield from places((*path, name), field.type)


def selection(type_: Any) -> str:
    """A little of everything an answer may hold."""
    named = get_named_type(type_)
    if is_leaf_type(named):
        return ""
    if isinstance(named, GraphQLUnionType):
        return "{ __typename ... on Problem { code message } }"
    assert isinstance(named, GraphQLObjectType)
    if "nodes" in named.fields:
        return "{ nodes { __typename } pageInfo { hasNextPage endCursor } }"
    return "{ __typename }"


def replaced(good: Any, path: Path, value: Any) -> Any:
    """`good` with another value at the path, which is created where it is missing."""
    if not path:
        return value
    key, rest = path[0], path[1:]
    if isinstance(key, int):
        [*others] = good or [None]
        return [replaced(others[0], rest, value), *others[1:]]
    return {**(good or {}), key: replaced((good or {}).get(key), rest, value)}


def written(value: Any) -> bytes:
    """JSON, with raw texts as they are and surrogates escaped."""
    raw: dict[str, str] = {}

    def marked(part: Any) -> Any:
        if isinstance(part, Raw):
            mark = f"raw-{uuid4()}"
            raw[f'"{mark}"'] = part.text
            return mark
        if isinstance(part, dict):
            return {key: marked(inner) for key, inner in part.items()}
        return [marked(inner) for inner in part] if isinstance(part, list) else part

    text = json.dumps(marked(value))
    for mark, spelled in raw.items():
        text = text.replace(mark, spelled)
    return text.encode()


def literal_of(values: dict[str, Any], field: GraphQLField) -> str:
    arguments = ((name, values[name], field.args[name].type) for name in values)
    return ", ".join(f"{name}: {literal(value, type_)}" for name, value, type_ in arguments)


def literal(value: Any, type_: Any) -> str:
    """The value in GraphQL's own spelling."""
    bare = type_.of_type if isinstance(type_, GraphQLNonNull) else type_
    if isinstance(value, Raw):
        return value.text
    if isinstance(value, list):
        return f"[{', '.join(literal(inner, bare.of_type) for inner in value)}]"
    if isinstance(value, dict):
        fields = ((key, inner, bare.fields[key].type) for key, inner in value.items())
        return f"{{{', '.join(f'{key}: {literal(inner, kind)}' for key, inner, kind in fields)}}}"
    return value if isinstance(bare, GraphQLEnumType) else json.dumps(value)
