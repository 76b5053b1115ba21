"""Shared answers: an event is executed and serialised once for all subscriptions that ask alike.

A question is the document, the operation, the scope, the language, and the variables that shape
the answer. The answer is kept on the event and lives as long as the event.
"""

import asyncio
from collections.abc import AsyncIterable, AsyncIterator, Callable, Iterator
from contextvars import ContextVar
from copy import copy
from functools import cached_property
from typing import Any, NamedTuple, Protocol, cast
from weakref import WeakValueDictionary

import orjson
from graphql import (
    ExecutionResult,
    FieldNode,
    GraphQLError,
    GraphQLObjectType,
    Node,
    VariableNode,
    is_introspection_type,
)
from strawberry.schema.schema import StrawberryGraphQLCoreExecutionContext

from app.db.core.outage import is_passing
from app.domain.errors import CostExceeded
from app.domain.feed import Event
from app.live.follower import Follower
from app.live.leaves import FALLBACK, LEAF_RESOLVERS, LeafInfo
from app.live.plans import Plans, Run
from app.live.stream import Stream

RETRY_SECONDS = 0.2
OBJECT_UNITS = 10
SCHEMA_OBJECT_UNITS = 5
"""Units of an object in an answer; each of its fields is one more."""


class Answer(dict[str, Any]):
    """The data of a shared answer; it is encoded as JSON once."""

    @cached_property
    def json(self) -> bytes:
        return dumps(dict(self))


def dumps(value: Any) -> bytes:
    """The value as JSON. Raises TypeError for what JSON cannot hold."""
    return orjson.dumps(value, default=_default, option=orjson.OPT_PASSTHROUGH_SUBCLASS)


def _default(value: Any) -> Any:
    if isinstance(value, Answer):
        return orjson.Fragment(value.json)
    if isinstance(value, dict):
        return dict(cast("dict[Any, Any]", value))
    if isinstance(value, list):
        return list(cast("list[Any]", value))
    if isinstance(value, str):
        return str(value)
    raise TypeError(f"{type(value).__name__} is not JSON")


class Line(Protocol):
    """The direct way from a follower to its socket, without Strawberry's operation."""

    def attach(self, asker: "SharedExecutor", follower: Follower) -> None: ...


LINE: ContextVar[Line | None] = ContextVar("line", default=None)
"""Set by the socket around each operation it runs."""


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


_ASKERS: "WeakValueDictionary[tuple[Any, ...], SharedExecutor]" = WeakValueDictionary()


