"""Variables: their values are read by functions that are made once for each input type.

graphql-core walks the types of an input with each request, which takes longer than the root field.
A reader handles valid values only. For anything else it raises, and graphql-core reads all
variables again, so that errors and unusual values, such as one value for a list, are its own.
"""

from collections.abc import Callable, Mapping
from typing import Any, cast

from graphql import (
    GraphQLError,
    GraphQLInputObjectType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLSchema,
    OperationDefinitionNode,
    Undefined,
    VariableDefinitionNode,
    is_required_input_field,
)
from graphql.execution.get_variable_signature import get_variable_signature
from graphql.execution.values import VariableValues, VariableValueSource
from graphql.utilities.coerce_input_value import (
    coerce_default_value,
    coerce_input_literal,  # pyright: ignore[reportUnknownVariableType] as graphql-core has it
)

Read = Callable[[Any], Any]


class Unreadable(Exception):
    """The value must be read by graphql-core."""


class Readers:
    """The readers of a schema's input types, each made once."""

    def __init__(self, schema: GraphQLSchema) -> None:
        self.schema = schema
        self._objects: dict[str, Read] = {}

    def of(self, type_: Any) -> Read:
        """The function that reads a JSON value of this type. It raises if the value is not
        valid, or not written as usual."""
        if isinstance(type_, cast(Any, GraphQLNonNull)):
            return _required(self._present(type_.of_type))
        read = self._present(type_)
        return lambda value: None if value is None else read(value)

    def _present(self, type_: Any) -> Read:
        """The reader of values that are not null."""
        if isinstance(type_, cast(Any, GraphQLList)):
            return _list(self.of(type_.of_type))
        if isinstance(type_, GraphQLInputObjectType):
            return self._object(type_)
        return _leaf(type_.coerce_input_value)

    def _object(self, type_: GraphQLInputObjectType) -> Read:
        name = type_.name
        if name not in self._objects:
            # Registered before its fields are: an input type may contain itself.
            self._objects[name] = lambda value: self._objects[name](value)
            self._objects[name] = self._new_object(type_)
        return self._objects[name]

    def _new_object(self, type_: GraphQLInputObjectType) -> Read:
        fields = [
            (name, field.out_name or name, self.of(field.type), field)
            for name, field in type_.fields.items()
        ]
        required = {name for name, field in type_.fields.items() if is_required_input_field(field)}
        defaults = {name for name, field in type_.fields.items() if _has_default(field)}
        known, is_one_of, out = type_.fields.keys(), type_.is_one_of, type_.out_type

        def read(given: Any) -> Any:
            value = cast("dict[str, Any]", given)
            if type(given) is not dict or not required <= value.keys() <= known:
                raise Unreadable
            values: dict[str, Any] = {}
            for name, out_name, read_field, field in fields:
                if name in value:
                    values[out_name] = read_field(value[name])
                elif name in defaults:
                    values[out_name] = coerce_default_value(field)
            if is_one_of and (len(value) != 1 or None in values.values()):
                raise Unreadable
            return out(values)

        return read


def _has_default(field: Any) -> bool:
    return field.default is not None or field.default_value is not Undefined


def _required(read: Read) -> Read:
    def read_present(value: Any) -> Any:
        if value is None:
            raise Unreadable
        return read(value)

    return read_present


def _list(read: Read) -> Read:
    def read_items(value: Any) -> Any:
        if not isinstance(value, list):
            raise Unreadable
        return [read(item) for item in cast("list[Any]", value)]

    return read_items


def _leaf(coerce: Read) -> Read:
    return lambda value: _defined(coerce(value))


def _defined(value: Any) -> Any:
    if value is Undefined:
        raise Unreadable
    return value


class Variables:
    """The variables of one operation, which must be valid."""

    def __init__(self, readers: Readers, operation: OperationDefinitionNode) -> None:
        self._parts = [_part(readers, each) for each in operation.variable_definitions or ()]

    def read(self, values: Mapping[str, Any]) -> VariableValues | None:
        """The values as graphql-core coerces them; None if it has to do so itself."""
        sources: dict[str, VariableValueSource] = {}
        coerced: dict[str, Any] = {}
        try:
            for signature, read, default, is_required in self._parts:
                name = signature.name
                if name in values:
                    sources[name] = VariableValueSource(signature, values[name])
                    coerced[name] = read(values[name])
                    continue
                sources[name] = VariableValueSource(signature)
                if default is not None:
                    # Read each time: what is done to a list must not change the next request.
                    coerced[name] = _defined(coerce_input_literal(default, signature.type))
                elif is_required:
                    return None
        except Exception:
            # graphql-core reads them again, and its errors say what is wrong.
            return None
        return VariableValues(sources, coerced)


def _part(readers: Readers, node: VariableDefinitionNode) -> tuple[Any, Read, Any, bool]:
    signature: Any = get_variable_signature(readers.schema, node)
    if isinstance(signature, GraphQLError):
        raise signature
    is_required = isinstance(signature.type, cast(Any, GraphQLNonNull))
    return signature, readers.of(signature.type), node.default_value, is_required
