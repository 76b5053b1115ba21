"""Edges: a field that follows an id to another row, in batches."""

from typing import Any

import strawberry
from strawberry.types import Info

from app.domain.access import Can
from app.schema import boundary


def edge(loader: str, key: str, description: str | None = None, needs: Can | None = None) -> Any:
    """The row that `loader` finds for the id in `key`, unless the query has joined it already."""

    def resolve(root: strawberry.Parent[Any], info: Info) -> Any:
        joined = getattr(root, "joined", None)
        if joined is not None and loader in joined:
            return joined[loader]
        return getattr(info.context.loaders_of(root), loader).load(getattr(root, key))

    return strawberry.field(
        resolver=resolve, description=description, directives=boundary.needs(needs) if needs else ()
    )


def maybe_edge(
    loader: str, key: str, description: str | None = None, needs: Can | None = None
) -> Any:
    """Like `edge`, for an id that may be null."""

    def resolve(root: strawberry.Parent[Any], info: Info) -> Any:
        id = getattr(root, key)
        return None if id is None else getattr(info.context.loaders_of(root), loader).load(id)

    return strawberry.field(
        resolver=resolve, description=description, directives=boundary.needs(needs) if needs else ()
    )
