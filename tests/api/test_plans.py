"""Compiled plans answer what graphql-core answers: data, nulls and errors, for every document."""

import gc
import inspect
import random
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from typing import Annotated, Any

import pytest
import strawberry
from graphql import execute
from hypothesis import given, settings
from hypothesis import strategies as st

from app.db.core.outage import Outage
from app.db.core.read_pool import ReadPool
from app.db.core.snapshot import Snapshot
from app.live.executor import PREPARED, PlannedExecutor
from app.live.prepared import PreparedOperation
from app.schema.contract import Schema, build_schema
from app.schema.documents import Documents

# graphql-core does not await what stands beside an error that makes its object null.
pytestmark = pytest.mark.filterwarnings(
    "ignore:.*never awaited", "ignore::pytest.PytestUnraisableExceptionWarning"
)


@pytest.fixture(autouse=True)
def swept() -> Iterator[None]:
    """What is not awaited is freed in the test that it belongs to."""
    yield
    gc.collect()


@strawberry.enum
class Colour(Enum):
    RED = "red"
    BLUE = "blue"


@strawberry.type
class Other:
    label: str | None


@strawberry.type
class Thing:
    """A row whose values may be null, of a wrong type, late, or an error."""

    name: str
    count: int
    note: str | None
    kind: Colour
    rows: strawberry.Private[dict[str, Any]]

    @strawberry.field
    def broken(self) -> str | None:
        if self.rows["is_broken"]:
            raise ValueError("broken")
        return "whole"

    @strawberry.field
    async def late(self) -> str:
        if self.rows["is_late_broken"]:
            raise ValueError("late")
        return "late"

    @strawberry.field
    def times(self, by: int = 2) -> int:
        return self.count * by

    @strawberry.field
    def inner(self) -> "Thing | None":
        return self.rows["inner"]

    @strawberry.field
    async def later(self) -> "Thing | None":
        return self.rows["inner"]

    @strawberry.field
    def many(self) -> list["Thing"]:
        return self.rows["many"]

    @strawberry.field
    async def gaps(self) -> list["Thing | None"] | None:
        return self.rows["gaps"]

    @strawberry.field(graphql_type="Either | None")
    def either(self) -> Any:
        return self.rows["either"]

    @strawberry.field(graphql_type=list["Either"])
    async def both(self) -> Any:
        return self.rows["both"]


Either = Annotated[Thing | Other, strawberry.union("Either")]

TREE: list[Any] = []
"""The things that the root returns."""


def schema() -> Schema:
    @strawberry.type
    class Query:
        @strawberry.field(graphql_type=list[Thing])
        async def things(self) -> Any:
            return TREE

        @strawberry.field(graphql_type=Thing | None)
        def thing(self) -> Any:
            return TREE[0] if TREE else None

    @strawberry.type
    class Mutation:
        @strawberry.field
        def nothing(self) -> int:
            return 0

    @strawberry.type
    class Subscription:
        @strawberry.subscription
        async def nothing(self) -> int:
            return 0

    return build_schema(Query, Mutation, Subscription, types=[Other])


SCHEMA = schema()
DOCUMENTS = Documents(SCHEMA._schema)


def thing(dice: random.Random, depth: int, faults: float) -> Any:
    """A random thing; each of its values is a fault with this probability."""

    def bad(value: Any, *wrong: Any) -> Any:
        return dice.choice(wrong) if dice.random() < faults else value

    def below() -> Any:
        return thing(dice, depth - 1, faults) if depth else None

    def several() -> list[Any]:
        return [thing(dice, depth - 1, faults) for _ in range(dice.randint(0, 2))] if depth else []

    def member() -> Any:
        return bad(Other(label="其他") if dice.random() < 0.5 or not depth else below(), object())

    return Thing(
        name=bad("米", None, object()),
        count=bad(3, None, "three", 2**40),
        note=bad(None, 7),
        kind=bad(Colour.RED, None, "green"),
        rows={
            "is_broken": dice.random() < faults,
            "is_late_broken": dice.random() < faults,
            "inner": bad(below(), 5),
            "many": bad(several(), None, [None], 5),
            "gaps": bad([*several(), None], None, "text"),
            "either": bad(member(), None),
            "both": bad([member() for _ in range(2)], None, [None]),
        },
    )


LEAVES = (
    "name",
    "count",
    "note",
    "kind",
    "broken",
    "late",
    "times",
    "times(by: $by)",
    "__typename",
)
EDGES = ("inner", "later", "many", "gaps", "either", "both")


