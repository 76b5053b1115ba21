"""The executor: it completes the values of root fields with compiled plans, within the budget."""

from contextvars import ContextVar
from functools import cached_property
from typing import Any, NamedTuple, cast

from graphql import GraphQLError, GraphQLObjectType, OperationType, is_introspection_type
from strawberry.schema.schema import StrawberryGraphQLCoreExecutionContext

from app.domain.errors import CostExceeded
from app.live.leaves import FALLBACK, LEAF_RESOLVERS
from app.live.plans import Run
from app.live.prepared import PreparedOperation

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


PREPARED: ContextVar[PreparedOperation | None] = ContextVar("prepared", default=None)
"""The operation that this task runs; None if graphql-core runs it from its document."""


class PlannedExecutor(StrawberryGraphQLCoreExecutionContext):
    """Executes one operation, or one event of a subscription."""

    # Declared by graphql-core as a type guard whose type is unknown.
    is_awaitable: Any

    # Units spent so far.
    spent = 0

    def __init__(self, *arguments: Any, **named: Any) -> None:
        """Created by the task that runs the operation; events of a feed run in other tasks."""
        super().__init__(*arguments, **named)
        # They refer to the executor. Without this cycle it is freed at once, with all that it has
        # read; the garbage collector took 5 % of the time of small requests. They serve an
        # asynchronous `is_type_of`, which no type of Strawberry has.
        self.async_helpers = cast(Any, None)
        self.cost = COST.get()
        self.prepared = PREPARED.get() if self.error_propagation else None
        self.allowance = self.cost.budget if self.cost and self.cost.is_limited else None
        """The units that the answer may take; None for mutations and feeds."""

    @cached_property
    def introspected(self) -> dict[tuple[int, int], tuple[Any, ...]]:
        """Answers of introspection by the ids of their object and fields. The entry keeps both
        alive, so that their ids stay unique."""
        return {}

    def execute_operation(self, serially: bool | None = None) -> Any:
        """The operation's result, or an awaitable of it; its root fields are collected once."""
        if self.prepared is None or self.abort_signal is not None:
            return super().execute_operation(serially)
        kind = self.operation.operation
        if serially is None:
            serially = kind is OperationType.MUTATION
        type_, roots = self.schema.get_root_type(kind), self.prepared.roots(self)
        is_serial = serially and len(roots) > 1
        execute = self.execute_fields_serially if is_serial else self.execute_fields
        try:
            data: Any = execute(cast(Any, type_), self.root_value, None, roots, None)
        except GraphQLError as error:
            return self._without_data(error)
        return self._respond(data) if self.is_awaitable(data) else self.build_response(data)

    async def _respond(self, data: Any) -> Any:
        try:
            return self.build_response(await data)
        except GraphQLError as error:
            return self._without_data(error)

    def _without_data(self, error: GraphQLError) -> Any:
        """The result if an error has reached the operation itself."""
        self.collected_errors.add(error, None)
        return self.build_response(None)

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
        if path.prev is not None or self.prepared is None or isinstance(result, Exception):
            return library(*parts)
        complete = self.prepared.plan(path.key, return_type, field_details_list, self)
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
        self.spent, self.prepared = self.spent - run.spent, None
        return cast(Any, super()).complete_value(*parts)