class SharedExecutor(StrawberryGraphQLCoreExecutionContext):
    """Executes events of subscriptions through their shared answers.

    Scalar fields bypass graphql-core's per-field completion, which costs ten times what reading
    them does: a menu of 2,000 fields takes 10 ms instead of 20.
    """

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
        """Answers of introspection by the ids of their object and fields, which are kept beside."""
        return {}

    @cached_property
    def leaf_info(self) -> LeafInfo:
        return LeafInfo(self.context_value)

    def execute_fields(
        self,
        parent_type: GraphQLObjectType,
        source_value: Any,
        path: Any,
        grouped_field_set: Any,
        position_context: Any,
    ) -> Any:
        if not is_introspection_type(parent_type):
            return self._execute(
                parent_type, source_value, path, grouped_field_set, position_context
            )
        # Most of a schema are references to the same types: each is answered once.
        place = id(source_value), id(grouped_field_set)
        if place not in self.introspected:
            answer = self._execute(
                parent_type, source_value, path, grouped_field_set, position_context
            )
            self.introspected[place] = answer, source_value, grouped_field_set
        return self.introspected[place][0]

    def _execute(
        self,
        parent_type: GraphQLObjectType,
        source_value: Any,
        path: Any,
        grouped_field_set: Any,
        position_context: Any,
    ) -> Any:
        is_schema = is_introspection_type(parent_type)
        self.spend(1, len(grouped_field_set), SCHEMA_OBJECT_UNITS if is_schema else OBJECT_UNITS)
        leaves = parent_type.extensions.get(LEAF_RESOLVERS)
        if leaves is None:
            return super().execute_fields(
                parent_type, source_value, path, grouped_field_set, position_context
            )
        values: dict[str, Any] = {}
        rest: dict[str, Any] = {}
        info = self.leaf_info
        for name, details in grouped_field_set.items():
            read = leaves.get(details[0].node.name.value)
            value = values[name] = FALLBACK if read is None else read(source_value, info)
            if value is FALLBACK:
                rest[name] = details
        if not rest:
            return values
        others: Any = super().execute_fields(
            parent_type, source_value, path, rest, position_context
        )
        if self.is_awaitable(others):
            return _updated(values, others)
        values.update(others)
        return values

    def spend(self, objects: int, fields: int, own: int = OBJECT_UNITS) -> None:
        """Take the units of objects with so many fields each. Raises CostExceeded."""
        # What introspection answers is in memory, and each part of it is answered once.
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
        """The value of a root field by its plan, or by graphql-core where there is none."""
        parts = return_type, field_details_list, info, path, result, position_context
        if path.prev is not None or self.plans is None or isinstance(result, Exception):
            return super().complete_value(*parts)
        complete = self.plans.of(path.key, return_type, field_details_list, self)
        if complete is None:
            return super().complete_value(*parts)
        spent = self.spent
        try:
            completed = complete([result], Run(self))
        except Exception:
            return self._complete_again(spent, *parts)
        if isinstance(completed, list):
            return completed[0]
        return self._complete_later(completed, spent, *parts)

    def _complete_again(self, spent: int, *parts: Any) -> Any:
        """The value by graphql-core, which finds the error where the plan met one."""
        self.spent, self.plans = spent, None
        return super().complete_value(*parts)

    async def _complete_later(self, completed: Any, spent: int, *parts: Any) -> Any:
        try:
            return (await completed)[0]
        except Exception:
            again = self._complete_again(spent, *parts)
            return await again if self.is_awaitable(again) else again

    @cached_property
    def question(self) -> tuple[Any, ...]:
        """The key of shared answers: subscriptions with equal questions get the same bytes."""
        name = self.operation.name and self.operation.name.value
        values = self.variable_values.coerced
        context = self.context_value
        return (
            self._text(),
            name,
            context.scope,
            context.language,
            *(repr(values.get(variable)) for variable in sorted(self._shaping())),
        )

    def _text(self) -> str | None:
        """The document without the arguments of its root fields, which only choose the events."""
        location = self.operation.loc
        if location is None:
            return None
        body = location.source.body
        roots = self.operation.selection_set.selections
        fields = [root for root in roots if isinstance(root, FieldNode)]
        arguments = [argument for field in fields for argument in field.arguments or ()]
        for argument in reversed(arguments):
            if argument.loc is not None:
                body = body[: argument.loc.start] + body[argument.loc.end :]
        return body

    def _shaping(self) -> set[str]:
        """Variables used outside the root's arguments, which only choose the events."""
        used: set[str] = set()
        for root in self.operation.selection_set.selections:
            if isinstance(root, FieldNode):
                used |= set(_variables(root.selection_set)) | set(_variables(root.directives))
            else:
                used |= set(_variables(root))
        for fragment in self.fragment_definitions.values():
            used |= set(_variables(fragment))
        return used

    def build_per_event_executor(self, payload: Any) -> Any:
        return Question(self, payload) if isinstance(payload, Event) else self._for_one(payload)

    def _for_one(self, payload: Any) -> Any:
        executor = copy(self)
        executor.root_value = payload
        executor.collected_errors = type(self.collected_errors)()
        executor.__dict__.pop("leaf_info", None)
        # A shared dict would grow by 1.85 KB with each event.
        executor._relevant_sub_fields = {}
        return executor

    def execute_without_person(self, event: Event) -> Any:
        """The event's result, or an awaitable of it, as every viewer of the same scope sees it."""
        executor = self._for_one(event)
        executor.context_value = self.context_value.shared(event.tenant)
        return executor.execute_operation(False)

    def execute_operation(self, serially: bool | None = None) -> Any:
        """The operation's result, or an awaitable of it; its snapshot ends with it."""
        outcome = super().execute_operation(serially)
        return _closing(outcome, self.context_value) if self.is_awaitable(outcome) else outcome

    def answer(self, event: Event) -> Any:
        """The event's answer to this subscription's question: a result, or a future of it.

        The first caller executes; the others wait for the same result.
        """
        known = event.answers.get(self.question)
        if known is None:
            outcome = self.execute_without_person(event)
            if self.is_awaitable(outcome):
                known = asyncio.ensure_future(self._finish(event, outcome))
            else:
                known = shareable(outcome)
            event.answers[self.question] = known
        # A follower that leaves must not cancel the answer of the others.
        if isinstance(known, asyncio.Future):
            return asyncio.shield(cast("asyncio.Future[ExecutionResult]", known))
        return known

    async def _finish(self, event: Event, outcome: Any) -> ExecutionResult:
        result = await outcome
        while unreachable(result):
            # An answer with holes would stay wrong: the event is not sent a second time.
            await asyncio.sleep(RETRY_SECONDS)
            outcome = self.execute_without_person(event)
            result = await outcome if self.is_awaitable(outcome) else outcome
        event.answers[self.question] = shareable(result)
        return result

    def one_of_all(self) -> "SharedExecutor":
        """The executor that stands for all with this question; the others can be freed."""
        return _ASKERS.setdefault(self.question, self)

    def text(
        self, event: Event, write: Callable[[ExecutionResult], str]
    ) -> "str | asyncio.Future[str]":
        """The event's answer as `write` encodes it, or a future of it; encoded once for all."""
        known = event.answers.get(self)
        if known is None:
            known = event.answers[self] = asyncio.ensure_future(self._written(event, write))
        return known

    async def _written(self, event: Event, write: Callable[[ExecutionResult], str]) -> str:
        result = self.answer(event)
        if not isinstance(result, ExecutionResult):
            result = await result
        if self.cost is not None:
            cost = {"requested": self.cost.requested, "budget": self.cost.budget}
            result.extensions = {"cost": cost}
        text = event.answers[self] = write(result)
        return text

    def cancellable_iterable(self, iterable: AsyncIterable[Any]) -> AsyncIterable[Any]:
        line = LINE.get()
        if not isinstance(iterable, Follower):
            return super().cancellable_iterable(iterable)
        iterable.question = self.question
        # Later events are answered by other tasks: read what belongs to the operation in its own.
        _ = self.cost, self.plans
        if line is None:
            return Stream(iterable, self.context_value)
        return _first_then_direct(self, iterable, line)


