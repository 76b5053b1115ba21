"""Documents: parsed, measured and validated once, and kept in a cache bounded by bytes."""

import sys
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property
from typing import Any

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    GraphQLSchema,
    InlineFragmentNode,
    OperationDefinitionNode,
    SelectionSetNode,
    VariableNode,
    parse,
    print_ast,
    specified_rules,
)
from graphql.validation.rules import overlapping_fields_can_be_merged
from strawberry.schema.schema import validate_document
from strawberry.types.graphql import OperationType

from app.live.prepared import PreparedOperation
from app.live.variables import Readers
from app.schema.input_limits import Count, Literals, Shapes
from app.schema.offline_sales import sale_variables
from app.schema.query_cost import (
    LARGEST,
    PAGE_SIZES,
    TOKEN,
    VALUE,
    Meter,
    Size,
    literal_int,
    rows_of,
)

LONGEST = 64 * 1024
"""Characters of a document."""
MOST_TOKENS = 2000
MOST_BYTES = 16 * 1024 * 1024
"""Bytes of all documents in the cache."""
BYTES_PER_TOKEN = 450
"""Upper bound of what graphql-core keeps in memory for a token and its part of the tree."""
MOST_SIZES = 64
"""How many sizes of one operation are cached, one for each choice of page sizes."""

SHARED_ROOTS = frozenset({"storefront"})
"""Root fields below which everything is public, and does not depend on the reader."""

# The rule compares fields with equal names pair by pair. It stops after this many steps, which
# take 20 ms; by default it takes half a second.
overlapping_fields_can_be_merged.MAX_COMPLEXITY_BUDGET = 20_000


class Operation:
    """One operation of a document: the shapes of its variables, and its size."""

    def __init__(self, document: "Document", node: OperationDefinitionNode) -> None:
        self.kind = OperationType(node.operation.value)
        self._shapes = document.literals.variables_of(node)
        self.variables = tuple(self._shapes)
        self.node = node
        self.sale_variables = sale_variables(node)
        self.roots = _roots(node)
        self._document = document
        self._defaults = {
            each.variable.name.value: literal_int(each.default_value)
            for each in node.variable_definitions or ()
        }
        self._sizes: dict[tuple[int, ...], Size] = {}
        self.prepared = PreparedOperation(
            node, document.fragments.values(), document.conditions, document.readers
        )
        self.reads_once = False
        """Whether its last run needed one statement."""

    def root_fields(self) -> list[FieldNode]:
        """The root fields, those in fragments too; the document must be valid."""
        return self._document.fields_of(self.node.selection_set)

    def size(self, variables: Mapping[str, Any]) -> Size:
        """The operation's size with these variables. Raises TooLarge for values beyond a limit."""
        count, uses, values = Count(), self._document.literals.uses, 0
        for name, shape in self._shapes.items():
            if name in variables:
                values += count.variable(name, variables[name], shape) * uses[name]
        size = self._selected(variables)
        return size._replace(units=size.units + self._document.units + VALUE * values)

    def _selected(self, variables: Mapping[str, Any]) -> Size:
        """The size of the selected fields, from the cache if the page sizes are the same."""
        names = self._document.page_variables
        rows = tuple(rows_of(variables.get(name, self._defaults.get(name))) for name in names)
        size = self._sizes.get(rows)
        if size is None:
            size = self._document.measure(self.node, dict(zip(names, rows, strict=True)))
            if len(self._sizes) < MOST_SIZES:
                self._sizes[rows] = size
        return size


