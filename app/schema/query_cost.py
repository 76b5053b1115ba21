"""The cost of an operation in units, estimated before it runs, and the budgets of roles.

A unit is about 1 µs of CPU. Lists multiply what is selected below them. The estimate is linear in
the document, however its fragments fan out.
"""

from collections.abc import Mapping
from functools import reduce
from typing import NamedTuple, cast

from graphql import (
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLField,
    GraphQLNamedType,
    GraphQLOutputType,
    GraphQLSchema,
    InlineFragmentNode,
    IntValueNode,
    OperationDefinitionNode,
    SelectionNode,
    SelectionSetNode,
    VariableNode,
    get_named_type,
    is_introspection_type,
    is_leaf_type,
    is_list_type,
    is_non_null_type,
    is_object_type,
)
from strawberry.types.graphql import OperationType

from app.domain.access import Role, Scope
from app.domain.errors import CostExceeded
from app.schema.paging import DEFAULT_ROWS, LONGEST

GUEST_BUDGET = 80_000
CUSTOMER_BUDGET = 100_000
STAFF_BUDGET = 450_000
KEY_BUDGET = 550_000

DEEPEST = 20
MOST_MUTATIONS = 20

TOKEN = 20
"""A token of the document: it is parsed and validated."""
VALUE = 54
"""A value in the variables, for each place of the document that uses it."""
ROOT, MUTATION = 2000, 5000
"""A root field, which checks the permission and reads the database; a root field that writes."""
PASSWORD = 40_000
"""A root field that hashes a password."""
SCALAR = 1
OBJECT = 5
EDGE = 50
"""A field that a resolver computes or loads."""
ROW = 20
"""A row of a list, besides its fields."""
PAGE_SIZES = ("first", "last")
"""Arguments that say how many rows a page has."""
PAGE, PAGE_ROW = 3000, 50
"""A page of a connection, and each of its rows."""

LARGEST = 10**9
"""Sums are cut off here: those of nested fragments could have more digits than the document."""

USUAL_ROWS = 5
"""Rows of a list that `USUAL_SIZES` does not name."""

USUAL_SIZES: Mapping[str, float] = {
    "AvailabilityChange.products": 200,
    "BatchLevel.alerts": 0.2,
    "Level.alerts": 0.2,
    "Series.points": 50,
    "Menu.dishes": 100,
    "MenuChange.dishes": 100,
    "Query.categories": 50,
    "Query.replenishmentSuggestions": 200,
    "Storefront.categories": 50,
    "StoreSnapshot.levels": 500,
    "__Schema.types": 300,
    "__Type.enumValues": 1,
    "__Type.fields": 3,
    "__Type.inputFields": 1.3,
    "__Type.interfaces": 0.2,
    "__Type.ofType": 0.5,
    "__Type.possibleTypes": 0.8,
    "__Field.args": 0.3,
}
"""Rows that a field usually returns. Connections have the rows that `first` asks for."""

REPORTS = {
    *("SalesReport", "LossReport", "StockValue", "TurnoverReport", "SlowMoversReport"),
    *("ExpiryReport", "SupplierReport", "StocktakeReport", "ReorderPlan", "Analytics"),
}
"""Types whose `rows` are those that `first` asks for, as in a connection."""


PASSWORD_ROOTS = {
    *("changePassword", "inviteStaff", "resetStaffPassword", "signIn"),
    *("signInWithWechat", "signInWithDouyin", "bindPhone", "previewImport", "commitImport"),
    "chart",
}
"""Roots that hash a password, call a platform, read a file or draw a chart, which costs more."""


def budget_of(scope: Scope | None) -> int:
    """The units that one operation of this viewer may cost. None is a guest."""
    if scope is None:
        return GUEST_BUDGET
    if scope.role is Role.CUSTOMER:
        return CUSTOMER_BUDGET
    return KEY_BUDGET if scope.role is Role.INTEGRATOR else STAFF_BUDGET


class Size(NamedTuple):
    """What a selection set costs.

    `units` are spent once, `each` once for every row of the page around it. `depth` counts levels
    of fields, `fields` the fields of the set itself, through its fragments.
    """

    units: int = 0
    each: int = 0
    depth: int = 0
    fields: int = 0

    def with_(self, other: "Size") -> "Size":
        return Size(
            min(self.units + other.units, LARGEST),
            min(self.each + other.each, LARGEST),
            max(self.depth, other.depth),
            min(self.fields + other.fields, LARGEST),
        )

    def or_(self, other: "Size") -> "Size":
        """The larger of two of which only one is executed."""
        return Size(*map(max, self, other))


def check_size(size: Size, kind: OperationType, budget: int) -> None:
    """Raises CostExceeded for an operation that is too deep or costs more than the budget."""
    if size.depth > DEEPEST:
        raise CostExceeded(f"查询最多嵌套 {DEEPEST} 层", f"Fields nest at most {DEEPEST} levels.")
    if kind is OperationType.MUTATION and size.fields > MOST_MUTATIONS:
        raise CostExceeded(
            f"一次请求最多 {MOST_MUTATIONS} 个变更，收到 {size.fields} 个",
            f"One document holds at most {MOST_MUTATIONS} mutations; this one has {size.fields}.",
        )
    if size.units > budget:
        raise CostExceeded(
            f"操作成本为 {size.units}，上限为 {budget}：请减少字段、每页行数或提交的数据",
            f"The operation costs {size.units} and the budget is {budget}: "
            "select fewer fields, ask for fewer rows or send less data.",
        )


