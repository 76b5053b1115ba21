"""Real baskets through a real server: all posted, nothing twice, the audit clean."""

from collections import Counter
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import asyncpg
import httpx2
import pandas
import pytest

from app.db.core.unit import Database
from app.domain.people.stores import create_tenant
from app.replay import dataset, shop
from app.replay.dataset import Basket, Story, load
from app.replay.run import Plan, replay
from app.replay.shop import Refused, Shop, Unreachable
from app.run.embedded import Urls
from app.settings import Settings
from tests.api.conftest import served
from tests.conftest import SECRET, Cloning, unheard

NOON = pandas.Timestamp("2017-01-01 12:00")
COLUMNS = ["store_id", "basket_id", "product_id", "quantity", "transaction_timestamp"]
ROWS = [
    (7, 1, 10, 2, NOON),
    (7, 1, 10, 1, NOON),
    (7, 1, 11, 0, NOON),
    (7, 2, 12, 20_041, NOON.replace(hour=11)),
    (7, 2, 13, -3, NOON.replace(hour=11)),
    (7, 3, 10, 0, NOON.replace(hour=13)),
    (7, 4, 99, 1, NOON.replace(hour=14)),
    (7, 4, 11, float("nan"), NOON.replace(hour=14)),
    (7, 4, 11, 1.5, NOON.replace(hour=14)),
    (8, 5, 10, 1, NOON),
]
PASSWORD = "eight letters"
KNOWN = {
    "product_id": [10, 11, 12],
    "product_category": ["MILK", "BREAD", None],
    "product_type": ["FLUID MILK", None, "GASOLINE"],
    "brand": ["National"] * 3,
    "package_size": ["1 GA", None, None],
}


@pytest.fixture(scope="module")
def story(wide: bool) -> Story:
    return load(stores=1, baskets=40 if wide else 15)


@pytest.fixture(scope="module")
async def urls(clone: Cloning) -> Urls:
    """A database of its own: each replay ends with the audit of all its tenants."""
    return await clone()


@pytest.fixture
def settings(urls: Urls, tmp_path: Path) -> Settings:
    return Settings(
        database_url=urls.database,
        owner_url=urls.owner,
        redis_url=urls.redis,
        secret=SECRET,
        data=tmp_path,
    )


@pytest.fixture
async def address(urls: Urls) -> AsyncIterator[str]:
    async with served(urls) as asking:
        yield str(asking.http.base_url)


def test_every_odd_row_has_a_decision() -> None:
    transactions, products = pandas.DataFrame(ROWS, columns=COLUMNS), pandas.DataFrame(KNOWN)
    story = dataset.story(transactions, products, stores=1, baskets=9)
    assert [(each.id, each.lines) for each in story.baskets] == [
        ("2", (("12", 20_041),)),
        ("1", (("10", 2), ("10", 1))),
        ("4", (("99", 1),)),
    ]
    assert story.baskets[0].at == datetime(2017, 1, 1, 11, tzinfo=UTC)
    assert [(good.id, good.name, good.category) for good in story.goods] == [
        ("10", "FLUID MILK National", "MILK"),
        ("12", "GASOLINE National", "未分类"),
        ("99", "商品 99", "未分类"),
    ]
    assert story.decisions == {
        dataset.TWICE: 1,
        dataset.ZERO: 2,
        dataset.NEGATIVE: 1,
        dataset.FUELLED: 1,
        dataset.EMPTY: 1,
        dataset.NO_NUMBER: 2,
        dataset.UNFILED: 1,
        dataset.UNNAMED: 1,
    }
    assert story.opening("7", 100) == {"10": 3, "12": 20_041, "99": 1}
    assert story.opening("7", 50) == {"10": 2, "12": 10_021, "99": 1}


def test_the_dataset_is_told_in_order(story: Story) -> None:
    assert len(story.baskets) >= 15
    assert all(quantity > 0 for basket in story.baskets for _, quantity in basket.lines)
    assert sorted(story.baskets, key=lambda basket: (basket.at, basket.id)) == story.baskets
    known = {good.id for good in story.goods}
    assert {product for basket in story.baskets for product, _ in basket.lines} == known
    assert sum(story.decisions.values()) > 0


