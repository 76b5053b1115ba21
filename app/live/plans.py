"""Plans: the selection below a root field, compiled to functions over many rows.

graphql-core completes a value field by field and row by row, at about 4 µs a field. A plan reads a
field from all rows of its level at once: a page of 50 rows with 8 fields takes 8 loops, and edges
of a level load together. A plan handles the usual case only. For anything else, such as an error, a
null in a non-null field or a value of a wrong type, it raises Unusual, and graphql-core completes
the root's value again from the start; this is safe because fields below a root only read.
"""

import asyncio
import inspect
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Sequence
from dataclasses import dataclass
from itertools import chain, islice, repeat
from operator import attrgetter
from types import NoneType
from typing import Any, cast

from graphql import (
    GRAPHQL_MAX_INT,
    GRAPHQL_MIN_INT,
    GraphQLField,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    is_introspection_type,
    is_leaf_type,
    is_object_type,
)
from graphql.execution.values import get_argument_values

READER = "kucun-reader"
"""The extension of a GraphQL field that holds its Reader."""

Values = list[Any]
MaybeLater = Values | Awaitable[Values]


class Unusual(Exception):
    """The value must be completed by graphql-core."""


@dataclass(frozen=True, slots=True)
class Guard:
    """How the boundary hides a field, or rows of it."""

    shows: Callable[[Any, Any], bool] | None = None
    """Whether the viewer of a context may see the field of this row; None if every viewer may."""
    hidden: Any = None
    """The value of a field that is not shown."""
    judge: Callable[[Any, Any], Any] | None = None
    """The part of a value that the viewer of a context may see; None if every viewer may see all of
    it."""


@dataclass(frozen=True, slots=True)
class Reader:
    """How a field is read from a row, without the library's own calls, which cost more than the
    read.

    `read` takes the row, a `PlanInfo` and converted arguments.
    """

    read: Callable[..., Any]
    guard: Guard
    attribute: str = ""
    """The attribute that `read` returns, if it does only that."""
    convert: Callable[[dict[str, Any]], dict[str, Any]] | None = None
    """Makes the arguments of `read` from those of GraphQL; None for a field without arguments."""


@dataclass(frozen=True, slots=True)
class OfClasses:
    """Says by the class of a row whether it is of a GraphQL type."""

    classes: tuple[type, ...]

    def __call__(self, row: object, _info: object) -> bool:
        return isinstance(row, self.classes)


def _one_of_each_class(rows: Values) -> Iterable[Any]:
    return dict(zip(map(type, rows), rows, strict=True)).values()


class PlanInfo:
    """The part of `info` that fields below a root may use."""

    field_name = ""
    """Strawberry names the field in the errors of a union; graphql-core raises such an error again
    with the right name."""

    def __init__(self, context: Any) -> None:
        self.context = context


class Run:
    """One execution of a plan for an executor."""

    def __init__(self, executor: Any) -> None:
        self.executor = executor
        self.info = PlanInfo(executor.context_value)
        self._arguments: dict[Any, dict[str, Any]] = {}
        self.abandoned: Values = []
        """Awaitables that stay unawaited if the run ends with an error."""
        self.spent = 0
        """Units that this run has spent."""

    def spend(self, objects: int, fields: int) -> None:
        """Spend the units of objects with so many fields each. Raises CostExceeded."""
        before = self.executor.spent
        try:
            self.executor.spend(objects, fields)
        finally:
            self.spent += self.executor.spent - before

    def together(self, values: Values) -> MaybeLater:
        """The values, with the awaitable ones awaited together. After an error none of them keeps
        running."""
        is_awaitable = self.executor.is_awaitable
        places = [place for place, value in enumerate(values) if is_awaitable(value)]
        if not places:
            return values
        self.abandoned += [values[place] for place in places]
        return self._later(_awaited(values, places))

    def then(self, values: MaybeLater, complete: Callable[[Values], MaybeLater]) -> MaybeLater:
        """The result of `complete` for the values, at once or when they have been awaited."""
        if isinstance(values, list):
            return complete(values)
        return self._later(_then(values, complete))

    def _later(self, coroutine: Coroutine[Any, Any, Values]) -> Awaitable[Values]:
        self.abandoned.append(coroutine)
        return coroutine

    def abandon(self) -> None:
        """Close the awaitables that are no longer needed, because graphql-core completes the
        value."""
        for each in self.abandoned:
            if inspect.iscoroutine(each):
                each.close()
            elif asyncio.isfuture(each):
                each.add_done_callback(_ignored)

    def arguments(self, field: "FieldPlan") -> dict[str, Any]:
        """The arguments of a field: the same for all of its rows."""
        known = self._arguments.get(field)
        if known is None:
            values = get_argument_values(field.core, field.node, self.executor.variable_values)
            assert field.reader.convert is not None
            known = self._arguments[field] = field.reader.convert(values)
        return known


