"""Windows: GraphQL types that read a row by attribute and are never constructed."""

from collections.abc import Callable
from typing import Any, TypeVar

import strawberry

T = TypeVar("T", bound=type)


def window(*rows: type, **named: Any) -> Callable[[T], T]:
    """A GraphQL type on rows of these classes; a row of another class is an error."""

    def of_these(row: object, _info: object) -> bool:
        return isinstance(row, rows)

    def decorate(cls: T) -> T:
        type_ = strawberry.type(cls, **named)
        definition(type_).is_type_of = of_these
        return type_

    return decorate


def definition(cls: Any) -> Any:
    return cls.__strawberry_definition__
