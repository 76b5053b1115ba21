"""One answer per question: an event is executed and serialised once for all who ask alike.

A question is the document, the operation, what the asker may see, and the variables that shape
the answer. The answer is kept on the event, so it lives as long as anybody holds the event.
"""

import asyncio
from collections.abc import AsyncIterable, AsyncIterator, Callable, Iterator
from contextvars import ContextVar
from copy import copy
from functools import cached_property
from typing import Any, Protocol
from weakref import WeakValueDictionary

import orjson
from graphql import (
    ExecutionResult,
    FieldNode,
    GraphQLError,
    GraphQLObjectType,
    Node,
    Undefined,
    VariableNode,
    get_nullable_type,
    is_non_null_type,
)
from strawberry.schema.schema import StrawberryGraphQLCoreExecutionContext

from app.db.core.unit import UNREACHABLE
from app.domain.feed import Event
from app.live.follower import Follower
from app.live.stream import Stream

RETRY_SECONDS = 0.2


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


_ASKERS: "WeakValueDictionary[tuple[Any, ...], SharedExecutor]" = WeakValueDictionary()


LEAF_RESOLVERS = "told"
"""Where a type keeps how its leaves are told: the extension's name."""
FALLBACK = object()
Leaf = Callable[[Any, Any], Any]


class LeafInfo:
    """All that a leaf's resolver may ask of `info`."""

    __slots__ = ("context",)

    def __init__(self, context: Any) -> None:
        self.context = context


def compile_leaf(resolve: Leaf, type_: Any) -> Leaf:
    """How a field of this leaf type is told; UNTOLD for what has to go the usual way: an error,
    or a null where none may be."""
    required, coerce = is_non_null_type(type_), get_nullable_type(type_).coerce_output_value

    def tell(source: Any, info: Any) -> Any:
        try:
            value = resolve(source, info)
            if value is None:
                return FALLBACK if required else None
            told = coerce(value)
        except Exception:
            return FALLBACK
        return FALLBACK if told is None or told is Undefined else told

    return tell


class SharedExecutor(StrawberryGraphQLCoreExecutionContext):
    """Executes subscriptions' events through their shared answers; all else as ever.

    Leaves are told past the library's own steps, which cost ten times what reading them does:
    a menu of 2,000 fields took 20 ms, and takes 10.
    """

    @cached_property
    def brief(self) -> LeafInfo:
        return LeafInfo(self.context_value)

    def execute_fields(
        self,
        parent_type: GraphQLObjectType,
        source_value: Any,
        path: Any,
        grouped_field_set: Any,
        position_context: Any,
    ) -> Any:
        leaves = parent_type.extensions.get(LEAF_RESOLVERS)
        if leaves is None:
            return super().execute_fields(
                parent_type, source_value, path, grouped_field_set, position_context
            )
        told: dict[str, Any] = {}
        rest: dict[str, Any] = {}
        brief = self.brief
        for name, details in grouped_field_set.items():
            tell = leaves.get(details[0].node.name.value)
            value = told[name] = FALLBACK if tell is None else tell(source_value, brief)
            if value is FALLBACK:
                rest[name] = details
        if not rest:
            return told
        others: Any = super().execute_fields(
            parent_type, source_value, path, rest, position_context
        )
        if self.is_awaitable(others):
            return _waited(told, others)
        told.update(others)
        return told

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
        return Question(self, payload) if isinstance(payload, Event) else self._for_one(payload)

    def _for_one(self, payload: Any) -> Any:
        executor = copy(self)
        executor.root_value = payload
        executor.collected_errors = type(self.collected_errors)()
        executor.__dict__.pop("brief", None)
        # The copy would share this dict and add to it for ever: 1.85 KB an event.
        executor._relevant_sub_fields = {}
        return executor

    def execute_without_person(self, event: Event) -> Any:
        """The event's result, or an awaitable of one, that anybody of the same scope may have."""
        executor = self._for_one(event)
        executor.context_value = self.context_value.shared(event.tenant)
        return executor.execute_operation(False)

    def answer(self, event: Event) -> Any:
        """The event's answer to this subscription's question: a result, or a future of one.

        Whoever asks first executes, the others wait for it.
        """
        known = event.answers.get(self.question)
        if known is None:
            made = self.execute_without_person(event)
            if self.is_awaitable(made):
                known = asyncio.ensure_future(self._finish(event, made))
            else:
                known = shareable(made)
            event.answers[self.question] = known
        # One follower who leaves does not take the answer from the others.
        return asyncio.shield(known) if isinstance(known, asyncio.Future) else known

    async def _finish(self, event: Event, made: Any) -> ExecutionResult:
        result = await made
        while unreachable(result):
            # An outage is no answer: nobody would be told this event again.
            await asyncio.sleep(RETRY_SECONDS)
            made = self.execute_without_person(event)
            result = await made if self.is_awaitable(made) else made
        event.answers[self.question] = shareable(result)
        return result

    def one_of_all(self) -> "SharedExecutor":
        """The one executor, of all with this question, that is kept: any of them answers alike."""
        return _ASKERS.setdefault(self.question, self)

    def text(
        self, event: Event, write: Callable[[ExecutionResult], str]
    ) -> "str | asyncio.Future[str]":
        """The event's answer as `write` puts it, or a future of it; written once for everybody."""
        known = event.answers.get(self)
        if known is None:
            known = event.answers[self] = asyncio.ensure_future(self._written(event, write))
        return known

    async def _written(self, event: Event, write: Callable[[ExecutionResult], str]) -> str:
        result = self.answer(event)
        if not isinstance(result, ExecutionResult):
            result = await result
        text = event.answers[self] = write(result)
        return text

    def cancellable_iterable(self, iterable: AsyncIterable[Any]) -> AsyncIterable[Any]:
        line = LINE.get()
        if not isinstance(iterable, Follower):
            return super().cancellable_iterable(iterable)
        if line is None:
            return Stream(iterable, self.context_value.person)
        return _first_then_direct(self, iterable, line)


async def _waited(told: dict[str, Any], others: Any) -> dict[str, Any]:
    told.update(await others)
    return told


async def _first_then_direct(
    asker: SharedExecutor, follower: Follower, line: Line
) -> AsyncIterator[Event]:
    """The opening events go the usual way; then this ends, and the line sends the later ones.

    What Strawberry keeps for a running operation is four times what a follower needs.
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
        for each in node:
            yield from _variables(each)


class Question:
    """A question put to an event, where Strawberry expects an executor."""

    def __init__(self, asker: SharedExecutor, event: Event) -> None:
        self.asker = asker
        self.event = event

    def execute_operation(self, _serially: bool | None = None) -> Any:
        return self.asker.answer(self.event)


def shareable(result: ExecutionResult) -> ExecutionResult:
    if result.data is not None and not isinstance(result.data, Answer):
        result.data = Answer(result.data)
    return result


def unreachable(result: ExecutionResult) -> bool:
    """Whether something is missing because the database was away, not because of the question."""
    return any(isinstance(_cause(error), UNREACHABLE) for error in result.errors or ())


def _cause(error: BaseException | None) -> BaseException | None:
    while isinstance(error, GraphQLError):
        error = error.original_error
    return error
