"""Converts arguments to Python values, with functions that are made once for each type.

Strawberry walks the types of an input with each request, at ten times the cost of its values.
"""

from collections.abc import Callable, Mapping
from dataclasses import MISSING
from typing import Any

from strawberry.types.arguments import convert_argument
from strawberry.types.base import StrawberryList, StrawberryMaybe, StrawberryOptional
from strawberry.types.enum import StrawberryEnumDefinition, has_enum_definition
from strawberry.types.maybe import Some
from strawberry.types.unset import UNSET

Convert = Callable[[Any], Any]


def as_it_is(value: Any) -> Any:
    """The value of a scalar or an enum, which graphql-core has read already."""
    return value


class Converters:
    """Makes the converters of one schema; those of input types are made once."""

    def __init__(self, schema: Any) -> None:
        self._names = schema.config.name_converter
        self._config = schema.config
        self._scalars = schema.schema_converter.scalar_registry
        self._inputs: dict[Any, Convert] = {}

    def of_arguments(self, field: Any) -> Callable[[Mapping[str, Any]], dict[str, Any]]:
        """The function that converts the arguments of a field to values by their Python names."""
        parts = [
            (self._names.from_argument(each), each.python_name, self.of(each.type))
            for each in field.arguments
        ]

        def convert(values: Mapping[str, Any]) -> dict[str, Any]:
            return {
                python_name: read(values[name])
                for name, python_name, read in parts
                if name in values
            }

        return convert

    def of(self, type_: Any) -> Convert:
        """The function that converts a value of this Strawberry type."""
        if isinstance(type_, StrawberryMaybe):
            if not isinstance(type_.of_type, StrawberryOptional):
                return self._by_the_library(type_)
            convert = self.of(type_.of_type)
            return lambda value: Some(convert(value))
        if isinstance(type_, StrawberryOptional):
            return self.of(type_.of_type)
        if isinstance(type_, StrawberryList):
            return _list(self.of(type_.of_type))
        if isinstance(type_, StrawberryEnumDefinition) or has_enum_definition(type_):
            return as_it_is
        if type_ in self._scalars or type_ in (str, int, float, bool):
            return as_it_is
        definition: Any = getattr(type_, "__strawberry_definition__", None)
        if getattr(definition, "is_input", False) and definition.from_input is None:
            return self._input(type_, definition)
        return self._by_the_library(type_)

    def _by_the_library(self, type_: Any) -> Convert:
        return lambda value: convert_argument(value, type_, self._scalars, self._config)

    def _input(self, cls: Any, definition: Any) -> Convert:
        if cls not in self._inputs:
            # Registered before its fields are: an input may contain itself.
            self._inputs[cls] = lambda value: self._inputs[cls](value)
            self._inputs[cls] = self._new_input(cls, definition)
        return self._inputs[cls]

    def _new_input(self, cls: Any, definition: Any) -> Convert:
        parts = {
            self._names.from_field(field): (
                field.python_name,
                self.of(field.resolve_type(type_definition=definition)),
            )
            for field in definition.fields
        }
        absent = {
            field.python_name: None
            for field in definition.fields
            if field.default_value is MISSING and field.default_factory is MISSING
        }

        def convert(value: Any) -> Any:
            if value is None or value is UNSET:
                return value
            given = dict(absent)
            for name, item in value.items():
                python_name, read = parts[name]
                given[python_name] = read(item)
            return cls(**given)

        return convert


def _list(convert: Convert) -> Convert:
    def convert_all(value: Any) -> Any:
        if value is None or value is UNSET:
            return value
        # Always a copy: a default value is the same list object in every request.
        return list(value) if convert is as_it_is else [convert(each) for each in value]

    return convert_all
