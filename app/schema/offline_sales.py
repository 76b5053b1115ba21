"""Offline sales in variables: each is read on its own, before graphql-core coerces the variables.

graphql-core refuses a whole request because of one value that it cannot read, so one bad sale would
block a till's queue. Here a placeholder replaces such a sale, and the root answers `Unreadable` for
it. Only variables of these two types are read this way; literals are part of the document, which
must be valid as a whole.
"""

import re
from collections.abc import Mapping
from typing import Any, NamedTuple
from uuid import UUID, uuid4

from graphql import (
    GraphQLError,
    GraphQLInputType,
    GraphQLNonNull,
    GraphQLSchema,
    OperationDefinitionNode,
    Undefined,
    coerce_input_value,
    validate_input_value,
)

from app.domain.errors import Malformed, Text, Unreadable
from app.domain.rules.phones import masked

SALE, UPLOAD, LIST = "OfflineSaleInput", "SyncSalesInput", "operations"
NO_KEY = UUID(int=0)
"""The key in the result of an operation whose own key cannot be read."""

FIELD = re.compile(r"(?:unknown|required) field '(\w+)'")


class UnreadableSale(NamedTuple):
    """An offline sale that could not be read: its key, if that is readable, and the reason."""

    key: UUID
    problem: Unreadable


Placeholders = dict[UUID, UnreadableSale]
"""The unreadable sales, by the keys of their placeholders."""


def sale_variables(operation: OperationDefinitionNode) -> dict[str, str]:
    """The operation's variables that carry offline sales: name to type."""
    variables: dict[str, str] = {}
    for definition in operation.variable_definitions or ():
        type_: Any = definition.type
        while hasattr(type_, "type"):
            type_ = type_.type
        if type_.name.value in (SALE, UPLOAD):
            variables[definition.variable.name.value] = type_.name.value
    return variables


def read_sales(
    schema: GraphQLSchema, types: Mapping[str, str], variables: Mapping[str, Any]
) -> tuple[dict[str, Any], Placeholders]:
    """The variables with placeholders for the sales that cannot be read; and those sales."""
    named: Any = schema.type_map[SALE]
    type_: Any = GraphQLNonNull(named)
    placeholders: Placeholders = {}
    read = dict(variables)
    for name in types.keys() & variables.keys():
        value = variables[name]
        if types[name] == SALE:
            read[name] = _sales(value, type_, placeholders)
        elif isinstance(value, dict) and LIST in value:
            read[name] = {**value, LIST: _sales(value[LIST], type_, placeholders)}
    return read, placeholders


def _sales(value: Any, type_: GraphQLInputType, placeholders: Placeholders) -> Any:
    """A list of sales, or the one that stands for a list of one; null is left to graphql-core."""
    if isinstance(value, list):
        return [_sale(each, type_, placeholders) for each in value]
    return value if value is None else _sale(value, type_, placeholders)


def _sale(value: Any, type_: GraphQLInputType, placeholders: Placeholders) -> Any:
    if coerce_input_value(value, type_) is not Undefined:
        return value
    stand_in = uuid4()
    placeholders[stand_in] = UnreadableSale(_key(value), _problem(value, type_))
    moment = "2000-01-01T00:00:00Z"
    return {"key": str(stand_in), "storeId": str(NO_KEY), "occurredAt": moment, "lines": []}


def _key(value: Any) -> UUID:
    try:
        return UUID(value["key"])
    except (TypeError, KeyError, ValueError, AttributeError):
        return NO_KEY


def _problem(value: Any, type_: GraphQLInputType) -> Unreadable:
    errors: list[tuple[GraphQLError, list[str | int]]] = []
    validate_input_value(value, type_, lambda error, path: errors.append((error, path)), True)
    error, path = errors[0]
    names = [str(part) for part in path] + FIELD.findall(error.message)
    cause: BaseException | None = error
    while isinstance(cause, GraphQLError):
        cause = cause.original_error
    if isinstance(cause, Malformed):
        return Unreadable(cause.text, path=tuple(names))
    text = masked(error.message.split(", found: ", 1)[0])
    return Unreadable(Text(f"这笔销售不符合接口定义：{text}", text), path=tuple(names))
