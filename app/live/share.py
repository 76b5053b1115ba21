"""Shared answers: an event is executed and serialised once for all subscriptions with one question.

A question is the document, the operation, the scope, the language, and the variables that shape
the answer. The answer is kept on the event and lives as long as the event.
"""

import asyncio
from collections.abc import AsyncIterable, AsyncIterator, Callable, Iterator
from contextvars import ContextVar
from copy import copy
from functools import cached_property
from typing import Any, Protocol, cast
from weakref import WeakValueDictionary

import orjson
from graphql import (
    ExecutionResult,
    FieldNode,
    GraphQLError,
    Node,
    VariableNode,
)

from app.db.core.outage import is_passing
from app.domain.feed import Event
from app.live.executor import PlannedExecutor
from app.live.follower import Follower
from app.live.frames import Frames
from app.live.stream import Stream

RETRY_SECONDS = 0.2


class Answer(dict[str, Any]):
    """The data of a shared answer; it is encoded as JSON once."""

    @cached_property
    def json(self) -> bytes:
        return dumps(dict(self))


def dumps(value: Any) -> bytes:
    """The value as JSON. Raises TypeError for a value that JSON cannot represent."""
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
    """Connects a follower directly to its socket, without Strawberry's operation."""

    def attach(self, executor: "SharedExecutor", follower: Follower) -> None: ...


LINE: ContextVar[Line | None] = ContextVar("line", default=None)
"""Set by the socket around each operation it runs."""


_SHARED_EXECUTORS: "WeakValueDictionary[tuple[Any, ...], SharedExecutor]" = WeakValueDictionary()


class SharedExecutor(PlannedExecutor):
    """Executes each event once for all subscriptions with the same question."""

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
        self.context_value.forget_loads()
        executor = copy(self)
        executor.root_value = payload
        executor.collected_errors = type(self.collected_errors)()
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

        The first caller executes; the others wait for the same future, so none may cancel it.
        """
        known = event.answers.get(self.question)
        if known is None:
            outcome = self.execute_without_person(event)
            if self.is_awaitable(outcome):
                known = asyncio.ensure_future(self._finish(event, outcome))
            else:
                known = shareable(outcome)
            event.answers[self.question] = known
        return known

    async def _finish(self, event: Event, outcome: Any) -> ExecutionResult:
        result = await outcome
        while unreachable(result):
            # Execute again: an answer with failed fields would stay wrong, because the event is not
            # sent again.
            await asyncio.sleep(RETRY_SECONDS)
            outcome = self.execute_without_person(event)
            result = await outcome if self.is_awaitable(outcome) else outcome
        event.answers[self.question] = shareable(result)
        return result

    def shared_by_question(self) -> "SharedExecutor":
        """The one executor that all subscriptions with this question share; the others can be
        freed."""
        return _SHARED_EXECUTORS.setdefault(self.question, self)

    def frames(
        self, event: Event, write: Callable[[ExecutionResult], bytes]
    ) -> "Frames | asyncio.Future[Frames]":
        """The event's answer as `write` encodes it, or a future of it; encoded once for all."""
        known = event.answers.get(self)
        if known is None:
            known = event.answers[self] = asyncio.ensure_future(self._framed(event, write))
        return known

    async def _framed(self, event: Event, write: Callable[[ExecutionResult], bytes]) -> Frames:
        result = self.answer(event)
        if not isinstance(result, ExecutionResult):
            result = await result
        if self.cost is not None:
            cost = {"requested": self.cost.requested, "budget": self.cost.budget}
            result.extensions = {"cost": cost}
        frames = event.answers[self] = Frames(write(result))
        return frames

    def cancellable_iterable(self, iterable: AsyncIterable[Any]) -> AsyncIterable[Any]:
        line = LINE.get()
        if not isinstance(iterable, Follower):
            return super().cancellable_iterable(iterable)
        # Equal questions are one object: each holds the text of its document.
        iterable.question = self.shared_by_question().question
        if line is None:
            return Stream(iterable, self.context_value)
        return _first_then_direct(self, iterable, line)


async def _closing(outcome: Any, context: Any) -> Any:
    try:
        return await outcome
    finally:
        await context.snapshot.close()


async def _first_then_direct(
    executor: SharedExecutor, follower: Follower, line: Line
) -> AsyncIterator[Event]:
    """Yield the opening events, then end; the line sends the later events.

    Strawberry's running operation takes four times the memory of a follower.
    """
    attached = False
    try:
        async for event in follower.opening():
            yield event
        line.attach(executor.shared_by_question(), follower)
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
    """The executor that Strawberry runs for an event: it returns the shared answer.

    Those that wait for an answer get it in turns, not all at once.
    """

    def __init__(self, executor: SharedExecutor, event: Event) -> None:
        self.executor = executor
        self.event = event

    def execute_operation(self, _serially: bool | None = None) -> Any:
        answer = self.executor.answer(self.event)
        if isinstance(answer, asyncio.Future):
            return self.executor.context_value.app.hub.sender.result(answer)
        return answer


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