async def _awaited(values: Values, places: Sequence[int]) -> Values:
    if len(places) == 1:
        values[places[0]] = await values[places[0]]
        return values
    results = await asyncio.gather(*(values[place] for place in places), return_exceptions=True)
    for place, result in zip(places, results, strict=True):
        if isinstance(result, BaseException):
            raise result
        values[place] = result
    return values


async def _then(values: Awaitable[Values], complete: Callable[[Values], MaybeLater]) -> Values:
    completed = complete(await values)
    return completed if isinstance(completed, list) else await completed


def _ignored(future: "asyncio.Future[Any]") -> None:
    if not future.cancelled():
        future.exception()


class ObjectPlan:
    """The selected fields of an object type."""

    def __init__(self, type_: GraphQLObjectType, details: Any, executor: Any) -> None:
        if is_introspection_type(type_):
            raise Unusual
        self._is_type_of = type_.is_type_of
        selected = executor.collect_subfields(type_, details).grouped_field_set
        self._names = tuple(selected)
        self._fields = [_field(type_, each, executor) for each in selected.values()]

    def complete(self, rows: Values, run: Run) -> MaybeLater:
        """An answer for each of the rows. Raises Unusual, or any other error for graphql-core."""
        run.spend(len(rows), len(self._names))
        if self._is_type_of is not None:
            is_type_of, info = self._is_type_of, run.info
            checked = _one_of_each_class(rows) if isinstance(is_type_of, OfClasses) else rows
            if not all(is_type_of(row, info) for row in checked):  # pyright: ignore[reportArgumentType] PlanInfo
                raise Unusual
        if not self._fields:
            return [{} for _ in rows]
        columns = [field.values(rows, run) for field in self._fields]
        return run.then(run.together(columns), self._answers)

    def _answers(self, columns: list[Values]) -> Values:
        # Faster than a comprehension.
        return list(map(dict, map(zip, repeat(self._names), zip(*columns, strict=True))))


class FieldPlan:
    """One field of the rows of an object type."""

    def __init__(self, core: GraphQLField, details: Any, executor: Any) -> None:
        self.core = core
        self.node = details[0].node
        self.reader: Reader = core.extensions[READER]
        plain = self.reader.attribute and self.reader.guard == Guard()
        self._get = attrgetter(self.reader.attribute) if plain else None
        self._complete = completion(cast(Any, core).type, details, executor)

    def values(self, rows: Values, run: Run) -> MaybeLater:
        """The field's completed value for each of the rows."""
        if self._get is not None:
            return self._complete(list(map(self._get, rows)), run)
        values = run.together(self._read(rows, run))
        return run.then(values, lambda values: self._complete(self._judged(values, run), run))

    def _read(self, rows: Values, run: Run) -> Values:
        read, shows, info = self.reader.read, self.reader.guard.shows, run.info
        arguments = {} if self.reader.convert is None else run.arguments(self)
        context, hidden = info.context, self.reader.guard.hidden
        values: Values = []
        try:
            for row in rows:
                is_shown = shows is None or shows(row, context)
                values.append(read(row, info, **arguments) if is_shown else hidden)
        except Exception:
            run.abandoned += values
            raise
        return values

    def _judged(self, values: Values, run: Run) -> Values:
        judge, context = self.reader.guard.judge, run.info.context
        return values if judge is None else [judge(value, context) for value in values]


class TypeName:
    """The field `__typename`."""

    def __init__(self, name: str) -> None:
        self._name = name

    def values(self, rows: Values, _run: Run) -> Values:
        return [self._name] * len(rows)


def _field(type_: GraphQLObjectType, details: Any, executor: Any) -> FieldPlan | TypeName:
    name = details[0].node.name.value
    if name == "__typename":
        return TypeName(type_.name)
    core = type_.fields[name]
    if READER not in core.extensions:
        raise Unusual
    return FieldPlan(core, details, executor)


Complete = Callable[[Values, Run], MaybeLater]


