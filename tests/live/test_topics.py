"""A toy topic plugs in with one table entry: its feed, its fields in store events, its loader."""

import re
from collections.abc import AsyncGenerator, AsyncIterator, Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
import pytest
import strawberry
from sqlalchemy import text
from strawberry.types.execution import ExecutionResult
from uuid_utils.compat import uuid7

from app.db.core.bus import Bus
from app.db.core.rates import Rates
from app.db.core.snapshot import ReadSession
from app.db.core.unit import Database
from app.domain.access import Can
from app.domain.catalog.cookbook import Cookbook
from app.domain.errors import Refusal, Text
from app.domain.people.sessions import Gate
from app.live import documents
from app.live.hub import Hub
from app.resolvers.feed import subscriptions
from app.run.embedded import Urls
from app.schema.context import App, Caller, Context
from app.schema.contract import build_schema
from app.schema.deadlines import Deadlines
from app.schema.problems import Problem, problem
from app.schema.topics import TOPICS, DocumentTopic
from app.schema.window import window
from app.settings import Settings
from tests.conftest import SECRET
from tests.support.shop import Shop

TABLE = """
CREATE TABLE toys (tenant_id uuid, id uuid, store_id uuid, name text, open boolean);
GRANT SELECT, INSERT, UPDATE ON toys TO kucun_app
"""


@dataclass(frozen=True)
class ToyRow:
    """A row of the toys' table."""

    id: UUID
    name: str


async def toys_by_id(session: ReadSession, tenant: UUID, ids: Collection[UUID]) -> Sequence[ToyRow]:
    query = "SELECT id, name FROM toys WHERE tenant_id = $1 AND id = ANY($2)"
    return [ToyRow(*row) for row in await session.fetch(query, tenant, list(ids))]


async def open_toys(
    session: ReadSession, tenant: UUID, stores: Collection[UUID], after: UUID | None, limit: int
) -> Sequence[ToyRow]:
    query = """SELECT id, name FROM toys WHERE tenant_id = $1 AND store_id = ANY($2)
        AND open AND ($3::uuid IS NULL OR id > $3) ORDER BY id LIMIT $4"""
    rows = await session.fetch(query, tenant, list(stores), after, limit)
    return [ToyRow(*row) for row in rows]


@window(ToyRow, description="A toy of a store. 玩具")
class Toy:
    id: UUID
    name: str


TOYS = DocumentTopic(
    name="toys",
    type=Toy,
    by_id=toys_by_id,
    open=open_toys,
    event="ToyChange",
    can=Can.SEE_STOCK,
    title="Toys",
    chinese="玩具",
)


@dataclass(frozen=True)
class ToyBroken(Refusal):
    """A refusal of the topic."""

    name: str


@problem(
    ToyBroken,
    words=Text("玩具坏了：{name}", "The toy is broken: {name}."),
    description="The toy cannot be lent. 玩具损坏",
)
class ToyBrokenProblem(Problem):
    name: str


@strawberry.type
class Query:
    @strawberry.field(graphql_type=ToyBrokenProblem)
    def refusal(self) -> ToyBroken:
        return ToyBroken("bear")


@strawberry.type
class Mutation:
    @strawberry.mutation
    def nothing(self) -> None: ...


SCHEMA = build_schema(Query, Mutation, subscriptions((*TOPICS, TOYS)))


@dataclass
class Toyshop:
    """A shop with toys, and the real hub that follows it."""

    shop: Shop
    context: Context

    async def put(self, id: UUID, name: str, open: bool = True) -> None:
        """Write a toy and name it in the store's change, as every document's unit does."""
        written = """INSERT INTO toys VALUES (:tenant, :id, :store, :name, :open)"""
        async with self.shop.db.unit(self.shop.tenant) as unit:
            given = {"tenant": unit.tenant, "id": id, "store": self.shop.store}
            await unit.session.execute(text(written), {**given, "name": name, "open": open})
            unit.document_changed(self.shop.store, id)

    async def follow(self, query: str) -> AsyncGenerator[Any, None]:
        values = {"store": str(self.shop.store)}
        events: Any = await SCHEMA.subscribe(query, values, context_value=self.context)
        async for event in events:
            assert isinstance(event, ExecutionResult)
            assert not event.errors, event.errors
            assert event.data
            [value] = event.data.values()
            yield value