def selection(dice: random.Random, depth: int, fragments: list[str]) -> str:
    """A random selection set on Thing."""
    parts = []
    for field in dice.sample(LEAVES, dice.randint(1, 4)):
        alias = f"a{dice.randint(0, 99)}: " if "(" in field or dice.random() < 0.3 else ""
        condition = dice.choice(("", "", "", " @include(if: $yes)", " @skip(if: $yes)"))
        parts.append(f"{alias}{field}{condition}")
    for edge in dice.sample(EDGES, dice.randint(0, 3)) if depth else ():
        inner = selection(dice, depth - 1, fragments)
        if edge in ("either", "both"):
            inner = f"{{ __typename ... on Other {{ label }} ... on Thing {inner} }}"
        parts.append(f"{edge} {inner}")
    if depth and dice.random() < 0.3:
        name = f"F{len(fragments)}"
        fragments.append(f"fragment {name} on Thing {{ name count }}")
        parts.append(f"...{name}")
    return f"{{ {' '.join(parts)} }}"


def document(dice: random.Random) -> str:
    fragments: list[str] = []
    root = dice.choice(("thing", "things"))
    chosen = selection(dice, 3, fragments)
    head = "query Q($by: Int = 3, $yes: Boolean = true)"
    used = "used: things { n: name @skip(if: $yes) times(by: $by) }"
    return f"{head} {{ {root} {chosen} {used} }} {' '.join(fragments)}"


@dataclass
class Reader:
    """What the executor needs of a context."""

    snapshot: Snapshot


Answer = tuple[Any, list[tuple[Any, str]]]


def nulls(answer: Answer) -> set[tuple[Any, ...]]:
    """The places of the data that an error made null. An object that is null because of one of
    its fields has one error or more: that depends on which other fields were faster."""
    data, errors = answer
    places: set[tuple[Any, ...]] = set()
    for path, _ in errors:
        value, place = data, []
        for key in path:
            if value is None:
                break
            value = value[key]
            place.append(key)
        places.add(tuple(place))
    return places


async def answer(
    text: str, variables: dict[str, Any], prepared: PreparedOperation | None
) -> Answer:
    """The data and the errors, by path and message."""
    PREPARED.set(prepared)
    core, pool = SCHEMA._schema, ReadPool("", 1, {}, Outage("database"))
    result = execute(
        core,
        DOCUMENTS.read(text).node,
        variable_values=variables,
        context_value=Reader(Snapshot(pool)),
        executor_class=PlannedExecutor,
    )
    done = await result if inspect.isawaitable(result) else result
    errors = [(error.path, error.message) for error in done.errors or ()]
    return done.data, sorted(errors, key=repr)


async def planned(text: str, variables: dict[str, Any] | None = None) -> Answer:
    operation = DOCUMENTS.read(text).operation(None)
    assert operation is not None
    return await answer(text, variables or {}, operation.prepared)


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 2**32), faults=st.sampled_from((0.0, 0.0, 0.02, 0.2)))
async def test_answers_equal_those_of_the_library(seed: int, faults: float) -> None:
    dice = random.Random(seed)
    TREE[:] = [thing(dice, 3, faults) for _ in range(dice.randint(0, 3))]
    text = document(dice)
    for variables in ({}, {"by": 5, "yes": False}):
        ours, theirs = await planned(text, variables), await answer(text, variables, None)
        assert (ours[0], nulls(ours)) == (theirs[0], nulls(theirs)), text


@pytest.fixture
def completed_again(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The values that graphql-core completed after their plan had met something unusual."""
    seen: list[Any] = []
    again = PlannedExecutor._complete_again

    def counted(self: PlannedExecutor, *parts: Any) -> Any:
        seen.append(parts)
        return again(self, *parts)

    monkeypatch.setattr(PlannedExecutor, "_complete_again", counted)
    return seen


async def test_usual_values_need_no_library(completed_again: list[Any]) -> None:
    for seed in range(40):
        dice = random.Random(seed)
        TREE[:] = [thing(dice, 3, 0.0) for _ in range(3)]
        await planned(document(dice))
    assert completed_again == []


async def test_errors_are_those_of_the_library(completed_again: list[Any]) -> None:
    TREE[:] = [thing(random.Random(0), 1, 0.0)]
    TREE[0].rows["is_broken"] = True
    data, errors = await planned("{ thing { name broken } }")
    assert data == {"thing": {"name": "米", "broken": None}}
    assert errors == [(["thing", "broken"], "broken")]
    assert len(completed_again) == 1
