"""Edges: a field that follows an id to another row, in batches."""

from collections.abc import Iterator
from typing import Any
from uuid import UUID

import strawberry
from graphql import FieldNode, VariableNode
from strawberry.types import Info

from app.domain.access import Can
from app.schema import boundary


def edge(loader: str, key: str, description: str | None = None, needs: Can | None = None) -> Any:
    """What `loader` finds for the id in `key`, unless the query has joined it already."""
    name = _joined_as(loader, key)

    def resolve(root: strawberry.Parent[Any], info: Info) -> Any:
        joined = getattr(root, "joined", None)
        if joined is not None and name in joined:
            return joined[name]
        return getattr(info.context.loaders_of(root), loader).load(getattr(root, key))

    return strawberry.field(
        resolver=resolve, description=description, directives=boundary.needs(needs) if needs else ()
    )


def maybe_edge(
    loader: str, key: str, description: str | None = None, needs: Can | None = None
) -> Any:
    """Like `edge`, for an id that may be null."""
    name = _joined_as(loader, key)

    def resolve(root: strawberry.Parent[Any], info: Info) -> Any:
        id, joined = getattr(root, key), getattr(root, "joined", None)
        if joined is not None and name in joined:
            return joined[name]
        return None if id is None else getattr(info.context.loaders_of(root), loader).load(id)

    return strawberry.field(
        resolver=resolve, description=description, directives=boundary.needs(needs) if needs else ()
    )


def _joined_as(loader: str, key: str) -> str:
    """The name in `joined` of what an edge returns: several edges may follow a row's own id."""
    return loader if key == "id" else key


async def joined_or_loaded(root: Any, info: Info, loader: str, key: Any) -> Any:
    """What the query has joined under the loader's name, or else what the loader finds."""
    if root.joined and loader in root.joined:
        return root.joined[loader]
    return await getattr(info.context.loaders_of(root), loader).load(key)


def selects(info: Any, *path: str) -> bool:
    """Whether a root's selection has this path of fields, so that the root joins what they return.

    Fields of fragments are not found: their rows are loaded afterwards.
    """
    nodes: list[FieldNode] = [info.field_nodes[0]]
    for name in path:
        nodes = [each for node in nodes for each in _fields(node) if each.name.value == name]
    return bool(nodes)


def _fields(node: FieldNode) -> Iterator[FieldNode]:
    for below in node.selection_set.selections if node.selection_set else ():
        if isinstance(below, FieldNode):
            yield below


def id_below(info: Any, field: str, argument: str) -> UUID | None:
    """The variable given to a field directly below a root field, so that the root reads both at
    once; None if the field is not selected there."""
    node: FieldNode = info.field_nodes[0]
    for below in _fields(node):
        if below.name.value == field:
            for each in below.arguments or ():
                if each.name.value == argument and isinstance(each.value, VariableNode):
                    return info.variable_values.get(each.value.name.value)
    return None