class Document:
    """A parsed document. Raises GraphQLError for a syntax error, TooLarge for a long list."""

    def __init__(self, readers: Readers, shapes: Shapes, text: str) -> None:
        schema = readers.schema
        self.node = parse(text, max_tokens=MOST_TOKENS, max_source_length=LONGEST)
        self.valid = False
        self.text = text
        tokens = _tokens(self.node)
        self.bytes = 2 * sys.getsizeof(text) + BYTES_PER_TOKEN * tokens
        self.units = TOKEN * tokens
        self.literals = Literals(schema, shapes, self.node)
        self.readers = readers
        self._schema = schema
        self.fragments: dict[str, FragmentDefinitionNode] = {}
        operations: list[OperationDefinitionNode] = []
        for node in self.node.definitions:
            if isinstance(node, FragmentDefinitionNode):
                self.fragments[node.name.value] = node
            elif isinstance(node, OperationDefinitionNode):
                operations.append(node)
        fields = list(_fields(self.node))
        self.introspects = any(each.name.value in ("__schema", "__type") for each in fields)
        self.page_variables = tuple(sorted(set(_page_variables(fields))))
        self.conditions = tuple(sorted(set(_conditions(self.node))))
        self._operations = {
            each.name and each.name.value: Operation(self, each) for each in operations
        }
        self.ambiguous = len(operations) > 1

    @cached_property
    def schema_question(self) -> str | None:
        """The normalised text of a document that only introspects the schema; None for any
        other."""
        nodes = [
            each for each in self.node.definitions if isinstance(each, OperationDefinitionNode)
        ]
        if not self.introspects or len(nodes) != 1 or nodes[0].variable_definitions:
            return None
        roots = nodes[0].selection_set.selections
        if any(not isinstance(each, FieldNode) or each.name.value != "__schema" for each in roots):
            return None
        return print_ast(self.node)

    def operation(self, name: object) -> Operation | None:
        """The operation with this name; without a name, the only one. None if there is none."""
        if name is None:
            return None if self.ambiguous else next(iter(self._operations.values()), None)
        # Clients may send a name of any JSON type.
        return self._operations.get(str(name))

    @property
    def operations(self) -> Iterable[Operation]:
        return self._operations.values()

    def fields_of(self, selections: SelectionSetNode) -> list[FieldNode]:
        """The fields of a selection set, through its fragments, which must not form a cycle."""
        fields: list[FieldNode] = []
        for node in selections.selections:
            if isinstance(node, FieldNode):
                fields.append(node)
            elif isinstance(node, FragmentSpreadNode):
                fields += self.fields_of(self.fragments[node.name.value].selection_set)
            elif isinstance(node, InlineFragmentNode):
                fields += self.fields_of(node.selection_set)
        return fields

    def is_shared(self, name: object) -> bool:
        """Whether the answer of this operation is the same for all readers."""
        operation = self.operation(name)
        return operation is not None and operation.roots == SHARED_ROOTS

    def declared(self, name: object, variables: Mapping[str, Any]) -> dict[str, Any]:
        """Those of the variables that the operation declares."""
        operation = self.operation(name)
        names = operation.variables if operation else ()
        return {name: variables[name] for name in names if name in variables}

    def measure(self, node: OperationDefinitionNode, rows: Mapping[str, int]) -> Size:
        try:
            return Meter(self._schema, self.fragments, rows).operation(node)
        except RecursionError:
            # Fragments nested this deep exceed every limit.
            return Size(LARGEST, 0, LARGEST, 0)

    def validate(self) -> list[GraphQLError]:
        """The document's errors by the rules of GraphQL; a valid document is checked once."""
        if self.valid:
            return []
        errors = validate_document(self._schema, self.node, tuple(specified_rules))
        self.valid = not errors
        return errors


def _roots(node: OperationDefinitionNode) -> frozenset[str]:
    """The names of the operation's root fields; empty if some of them are in fragments."""
    fields = node.selection_set.selections
    names = [each.name.value for each in fields if isinstance(each, FieldNode)]
    return frozenset(names) if len(names) == len(fields) else frozenset()


def _tokens(document: DocumentNode) -> int:
    token = document.loc and document.loc.start_token
    count = 0
    while token:
        token, count = token.next, count + 1
    return count


def _fields(document: DocumentNode) -> Iterator[FieldNode]:
    """Every field node of the document, in no particular order."""
    sets = [getattr(node, "selection_set", None) for node in document.definitions]
    while sets:
        selections = sets.pop()
        for node in selections.selections if selections else ():
            if isinstance(node, FieldNode):
                yield node
            sets.append(getattr(node, "selection_set", None))


def _page_variables(fields: Iterable[FieldNode]) -> Iterator[str]:
    for field in fields:
        for argument in field.arguments or ():
            if argument.name.value in PAGE_SIZES and isinstance(argument.value, VariableNode):
                yield argument.value.name.value


def _conditions(document: DocumentNode) -> Iterator[str]:
    """The variables of `@include` and `@skip`, and of every other directive."""
    sets: list[Any] = list(document.definitions)
    while sets:
        node = sets.pop()
        for directive in getattr(node, "directives", None) or ():
            for argument in directive.arguments or ():
                if isinstance(argument.value, VariableNode):
                    yield argument.value.name.value
        selected = getattr(node, "selection_set", None)
        sets += selected.selections if selected else ()


class Documents:
    """A cache of the valid documents that were used last, by their text."""

    def __init__(self, schema: GraphQLSchema, most_bytes: int = MOST_BYTES) -> None:
        self._readers = Readers(schema)
        self._shapes = Shapes()
        self._most_bytes = most_bytes
        self._kept: OrderedDict[str, Document] = OrderedDict()
        self.bytes = 0

    def read(self, text: str) -> Document:
        """The document of this text, from the cache or parsed now. Raises like `Document`."""
        document = self._kept.get(text)
        if document is None:
            return Document(self._readers, self._shapes, text)
        self._kept.move_to_end(text)
        return document

    def keep(self, document: Document) -> None:
        """Cache a valid document, and drop the least recently used ones above the limit."""
        if document.text in self._kept or document.bytes > self._most_bytes:
            return
        self._kept[document.text] = document
        self.bytes += document.bytes
        while self.bytes > self._most_bytes:
            self.bytes -= self._kept.popitem(last=False)[1].bytes
