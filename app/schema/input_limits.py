"""Limits on input, checked before graphql-core coerces a value: lists, depth, number of values.

A list takes as many values as its argument or input field declares with `at_most`, and
`MOST_LINES` by default. The description in the schema names the limit. A text has at most
`LONGEST_TEXT` characters, unless its field declares more with `at_most_characters`.
"""

from collections import Counter
from collections.abc import Mapping
from typing import Any

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    GraphQLArgument,
    GraphQLInputField,
    GraphQLInputObjectType,
    GraphQLInputType,
    GraphQLNamedType,
    GraphQLSchema,
    ListValueNode,
    ObjectValueNode,
    OperationDefinitionNode,
    SelectionSetNode,
    ValueNode,
    VariableNode,
    get_named_type,
    get_nullable_type,
    is_input_object_type,
    is_list_type,
    type_from_ast,
)

from app.domain.errors import Malformed
from app.domain.movements.batches import MOST_LINES
from app.schema.arguments import LIST_LIMIT, TEXT_LIMIT

MOST_VALUES = 20_000
DEEPEST_VALUE = 12
LONGEST_TEXT = 10_000


class TooLarge(Malformed):
    """Input beyond a limit. `path` leads to it; each caller adds its part at the front."""

    def __init__(self, zh: str, en: str) -> None:
        super().__init__(None, zh, en)

    def below(self, name: str | int) -> "TooLarge":
        self.path = (str(name), *self.path)
        return self


class Shape:
    """What is checked of the values of a type: the limits of a list and of a text, the fields of an
    object."""

    __slots__ = ("fields", "item", "longest", "most")

    def __init__(self) -> None:
        self.most = 0
        self.longest = LONGEST_TEXT
        self.item: Shape | None = None
        self.fields: dict[str, Shape] = {}


LEAF = Shape()


class Shapes:
    """The shapes of a schema's input types, each made once."""

    def __init__(self) -> None:
        self._objects: dict[str, Shape] = {}

    def of(self, type_: GraphQLInputType, most: int = MOST_LINES) -> Shape:
        nullable: Any = get_nullable_type(type_)
        if is_list_type(nullable):
            shape = Shape()
            shape.most, shape.item = most, self.of(nullable.of_type)
            return shape
        return self._object(nullable) if is_input_object_type(nullable) else LEAF

    def at(self, place: GraphQLArgument | GraphQLInputField) -> Shape:
        longest = _metadata(place).get(TEXT_LIMIT)
        if longest is None:
            return self.of(place.type, limit_of(place))
        shape = Shape()
        shape.longest = longest
        return shape

    def _object(self, type_: GraphQLInputObjectType) -> Shape:
        shape = self._objects.get(type_.name)
        if shape is None:
            # Registered before its fields are: an input type may contain itself.
            shape = self._objects[type_.name] = Shape()
            shape.fields = {name: self.at(field) for name, field in type_.fields.items()}
        return shape


def limit_of(place: GraphQLArgument | GraphQLInputField) -> int:
    """How many values the list of an argument or input field takes."""
    return _metadata(place).get(LIST_LIMIT, MOST_LINES)


def _metadata(place: GraphQLArgument | GraphQLInputField) -> Mapping[str, int]:
    return getattr(place.extensions.get("strawberry-definition"), "metadata", {})


