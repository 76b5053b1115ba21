"""What one document may cost: a rule linear in the document, however its fragments fan out."""

from typing import NamedTuple

from graphql import (
    FieldNode,
    FragmentSpreadNode,
    GraphQLError,
    OperationDefinitionNode,
    OperationType,
    SelectionSetNode,
    ValidationContext,
    ValidationRule,
)

DEEPEST = 20
MOST_FIELDS = 1000
MOST_MUTATIONS = 20
MOST_TOKENS = 2000


class Cost(NamedTuple):
    """Fields after all fragments are spread, and how deep they nest."""

    fields: int
    depth: int


class CostRule(ValidationRule):
    """Refuses documents that are too deep or too wide.

    Every fragment is costed once and remembered, so 2^n spreads take n steps.
    """

    def __init__(self, context: ValidationContext) -> None:
        super().__init__(context)
        self._known: dict[str, Cost] = {}

    def enter_operation_definition(self, node: OperationDefinitionNode, *_: object) -> None:
        cost = self._of(node.selection_set)
        roots = len(node.selection_set.selections)
        if cost.depth > DEEPEST or cost.fields > MOST_FIELDS:
            self._refuse(node, f"at most {DEEPEST} levels and {MOST_FIELDS} fields")
        if node.operation is OperationType.MUTATION and roots > MOST_MUTATIONS:
            self._refuse(node, f"at most {MOST_MUTATIONS} mutations in one document")

    def _refuse(self, node: OperationDefinitionNode, text: str) -> None:
        self.report_error(GraphQLError(text, node, extensions={"code": "COST_EXCEEDED"}))

    def _of(self, selections: SelectionSetNode) -> Cost:
        fields = depth = 0
        for node in selections.selections:
            inner = self._inner(node)
            fields += inner.fields
            depth = max(depth, inner.depth)
        return Cost(min(fields, MOST_FIELDS + 1), depth)

    def _inner(self, node: object) -> Cost:
        if isinstance(node, FragmentSpreadNode):
            return self._fragment(node.name.value)
        below = getattr(node, "selection_set", None)
        cost = self._of(below) if below else Cost(0, 0)
        return Cost(cost.fields + 1, cost.depth + 1) if isinstance(node, FieldNode) else cost

    def _fragment(self, name: str) -> Cost:
        if name not in self._known:
            # A fragment that spreads itself is refused by another rule; here it must only end.
            self._known[name] = Cost(0, 0)
            fragment = self.context.get_fragment(name)
            if fragment is not None:
                self._known[name] = self._of(fragment.selection_set)
        return self._known[name]