async def _updated(values: dict[str, Any], others: Any) -> dict[str, Any]:
    values.update(await others)
    return values


async def _closing(outcome: Any, context: Any) -> Any:
    try:
        return await outcome
    finally:
        await context.snapshot.close()


async def _first_then_direct(
    asker: SharedExecutor, follower: Follower, line: Line
) -> AsyncIterator[Event]:
    """Yields the opening events; then it ends, and the line sends the later ones.

    Strawberry's running operation takes four times the memory of a follower.
    """
    attached = False
    try:
        async for event in follower.opening():
            yield event
        line.attach(asker.one_of_all(), follower)
        attached = True
    finally:
        if not attached:
            follower.close()


def _variables(node: Any) -> Iterator[str]:
    if isinstance(node, VariableNode):
        yield node.name.value
    elif isinstance(node, Node):
        for key in node.keys:
            if key != "loc":
                yield from _variables(getattr(node, key))
    elif isinstance(node, list | tuple):
        for each in cast("list[Any]", node):
            yield from _variables(each)


class Question:
    """The executor that Strawberry runs for an event: it returns the shared answer."""

    def __init__(self, asker: SharedExecutor, event: Event) -> None:
        self.asker = asker
        self.event = event

    def execute_operation(self, _serially: bool | None = None) -> Any:
        return self.asker.answer(self.event)


def shareable(result: ExecutionResult) -> ExecutionResult:
    """The same result, with data that is encoded once."""
    if result.data is not None and not isinstance(result.data, Answer):
        result.data = Answer(result.data)
    return result


def unreachable(result: ExecutionResult) -> bool:
    """Whether a field failed because the database could not be reached."""
    return any(is_passing(_cause(error)) for error in result.errors or ())


def _cause(error: BaseException | None) -> BaseException | None:
    while isinstance(error, GraphQLError):
        error = error.original_error
    return error