class Literals:
    """Checks the literals of a document, and records the shapes of its variables.

    `uses` counts the places that use a variable.

    Raises TooLarge for a list that is too long. Values that do not fit their type are left to
    the validation, and so are fields that do not exist.
    """

    def __init__(self, schema: GraphQLSchema, shapes: Shapes, document: DocumentNode) -> None:
        self._schema = schema
        self._shapes = shapes
        self._variables: dict[str, Shape] = {}
        self.uses: Counter[str] = Counter()
        for node in document.definitions:
            if isinstance(node, OperationDefinitionNode):
                self._set(node.selection_set, schema.get_root_type(node.operation))
            elif isinstance(node, FragmentDefinitionNode):
                self._set(node.selection_set, self._type(node.type_condition.name.value))

    def variables_of(self, operation: OperationDefinitionNode) -> dict[str, Shape]:
        """The shape of every variable of the operation; its default values are checked too."""
        shapes: dict[str, Shape] = {}
        for definition in operation.variable_definitions or ():
            name = definition.variable.name.value
            shape = self._variables.get(name)
            if shape is None:
                type_: Any = type_from_ast(self._schema, definition.type)
                shape = LEAF if type_ is None else self._shapes.of(type_)
            if definition.default_value is not None:
                self._below(name, definition.default_value, shape)
            shapes[name] = shape
        return shapes

    def _type(self, name: str) -> GraphQLNamedType | None:
        return self._schema.type_map.get(name)

    def _set(self, selections: SelectionSetNode, parent: GraphQLNamedType | None) -> None:
        for node in selections.selections:
            if isinstance(node, FieldNode):
                field = getattr(parent, "fields", {}).get(node.name.value)
                if field is None:
                    continue
                for argument in node.arguments or ():
                    self._argument(argument.name.value, argument.value, field.args)
                if node.selection_set is not None:
                    self._set(node.selection_set, get_named_type(field.type))
            elif below := getattr(node, "selection_set", None):
                condition = getattr(node, "type_condition", None)
                self._set(below, self._type(condition.name.value) if condition else parent)

    def _argument(
        self, name: str, value: ValueNode, arguments: Mapping[str, GraphQLArgument]
    ) -> None:
        if name in arguments:
            self._below(name, value, self._shapes.at(arguments[name]))

    def _value(self, node: ValueNode, shape: Shape) -> None:
        if isinstance(node, VariableNode):
            self.uses[node.name.value] += 1
            known = self._variables.setdefault(node.name.value, shape)
            is_shorter = shape.item is not None and shape.most < known.most
            if is_shorter or shape.longest < known.longest:
                self._variables[node.name.value] = shape
        elif isinstance(node, ListValueNode) and shape.item is not None:
            check_length(len(node.values), shape.most)
            for position, item in enumerate(node.values):
                self._below(position, item, shape.item)
        elif isinstance(node, ObjectValueNode):
            # One value stands for a list of one.
            fields = (shape if shape.item is None else shape.item).fields
            for field in node.fields:
                if field.name.value in fields:
                    self._below(field.name.value, field.value, fields[field.name.value])

    def _below(self, name: str | int, node: ValueNode, shape: Shape) -> None:
        try:
            self._value(node, shape)
        except TooLarge as error:
            raise error.below(name) from None


def check_length(length: int, most: int) -> None:
    """Raises TooLarge for a list of more than `most` values."""
    if length > most:
        raise TooLarge(
            f"此列表最多 {most} 项，收到 {length} 项",
            f"This list takes at most {most} values, and {length} were sent.",
        )


class Count:
    """Counts the values of variables and checks them against their shapes. Raises TooLarge."""

    def __init__(self) -> None:
        self.values = 0

    def variable(self, name: str, value: Any, shape: Shape) -> int:
        """The number of values in this variable; the sum of several is limited."""
        before = self.values
        try:
            self._value(value, shape, 1)
        except TooLarge as error:
            raise error.below(name) from None
        return self.values - before

    def _value(self, value: Any, shape: Shape, depth: int) -> None:
        kind = type(value)
        if kind is str:
            if len(value) > shape.longest:
                raise TooLarge(
                    f"文字最多 {shape.longest} 个字符，收到 {len(value)} 个",
                    f"A text has at most {shape.longest} characters, and {len(value)} were sent.",
                )
        elif kind is list or kind is dict:
            self._several(value, shape, depth)

    def _several(self, value: Any, shape: Shape, depth: int) -> None:
        """Check the values of a list or an object, even where the type expects neither."""
        is_list, fields, inner = type(value) is list, shape.fields, LEAF
        if shape.item is not None:
            # One value stands for a list of one.
            inner, fields = shape.item, shape.item.fields
            if is_list:
                check_length(len(value), shape.most)
        self.values += len(value)
        self._check_sums(depth)
        pairs: Any = enumerate(value) if is_list else value.items()
        for name, item in pairs:
            try:
                self._value(item, inner if is_list else fields.get(name, LEAF), depth + 1)
            except TooLarge as error:
                raise error.below(name) from None

    def _check_sums(self, depth: int) -> None:
        if depth > DEEPEST_VALUE:
            raise TooLarge(
                f"嵌套最多 {DEEPEST_VALUE} 层", f"Values nest at most {DEEPEST_VALUE} levels."
            )
        if self.values > MOST_VALUES:
            raise TooLarge(
                f"一次请求最多 {MOST_VALUES} 个值，请分批提交",
                f"One request takes at most {MOST_VALUES} values: send them in several requests.",
            )
