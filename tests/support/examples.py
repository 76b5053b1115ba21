"""Arguments that a root accepts, read from the schema: tests name only those that need more."""

from collections.abc import Mapping
from typing import Any

from graphql import (
    GraphQLEnumType,
    GraphQLField,
    GraphQLInputObjectType,
    GraphQLNamedType,
    get_named_type,
    get_nullable_type,
    is_list_type,
    is_required_argument,
    is_required_input_field,
)

from app.resolvers import SCHEMA

CORE = SCHEMA._schema
NIL = "00000000-0000-0000-0000-000000000000"
SCALARS: dict[str, Any] = {
    "UUID": NIL,
    "String": "x",
    "Int": 1,
    "Boolean": True,
    "Quantity": "1",
    "Money": "1",
    "Revision": "0",
    "Date": "2026-11-23",
    "DateTime": "2026-11-23T09:30:00+08:00",
}

OF_GOODS = ("productId", "quantity")
"""Fields that inputs of goods need, although each may be replaced by another."""


def roots(kind: str) -> dict[str, GraphQLField]:
    """The roots of "query", "mutation" or "subscription"."""
    type_ = getattr(CORE, f"{kind}_type")
    return dict(type_.fields)


def input_type(mutation: str) -> str:
    """The name of a mutation's input."""
    return get_named_type(roots("mutation")[mutation].args["input"].type).name


def example_arguments(field: GraphQLField, known: Mapping[str, str]) -> dict[str, Any]:
    """The arguments that the root needs; `known` has ids by noun, such as `store`."""
    return {
        name: _example(name, argument.type, known)
        for name, argument in field.args.items()
        if is_required_argument(argument)
    }


def _example(name: str, type_: Any, known: Mapping[str, str]) -> Any:
    nullable = get_nullable_type(type_)
    if is_list_type(nullable):
        return [_example(name.removesuffix("s"), nullable.of_type, known)]
    if isinstance(nullable, GraphQLInputObjectType):
        return {
            each: _example(each, field.type, known)
            for each, field in nullable.fields.items()
            if is_required_input_field(field) or each in OF_GOODS
        }
    if isinstance(nullable, GraphQLEnumType):
        return next(iter(nullable.values))
    assert isinstance(nullable, GraphQLNamedType), type_
    noun = name.removesuffix("Id")
    return known[noun] if name != noun and noun in known else SCALARS[nullable.name]
