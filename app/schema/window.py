"""Windows: GraphQL types that read a row by attribute and are never constructed."""

from collections.abc import Callable
from typing import Any, TypeVar

import strawberry

T = TypeVar("T", bound=type)


def window(*rows: type, **named: Any) -> Callable[[T], T]:
    """Makes a GraphQL type of rows of these classes; a wrong row fails, never half-answers."""

    def decorate(cls: T) -> T:
        made = strawberry.type(cls, **named)
        definition(made).is_type_of = lambda row, _info: isinstance(row, rows)
        return made

    return decorate


def definition(cls: Any) -> Any:
    return cls.__strawberry_definition__
