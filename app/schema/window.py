"""Windows: GraphQL types that read a row by attribute and are never constructed."""

from collections.abc import Callable, Collection, Mapping
from typing import Any, TypeVar

import strawberry

from app.domain.access import Can
from app.live.plans import OfClasses
from app.schema import boundary

T = TypeVar("T", bound=type)


def window(
    *rows: type,
    needs: Can | None = None,
    stores: tuple[str, ...] | None = None,
    public: Collection[str] = (),
    **named: Any,
) -> Callable[[T], T]:
    """A GraphQL type on rows of these classes; a row of another class is an error.

    `needs` is the permission for a row that an edge reaches, `stores` the attributes that name
    its stores (`store_id` if it has one), `public` the fields that guests see: see `boundary`.
    """
    if stores is None:
        stores = ("store_id",) if all(hasattr(row, "store_id") for row in rows) else ()
    if needs is not None:
        named["directives"] = boundary.needs(needs)

    def decorate(cls: T) -> T:
        type_ = strawberry.type(cls, **named)
        boundary.declare(type_, boundary.Sight(needs, stores, public))
        definition(type_).is_type_of = OfClasses(rows)
        return type_

    return decorate


def as_window(row: Any) -> Any:
    """The row, for a resolver whose GraphQL type is a window on it.

    Resolvers return rows although their annotations name the window; this cast tells the type
    checker so.
    """
    return row


def describe_values(enum: Any, descriptions: Mapping[str, str]) -> None:
    """Sets the descriptions of a GraphQL enum's values, by their names."""
    for value in definition(enum).values:
        value.description = descriptions[value.name]


def definition(cls: Any) -> Any:
    return cls.__strawberry_definition__
