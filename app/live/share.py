"""One answer per question: an event is executed and serialised once for all who ask alike.

A question is the document, the operation, what the asker may see, and the variables that shape
the answer. The answer is kept on the event, so it lives as long as anybody holds the event.
"""

import asyncio
from collections.abc import AsyncIterable, AsyncIterator, Iterator
from contextvars import ContextVar
from copy import copy
from functools import cached_property
from typing import Any, Protocol

import orjson
from graphql import ExecutionResult, FieldNode, Node, VariableNode
from strawberry.schema.schema import StrawberryGraphQLCoreExecutionContext

from app.domain.feed import Event
from app.live.hub import Follower


class Answer(dict[str, Any]):
    """The data of a shared answer; its JSON is made once."""

    @cached_property
    def json(self) -> bytes:
        return dumps(dict(self))


def dumps(value: Any) -> bytes:
    return orjson.dumps(value, default=_default, option=orjson.OPT_PASSTHROUGH_SUBCLASS)


def _default(value: Any) -> Any:
    if isinstance(value, Answer):
        return orjson.Fragment(value.json)
    if isinstance(value, dict):
        return dict(value)
    if isinstance(value, list):
        return list(value)
    if isinstance(value, str):
        return str(value)
    raise TypeError(f"{type(value).__name__} is not JSON")


class Line(Protocol):
    """The way straight to one subscription's socket, past Strawberry."""

    def attach(self, asker: "SharedExecutor", follower: Follower) -> None: ...


LINE: ContextVar[Line | None] = ContextVar("line", default=None)
"""Set by the socket around each operation it runs."""


class SharedExecutor(StrawberryGraphQLCoreExecutionContext):
    """Executes subscriptions' events through their shared answers; all else as ever."""

    @cached_property
    def question(self) -> tuple[Any, ...]:
        location = self.operation.loc
        name = self.operation.name and self.operation.name.value
        values = self.variable_values.coerced
        context = self.context_value
        return (
            location and location.source.body,
            name,
            context.scope,
            context.language,
            *(repr(values.get(variable)) for variable in sorted(self._shaping())),
        )

    def _shaping(self) -> set[str]:
        """Variables used anywhere but in the root's arguments: those choose the events."""
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
        executor = copy(self)
        executor.root_value = payload
        executor.collected_errors = type(self.collected_errors)()
        # The copy would share this dict and add to it for ever: 1.85 KB an event.
        executor._relevant_sub_fields = {}
        if isinstance(payload, Event):
            executor.context_value = self.context_value.shared(payload.tenant)
            return Asked(self.question, executor, payload)
        return executor

    def answer(self, event: Event) -> Any:
        """The event's answer to this subscription's question: a result, or a future of one."""
        known = event.answers.get(self.question)
        if known is not None:
            return known
        return self.build_per_event_executor(event).execute_operation(False)

    def cancellable_iterable(self, iterable: AsyncIterable[Any]) -> AsyncIterable[Any]:
        line = LINE.get()
        if line is None or not isinstance(iterable, Follower):
            return super().cancellable_iterable(iterable)
        return _first_then_direct(self, iterable, line)


async def _first_then_direct(
    asker: SharedExecutor, follower: Follower, line: Line
) -> AsyncIterator[Event]:
    """The first event goes the usual way; later ones from the tail straight to the socket."""
    try:
        yield await follower.first()
        line.attach(asker, follower)
        await follower.ended.wait()
    finally:
        follower.close()


def _variables(node: Any) -> Iterator[str]:
    if isinstance(node, VariableNode):
        yield node.name.value
    elif isinstance(node, Node):
        for key in node.keys:
            if key != "loc":
                yield from _variables(getattr(node, key))
    elif isinstance(node, list | tuple):
        for each in node:
            yield from _variables(each)


class Asked:
    """A question put to an event; whoever asks first executes, the others wait for it."""

    def __init__(self, question: Any, executor: Any, event: Event) -> None:
        self.question = question
        self.executor = executor
        self.event = event

    def execute_operation(self, serially: bool | None = None) -> Any:
        answers = self.event.answers
        known = answers.get(self.question)
        if known is None:
            made = self.executor.execute_operation(serially)
            if self.executor.is_awaitable(made):
                known = answers[self.question] = asyncio.ensure_future(self._finish(made))
            else:
                known = answers[self.question] = shareable(made)
        # One follower who leaves does not take the answer from the others.
        return asyncio.shield(known) if isinstance(known, asyncio.Future) else known

    async def _finish(self, made: Any) -> ExecutionResult:
        result = shareable(await made)
        self.event.answers[self.question] = result
        return result


def shareable(result: ExecutionResult) -> ExecutionResult:
    if result.data is not None:
        result.data = Answer(result.data)
    return result