@pytest.fixture
async def toyshop(db: Database, open_shop: Shop, urls: Urls) -> AsyncIterator[Toyshop]:
    owner = await asyncpg.connect(urls.owner)
    await owner.execute(TABLE)
    hub = Hub(db, Bus(urls.redis), Cookbook(db))
    gate = Gate(db, Settings(secret=SECRET))
    rates = Rates(urls.redis)
    unused = dict.fromkeys(("cookbook", "shops", "mini_apps", "images", "exports"))
    settings = Settings()
    deadlines = Deadlines(settings.deadline_seconds)
    parts: Any = {"settings": settings, "rates": rates, "deadlines": deadlines, **unused}
    caller = Caller(App(db=db, lane=open_shop.lane, hub=hub, gate=gate, **parts))
    await caller.admit(open_shop.token)
    yield Toyshop(open_shop, caller.context())
    await hub.close()
    await rates.close()
    await owner.execute("DROP TABLE toys")
    await owner.close()


async def test_a_toy_appears_on_its_feed(toyshop: Toyshop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(documents, "PAGE", 2)
    ids = sorted(uuid7() for _ in range(4))
    for id, name in zip(ids, "abc", strict=False):
        await toyshop.put(id, name)
    feed = toyshop.follow(
        "subscription($store: UUID!) { toyFeed(storeIds: [$store]) { hasMore toys { name } } }"
    )
    assert await anext(feed) == {"hasMore": True, "toys": [{"name": "a"}, {"name": "b"}]}
    assert await anext(feed) == {"hasMore": False, "toys": [{"name": "c"}]}
    await toyshop.put(ids[3], "d", open=False)
    assert await anext(feed) == {"hasMore": False, "toys": [{"name": "d"}]}
    await feed.aclose()


async def test_a_toy_appears_in_the_stores_events(toyshop: Toyshop) -> None:
    first, closed, later = sorted(uuid7() for _ in range(3))
    await toyshop.put(first, "a")
    await toyshop.put(closed, "b", open=False)
    feed = toyshop.follow(
        """subscription($store: UUID!) { storeFeed(storeId: $store) {
          ... on StoreSnapshot { toys { id name } orders { id } }
          ... on StoreChange { toys { id name } orders { id } }
        } }"""
    )
    assert await anext(feed) == {"toys": [{"id": str(first), "name": "a"}], "orders": []}
    await toyshop.put(later, "c")
    assert await anext(feed) == {"toys": [{"id": str(later), "name": "c"}], "orders": []}
    await feed.aclose()


async def test_a_refusal_of_a_topic_is_declared_with_it(toyshop: Toyshop) -> None:
    query = "{ refusal { code message name } }"
    answer: Any = await SCHEMA.execute(query, context_value=toyshop.context)
    assert answer.errors is None
    assert answer.data["refusal"] == {
        "code": "TOY_BROKEN",
        "message": "玩具坏了：bear",
        "name": "bear",
    }


def test_a_topic_touches_at_most_fifteen_files() -> None:
    """The page lists the files; each shared one exists."""
    page = (Path(__file__).parents[2] / "docs/adding-a-topic.md").read_text()
    listed = re.findall(r"^\| (\d+) \| `([^`]+)` \| (new|edit) \|", page, re.M)
    assert [int(number) for number, _, _ in listed] == list(range(1, len(listed) + 1))
    assert 0 < len(listed) <= 15
    for _, path, kind in listed:
        assert (Path(__file__).parents[2] / path).exists() == (kind == "edit"), path