class Meter:
    """Measures the operations of one document with these variables; fragments only once."""

    def __init__(
        self,
        schema: GraphQLSchema,
        fragments: Mapping[str, FragmentDefinitionNode],
        rows: Mapping[str, int],
    ) -> None:
        self._schema = schema
        self._fragments = fragments
        self._rows = rows
        self._known: dict[str, Size] = {}
        self._roots = (schema.query_type, schema.mutation_type, schema.subscription_type)

    def operation(self, node: OperationDefinitionNode) -> Size:
        return self._set(node.selection_set, self._schema.get_root_type(node.operation))

    def _set(self, selections: SelectionSetNode, parent: GraphQLNamedType | None) -> Size:
        """The fields of a set; of fragments on different object types only the largest counts."""
        common, members = Size(), dict[str, Size]()
        for node in selections.selections:
            size, on = self._selection(node, parent)
            if on is None or on is parent or not is_object_type(on):
                common = common.with_(size)
            else:
                members[on.name] = members.get(on.name, Size()).with_(size)
        return common.with_(reduce(Size.or_, members.values(), Size()))

    def _selection(
        self, node: SelectionNode, parent: GraphQLNamedType | None
    ) -> tuple[Size, GraphQLNamedType | None]:
        """The size of a selection, and the type that its fragment is for."""
        if isinstance(node, FieldNode):
            return self._field(node, parent), None
        if isinstance(node, FragmentSpreadNode):
            fragment = self._fragments.get(node.name.value)
            if fragment is None:
                return Size(), None
            return self._fragment(fragment), self._type(fragment.type_condition.name.value)
        inline = cast(InlineFragmentNode, node)
        condition = inline.type_condition
        on = parent if condition is None else self._type(condition.name.value)
        return self._set(inline.selection_set, on), on

    def _type(self, name: str) -> GraphQLNamedType | None:
        return self._schema.type_map.get(name)

    def _fragment(self, fragment: FragmentDefinitionNode) -> Size:
        name = fragment.name.value
        if name not in self._known:
            # Another rule refuses a fragment that spreads itself; this entry only ends the
            # recursion.
            self._known[name] = Size()
            on = self._type(fragment.type_condition.name.value)
            self._known[name] = self._set(fragment.selection_set, on)
        return self._known[name]

    def _field(self, node: FieldNode, parent: GraphQLNamedType | None) -> Size:
        name = node.name.value
        definition = self._definition(parent, name)
        if definition is None:
            # Another rule refuses a field that does not exist; `__typename` has no definition.
            return Size(SCALAR, 0, 1, 1)
        type_ = get_named_type(definition.type)
        own = self._own(name, definition, parent)
        if node.selection_set is None or is_leaf_type(type_):
            return Size(own, 0, 1, 1)
        below = self._set(node.selection_set, type_)
        units, each = below.units, below.each
        if "first" in definition.args:
            units, each = PAGE + units + self._first(node) * (each + PAGE_ROW), 0
        elif _is_list(definition.type) and parent is not None and _is_paged(parent, name):
            return Size(0, min(own + units, LARGEST), below.depth + 1, 1)
        else:
            row, usual = (ROW, USUAL_ROWS) if _is_list(definition.type) else (0, 1)
            if is_introspection_type(type_):
                row = 0
            rows = USUAL_SIZES.get(f"{parent and parent.name}.{name}", usual)
            units, each = int((units + row) * rows), int(each * rows)
        return Size(min(own + units, LARGEST), min(each, LARGEST), below.depth + 1, 1)

    def _own(self, name: str, field: GraphQLField, parent: GraphQLNamedType | None) -> int:
        """The units of a field without what is selected below it."""
        if parent in self._roots:
            if name in PASSWORD_ROOTS:
                return PASSWORD
            return MUTATION if parent is self._schema.mutation_type else ROOT
        if is_leaf_type(get_named_type(field.type)):
            return SCALAR
        definition = field.extensions.get("strawberry-definition")
        return EDGE if getattr(definition, "base_resolver", None) else OBJECT

    def _definition(self, parent: GraphQLNamedType | None, name: str) -> GraphQLField | None:
        if name.startswith("__"):
            return self._schema.get_field(parent, name) if is_object_type(parent) else None
        return getattr(parent, "fields", {}).get(name)

    def _first(self, node: FieldNode) -> int:
        """The rows of a page, from a literal or a variable; a value out of range is refused
        later."""
        sizes = [
            self._rows.get(argument.value.name.value, DEFAULT_ROWS)
            if isinstance(argument.value, VariableNode)
            else rows_of(literal_int(argument.value))
            for argument in node.arguments or ()
            if argument.name.value in PAGE_SIZES
        ]
        return max(sizes, default=DEFAULT_ROWS)


def literal_int(node: object) -> int | None:
    """The value of an integer literal; a very long one counts as the longest page."""
    if not isinstance(node, IntValueNode):
        return None
    return int(node.value) if len(node.value) < 10 else LONGEST


def rows_of(value: object) -> int:
    """The rows that `first` asks for; a value that it does not accept is refused later."""
    return min(max(value, 1), LONGEST) if type(value) is int else DEFAULT_ROWS


def _is_paged(type_: GraphQLNamedType, field: str) -> bool:
    """Whether the field has as many rows as the `first` of the field around it."""
    return type_.name.endswith("Connection") or (field == "rows" and type_.name in REPORTS)


def _is_list(type_: GraphQLOutputType) -> bool:
    return is_list_type(type_.of_type if is_non_null_type(type_) else type_)
