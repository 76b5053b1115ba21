"""The executor: it completes the values of root fields with compiled plans, within the budget."""

from contextvars import ContextVar
from functools import cached_property
from typing import Any, NamedTuple, cast

from graphql import GraphQLObjectType, is_introspection_type
from strawberry.schema.schema import StrawberryGraphQLCoreExecutionContext

from app.domain.errors import CostExceeded
from app.live.leaves import FALLBACK, LEAF_RESOLVERS
from app.live.plans import Plans, Run

OBJECT_UNITS = 10
SCHEMA_OBJECT_UNITS = 5
"""Units of an object in an answer; each of its fields is one more. An object of introspection costs
less: it is in memory, and each part of the schema is completed once."""


class Cost(NamedTuple):
    """What an operation was estimated to cost and may cost, in units.

    `is_limited` says that its answer may not grow past the budget.
    """

    requested: int
    budget: int
    is_limited: bool


COST: ContextVar[Cost | None] = ContextVar("cost", default=None)
"""The cost of the operation that this task runs."""


PLANS: ContextVar[Plans | None] = ContextVar("plans", default=None)
"""The plans of the operation that this task runs."""


class PlannedExecutor(StrawberryGraphQLCoreExecutionContext):
    """Executes one operation, or one event of a subscription."""

    # Declared by graphql-core as a type guard whose type is unknown.
    is_awaitable: Any

    # Units spent so far.
    spent = 0

    @cached_property
    def cost(self) -> Cost | None:
        """The operation's cost; the task that runs the operation reads it first."""
        return COST.get()

    @cached_property
    def plans(self) -> Plans | None:
        """The operation's plans; the task that runs the operation reads them first."""
        return PLANS.get() if self.error_propagation else None

    @cached_property
    def allowance(self) -> int | None:
        """The units that the answer may take; None for mutations and feeds."""
        return self.cost.budget if self.cost and self.cost.is_limited else None

    @cached_property
    def introspected(self) -> dict[tuple[int, int], tuple[Any, ...]]:
        """Answers of introspection by the ids of their object and fields. The entry keeps both
        alive, so that their ids stay unique."""
        return {}

    def execute_fields(
        self,
        parent_type: GraphQLObjectType,
        source_value: Any,
        path: Any,
        grouped_field_set: Any,
        position_context: Any,
    ) -> Any:
        parts = parent_type, source_value, path, grouped_field_set, position_context
        if not is_introspection_type(parent_type):
            self.spend(1, len(grouped_field_set))
            return super().execute_fields(*parts)
        # Most of a schema consists of references to the same types; each is completed once.
        place = id(source_value), id(grouped_field_set)
        if place not in self.introspected:
            answer = self._introspect(*parts)
            self.introspected[place] = answer, source_value, grouped_field_set
        return self.introspected[place][0]

    def _introspect(
        self,
        parent_type: GraphQLObjectType,
        source_value: Any,
        path: Any,
        grouped_field_set: Any,
        position_context: Any,
    ) -> Any:
        """An object of the schema; its scalar fields are compiled, because there are thousands of
        them."""
        self.spend(1, len(grouped_field_set), SCHEMA_OBJECT_UNITS)
        leaves = parent_type.extensions[LEAF_RESOLVERS]
        values: dict[str, Any] = {}
        rest: dict[str, Any] = {}
        for name, details in grouped_field_set.items():
            read = leaves.get(details[0].node.name.value)
            value = values[name] = FALLBACK if read is None else read(source_value, None)
            if value is FALLBACK:
                rest[name] = details
        if rest:
            others: Any = super().execute_fields(
                parent_type, source_value, path, rest, position_context
            )
            values.update(others)
        return values

    def spend(self, objects: int, fields: int, own: int = OBJECT_UNITS) -> None:
        """Take the units of objects with so many fields each. Raises CostExceeded."""
        self.spent += objects * (own + fields)
        if self.allowance is not None and self.spent > self.allowance:
            raise CostExceeded(
                f"结果过多，超出查询成本上限 {self.allowance}：请减少字段或每页行数",
                f"The answer is larger than the budget of {self.allowance}: "
                "select fewer fields or ask for fewer rows.",
            )

    def complete_value(
        self,
        return_type: Any,
        field_details_list: Any,
        info: Any,
        path: Any,
        result: Any,
        position_context: Any,
    ) -> Any:
        """The value of a root field, completed by its plan, or by graphql-core if there is none."""
        parts = return_type, field_details_list, info, path, result, position_context
        library: Any = cast(Any, super()).complete_value
        if path.prev is not None or self.plans is None or isinstance(result, Exception):
            return library(*parts)
        complete = self.plans.of(path.key, return_type, field_details_list, self)
        if complete is None:
            return library(*parts)
        run = Run(self)
        try:
            completed = complete([result], run)
        except Exception:
            return self._complete_again(run, *parts)
        if isinstance(completed, list):
            return completed[0]
        return self._complete_later(completed, run, *parts)

    async def _complete_later(self, completed: Any, run: Run, *parts: Any) -> Any:
        try:
            return (await completed)[0]
        except Exception:
            again = self._complete_again(run, *parts)
            return await again if self.is_awaitable(again) else again

    def _complete_again(self, run: Run, *parts: Any) -> Any:
        """The value, completed by graphql-core, which reports the error that made the plan fail."""
        run.abandon()
        # Take back only the units of this run: other root fields run at the same time.
        self.spent, self.plans = self.spent - run.spent, None
        return cast(Any, super()).complete_value(*parts)
