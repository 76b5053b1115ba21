"""What is made once for an operation: the readers of its variables, its root fields and plans."""

from collections.abc import Iterable, Sequence
from functools import cached_property
from typing import Any

from graphql import FragmentDefinitionNode, OperationDefinitionNode
from graphql.execution.collect_fields import FragmentDetails, collect_fields

from app.live.plans import Complete, Unusual, completion
from app.live.variables import Readers, Variables

CHOICES_MAX = 64
"""Plans of one operation, and choices of its conditions for which its root fields are kept."""


class PreparedOperation:
    """One operation of a valid document."""

    def __init__(
        self,
        node: OperationDefinitionNode,
        fragments: Iterable[FragmentDefinitionNode],
        conditions: Sequence[str],
        readers: Readers,
    ) -> None:
        """`conditions` are the variables of the document's directives."""
        self.node = node
        self.fragment_nodes = {each.name.value: each for each in fragments}
        self.fragments = {name: FragmentDetails(each) for name, each in self.fragment_nodes.items()}
        self._conditions = conditions
        self._readers = readers
        self._roots: dict[Any, Any] = {}
        self._plans: dict[Any, Complete | None] = {}

    @cached_property
    def variables(self) -> Variables:
        return Variables(self._readers, self.node)

    def _choice(self, executor: Any) -> tuple[Any, ...]:
        """The values of the conditions."""
        if not self._conditions:
            return ()
        values = executor.variable_values.coerced
        return tuple(values.get(condition) for condition in self._conditions)

    def roots(self, executor: Any) -> Any:
        """The root fields by their response names, as graphql-core collects them."""
        choice = self._choice(executor)
        roots = self._roots.get(choice)
        if roots is None:
            schema, values = executor.schema, executor.variable_values
            type_ = schema.get_root_type(self.node.operation)
            roots = collect_fields(schema, self.fragments, values, type_, self.node)
            roots = roots.grouped_field_set
            if len(self._roots) < CHOICES_MAX:
                self._roots[choice] = roots
        return roots

    def plan(self, name: str, type_: Any, details: Any, executor: Any) -> Complete | None:
        """The function that completes the value of a root field; None if it needs graphql-core.

        There is one plan for each choice of the conditions.
        """
        key = name, *self._choice(executor)
        if key not in self._plans:
            if len(self._plans) >= CHOICES_MAX:
                return None
            self._plans[key] = _planned(type_, details, executor)
        return self._plans[key]


def _planned(type_: Any, details: Any, executor: Any) -> Complete | None:
    try:
        return completion(type_, details, executor)
    except Unusual:
        return None