def completion(type_: Any, details: Any, executor: Any) -> Complete:
    """The function that completes the values of a field of this type. Raises Unusual for
    introspection."""
    required = isinstance(type_, cast(Any, GraphQLNonNull))
    inner: Any = type_.of_type if required else type_
    if is_leaf_type(inner):
        return _leaves(inner, required)
    if isinstance(inner, cast(Any, GraphQLList)):
        present = _lists(completion(inner.of_type, details, executor))
    elif is_object_type(inner):
        present = ObjectPlan(inner, details, executor).complete
    else:
        present = Members(inner, details, executor).complete
    return _required(present) if required else _nullable(present)


UNCHANGED = {"Boolean": bool, "ID": str, "Int": int, "String": str}
"""Scalars whose values of this class are answers already, integers if they have 32 bits."""


def _leaves(type_: Any, required: bool) -> Complete:
    coerce = type_.coerce_output_value
    unchanged = {UNCHANGED.get(type_.name)}

    def complete(values: Values, _run: Run) -> Values:
        classes = set(map(type, values))
        if classes == unchanged and (classes != {int} or _are_32_bits(values)):
            return values
        # Comparing each value with None would take longer than reading it.
        nulls = values.count(None) if NoneType in classes else 0
        if nulls and required:
            raise Unusual
        if nulls:
            outputs = [None if value is None else coerce(value) for value in values]
        else:
            outputs = [coerce(value) for value in values]
        if outputs.count(None) != nulls:
            raise Unusual
        return outputs

    return complete


def _are_32_bits(values: Values) -> bool:
    return min(values) >= GRAPHQL_MIN_INT and max(values) <= GRAPHQL_MAX_INT


def _required(complete: Complete) -> Complete:
    def complete_all(values: Values, run: Run) -> MaybeLater:
        if any(value is None for value in values):
            raise Unusual
        return complete(values, run)

    return complete_all


def _nullable(complete: Complete) -> Complete:
    """Completes the values that are not null, and puts the nulls back in their places."""

    def complete_present(values: Values, run: Run) -> MaybeLater:
        places = [place for place, value in enumerate(values) if value is not None]
        if len(places) == len(values):
            return complete(values, run)
        if not places:
            return values
        completed = complete([values[place] for place in places], run)
        return run.then(completed, lambda answers: placed(len(values), [(places, answers)]))

    return complete_present


def _lists(complete: Complete) -> Complete:
    """Completes the items of all lists together."""

    def complete_items(values: Values, run: Run) -> MaybeLater:
        if not all(isinstance(value, list | tuple) for value in values):
            raise Unusual
        items = list(chain.from_iterable(values))
        sizes = [len(value) for value in values]
        completed = complete(items, run) if items else items
        return run.then(completed, lambda answers: cut(sizes, answers))

    return complete_items


class Members:
    """The values of a union or an interface, each completed by the plan of its type."""

    def __init__(self, type_: Any, details: Any, executor: Any) -> None:
        self._type = type_
        self._details = details
        self._members = {each.name: each for each in executor.schema.get_possible_types(type_)}
        self._plans: dict[str, ObjectPlan] = {}

    def complete(self, values: Values, run: Run) -> MaybeLater:
        groups: dict[str, list[int]] = {}
        for place, value in enumerate(values):
            groups.setdefault(self._name(value, run), []).append(place)
        parts: Values = [
            self._plan(name, run).complete([values[place] for place in places], run)
            for name, places in groups.items()
        ]
        return run.then(
            run.together(parts),
            lambda answers: placed(len(values), zip(groups.values(), answers, strict=True)),
        )

    def _name(self, value: Any, run: Run) -> str:
        return self._type.resolve_type(value, run.info, self._type)

    def _plan(self, name: str, run: Run) -> ObjectPlan:
        """The plan of a member, compiled when it first occurs: most members of unions are problems,
        which are rare."""
        if name not in self._plans:
            self._plans[name] = ObjectPlan(self._members[name], self._details, run.executor)
        return self._plans[name]


def placed(size: int, parts: Iterable[tuple[Sequence[int], Values]]) -> Values:
    """A list of `size` values: those of the parts at their places, nulls elsewhere."""
    values: Values = [None] * size
    for places, answers in parts:
        for place, answer in zip(places, answers, strict=True):
            values[place] = answer
    return values


def cut(sizes: Sequence[int], values: Values) -> Values:
    """The values, cut into consecutive lists of these sizes."""
    items = iter(values)
    return [list(islice(items, size)) for size in sizes]