@pytest.mark.widened
async def test_replayed_twice_it_is_booked_once(
    settings: Settings, story: Story, address: str, capsys: pytest.CaptureFixture[str]
) -> None:
    plan = Plan(address, "replay-test", story)
    assert await replay(settings, plan)
    first = capsys.readouterr().out
    assert await replay(settings, plan)
    again = capsys.readouterr().out
    for text in (first, again):
        assert f"posted: {len(story.baskets)} " in text
        assert "refused: 0" in text
    # Whatever was opened has been sold, once.
    assert await left(settings, "replay-test") == Counter()


@pytest.mark.widened
async def test_too_little_stock_is_refused_and_stops_nothing(
    settings: Settings, story: Story, address: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert await replay(settings, Plan(address, "replay-short", story, percent=50))
    text = capsys.readouterr().out
    assert "× OutOfStock" in text
    assert f"posted: {len(story.baskets)} " not in text
    assert await left(settings, "replay-short") != Counter()


@pytest.mark.widened
async def test_an_owner_replays_in_their_own_tenant(
    settings: Settings, story: Story, address: str, capsys: pytest.CaptureFixture[str]
) -> None:
    db = Database(settings.database_url, unheard, pool_size=1)
    await create_tenant(db, "老店", "old-owner", PASSWORD, "old-shop", "老店")
    await db.close()
    assert await replay(settings, Plan(address, "replay-old", story, 100, "old-owner", PASSWORD))
    # Another replay there finds the products of the first.
    assert await replay(settings, Plan(address, "replay-old-2", story, 100, "old-owner", PASSWORD))
    assert capsys.readouterr().out.count(f"posted: {len(story.baskets)} ") == 2


async def test_a_session_that_ends_is_opened_again(settings: Settings, address: str) -> None:
    db = Database(settings.database_url, unheard, pool_size=1)
    await create_tenant(db, "长夜", "night-owner", PASSWORD, "night", "长夜")
    await db.close()
    async with httpx2.AsyncClient(base_url=address) as http:
        client = Shop(http, "night")
        await client.sign_in("night-owner", PASSWORD)
        client.token = "ended"
        names = await shop.several(range(8), lambda _: client.ask("{ viewer { name } }"))
        assert names == [{"name": "night-owner"}] * 8
        with pytest.raises(Refused, match="BAD_INPUT"):
            await client.ask("{ nothing }")
        # A basket whose time has no offset is refused as input: an outcome like any other.
        basket = Basket("1", "night", datetime.now(UTC).replace(tzinfo=None), (("10", 1),))
        store, ids = client.key("b"), {"10": client.key("c")}
        assert (await client.sell(store, basket, ids))[0] == "Refused"


class Flaky(httpx2.AsyncBaseTransport):
    """Cuts the first connections, after the server has answered."""

    def __init__(self, cuts: int) -> None:
        self.cuts = cuts
        self.inner = httpx2.AsyncHTTPTransport()

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        response = await self.inner.handle_async_request(request)
        if self.cuts:
            self.cuts -= 1
            await response.aread()
            await response.aclose()
            raise httpx2.ReadError("cut")
        return response

    async def aclose(self) -> None:
        await self.inner.aclose()


async def test_what_got_no_answer_is_sent_again(address: str, monkeypatch: Any) -> None:
    monkeypatch.setattr(shop, "PAUSES", (0, 0, 0))
    async with httpx2.AsyncClient(base_url=address, transport=Flaky(2)) as http:
        assert await Shop(http, "cut").ask("{ __typename }") == "Query"
    async with httpx2.AsyncClient(base_url=address, transport=Flaky(3)) as http:
        with pytest.raises(Unreachable):
            await shop.several([1], lambda _: Shop(http, "cut").ask("{ __typename }"))


async def left(settings: Settings, name: str) -> Counter[str]:
    """What stands on the shelves of this tenant."""
    owner = await asyncpg.connect(settings.owner_url)
    rows = await owner.fetch(
        "select product_id::text, shelf from levels join tenants using (tenant_id)"
        " where name = $1 and shelf <> 0",
        name,
    )
    await owner.close()
    return Counter(dict(map(tuple, rows)))
