"""The boundary: who may see a type or a field, declared where it is defined.

A type that needs a permission is hidden where an edge reaches a row of another tenant, of a store
out of reach, or without the permission: the field is null, and a list leaves the row out. Rows that
a root returns are covered by the root's own permission. A field that needs a permission is null, or
an empty list, for viewers without the permission. Types that guests can reach declare each field as
public or as needing a permission; the app does not start otherwise.
"""

import inspect
from collections.abc import Awaitable, Callable, Collection, Generator, Iterator
from dataclasses import dataclass
from typing import Any

import strawberry
from graphql import (
    GraphQLField,
    GraphQLInterfaceType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLUnionType,
    get_named_type,
    get_nullable_type,
)
from strawberry.schema_directive import Location

from app.domain.access import Can
from app.live.plans import Guard


@strawberry.schema_directive(
    locations=[Location.FIELD_DEFINITION, Location.OBJECT],
    name="needs",
    description="Permission that a field, or a row of a type, needs to be seen. 权限",
)
class Needs:
    can: Can


def needs(can: Can) -> list[Any]:
    """The directives of a field that needs this permission."""
    return [Needs(can=can)]  # pyright: ignore[reportCallIssue] made a class


EVERY = frozenset({"*"})
"""The public fields of a type of which guests see every field."""


@dataclass(frozen=True, slots=True)
class Sight:
    """Who sees a type: the permission for its rows, the attributes that name a row's stores, and
    the fields that are public."""

    can: Can | None = None
    stores: tuple[str, ...] = ()
    public: Collection[str] = frozenset()

    def stores_of(self, row: Any) -> list[Any]:
        return [getattr(row, name) for name in self.stores]


NOWHERE = Sight()
_SIGHTS: dict[type, Sight] = {}


def declare(cls: type, sight: Sight) -> None:
    """Declare who sees a GraphQL type."""
    _SIGHTS[cls] = sight


def public(cls: Any) -> Any:
    """A GraphQL type of which guests see every field."""
    declare(cls, Sight(public=EVERY))
    return cls


def sight_of(type_: Any) -> Sight:
    """Who sees this type of the schema."""
    definition = getattr(type_, "extensions", {}).get("strawberry-definition")
    origin = getattr(definition, "origin", None)
    classes: tuple[type, ...] = origin.__mro__ if isinstance(origin, type) else ()
    return next((_SIGHTS[each] for each in classes if each in _SIGHTS), NOWHERE)


def permission_of(field: Any) -> Can | None:
    """The permission that a Strawberry field needs, or None."""
    return next((each.can for each in field.directives if isinstance(each, Needs)), None)


Resolve = Callable[..., Any]


def guard_of(field: Any, core: GraphQLField, parent: Any) -> Guard:
    """The guard of a field of this type: who sees it, and which of its rows."""
    sight, rows, can = sight_of(parent), sight_of(get_named_type(core.type)), permission_of(field)
    judge = None if rows.can is None or _is_of_root(field) else _judge(rows)
    if can is None:
        return Guard(judge=judge)

    def shows(source: Any, context: Any) -> bool:
        return context.sees(can, source, sight.stores_of(source))

    hidden: Any = [] if isinstance(get_nullable_type(core.type), GraphQLList) else None
    return Guard(shows, hidden, judge)


def guarded(guard: Guard, resolve: Resolve) -> Resolve:
    """The resolver, with values hidden that the viewer may not see."""
    shows, judge, hidden = guard.shows, guard.judge, guard.hidden

    def judged(source: Any, info: Any, **arguments: Any) -> Any:
        if shows is not None and not shows(source, info.context):
            return hidden
        value = resolve(source, info, **arguments)
        if judge is None:
            return value
        if inspect.isawaitable(value):
            return Judgement(value, judge, info.context)
        return judge(value, info.context)

    return resolve if guard == Guard() else judged


class Judgement:
    """An awaitable of what a judge leaves of an awaitable value.

    No coroutine: Python warns of one that is never awaited, as when another field has failed.
    """

    def __init__(self, value: Awaitable[Any], judge: Resolve, context: Any) -> None:
        self._value = value
        self._judge = judge
        self._context = context

    def __await__(self) -> Generator[Any, Any, Any]:
        return self._judge((yield from self._value.__await__()), self._context)


def _is_of_root(field: Any) -> bool:
    """Whether the root that returned the parent has already checked the rows of this field."""
    return bool(field.metadata.get("of_root"))


OF_ROOT = {"of_root": True}
"""Metadata of a field whose rows the root has checked: those of a page, or of a feed's event."""


def _judge(sight: Sight) -> Callable[[Any, Any], Any]:
    """A function that leaves out of a value the rows that the viewer of a context may not see."""
    can = sight.can
    assert can is not None

    def seen(row: Any, context: Any) -> bool:
        return context.sees(can, row, sight.stores_of(row))

    def judge(value: Any, context: Any) -> Any:
        # A merged event holds its rows in a tuple; a row may be a named tuple.
        if isinstance(value, list) or type(value) is tuple:
            return [row for row in value if row is not None and seen(row, context)]
        return value if value is None or seen(value, context) else None

    return judge


def undeclared(schema: Any, guests: Callable[[Any], bool]) -> Iterator[str]:
    """Faults of the declarations: types and fields that guests can reach and that declare nothing,
    and fields that may be hidden but are never null.

    `guests` says whether a Strawberry root field is open to guests.
    """
    core = schema._schema
    waiting: list[Any] = []
    for root in (core.query_type, core.mutation_type, core.subscription_type):
        definition = root.extensions["strawberry-definition"]
        for field in definition.fields:
            if guests(field):
                waiting.append(root.fields[_name(schema, field)].type)
    reached: set[Any] = set()
    while waiting:
        type_ = get_named_type(waiting.pop())
        if type_ in reached:
            continue
        reached.add(type_)
        if isinstance(type_, GraphQLUnionType):
            waiting += type_.types
        if isinstance(type_, GraphQLObjectType | GraphQLInterfaceType):
            yield from _undeclared_fields(schema, type_, waiting)
    yield from _never_null(schema)


def _undeclared_fields(schema: Any, type_: Any, waiting: list[Any]) -> Iterator[str]:
    public, definition = sight_of(type_).public, type_.extensions["strawberry-definition"]
    for field in definition.fields:
        core = type_.fields[_name(schema, field)]
        if permission_of(field) is not None:
            continue
        if sight_of(get_named_type(core.type)).can is not None and not _is_of_root(field):
            continue
        if field.python_name not in public and public is not EVERY:
            yield f"{type_.name}.{field.python_name} is neither public nor needs a permission"
        waiting.append(core.type)


def _never_null(schema: Any) -> Iterator[str]:
    """Fields that may be hidden but are never null."""
    core = schema._schema
    roots = (core.query_type, core.mutation_type, core.subscription_type)
    for type_ in core.type_map.values():
        definition = type_.extensions.get("strawberry-definition")
        if not isinstance(type_, GraphQLObjectType) or definition is None or type_ in roots:
            continue
        for field in definition.fields:
            core_type = type_.fields[_name(schema, field)].type
            rows = sight_of(get_named_type(core_type)).can is not None and not _is_of_root(field)
            if not isinstance(core_type, GraphQLNonNull) or isinstance(
                core_type.of_type, GraphQLList
            ):
                continue
            if rows or permission_of(field) is not None:
                yield f"{type_.name}.{field.python_name} may be hidden but is never null"


def _name(schema: Any, field: Any) -> str:
    return schema.config.name_converter.get_graphql_name(field)
