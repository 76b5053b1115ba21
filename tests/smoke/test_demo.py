"""The demo: seeded once however often, finished when cut short, and something on every screen."""

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from app.db.core.audit import audit
from app.db.core.unit import Database
from app.demo import documents, seed, trades
from app.domain.people.stores import create_tenant
from app.run.embedded import Urls
from app.settings import Settings
from tests.api.conftest import served
from tests.conftest import SECRET, Cloning, unheard

TABLES = ("tenants", "stores", "staff", "categories", "products", "product_codes", "levels")
PAGES = """{
  viewer { name role tenant { name } permissions } stores { id code name }
  staff { nodes { login role } } categories { id name }
  products(first: 200) { nodes { sku price reorderPoint barcodes { code } } }
  dm: products(search: "dbdm") { nodes { name } }
  levels(first: 200) { nodes { onHand status store { code } product { sku unit } } }
  out: levels(status: OUT) { nodes { product { name } } }
  low: levels(status: LOW) { nodes { product { name } } }
  over: levels(status: OVERSTOCKED) { nodes { product { name } } }
  batches(expiringWithinDays: 7, sort: DAYS_LEFT) {
    nodes { daysLeft shelf valueAtRisk product { sku } } }
  dishes: products(kind: DISH) { nodes { name recipe { components { product { name } } } } }
  services: products(kind: SERVICE) { nodes { name } }
  kitchen: menu(store: "demo-kitchen") { dishes { name makeable limiting { name } } }
  passes { nodes { state used uses product { name } customer redemptions { uses } } }
  suppliers { nodes { name leadDays } }
  purchaseOrders { nodes { number state lines { ordered received } } }
  orders { nodes { state total } }
  writeOffs { nodes { state value lines { quantity } } }
  replenishmentRequests(states: [REQUESTED]) { nodes { lines { requested } } }
  transfers { nodes { state fromStore { code } lines { shipped inTransit } } }
  movements { nodes { kind channel document lines { quantity } } }
}"""
SCAN = """query($store: UUID!, $code: String!) { scan(storeId: $store, code: $code) {
  product { name } level { onHand } lastReceipt { document } can } }"""
FRONT = """{ storefront(store: "demo") { store { name } categories { name }
  products(first: 200) { nodes { name price availability { label text } } } } }"""


CUTS: tuple[tuple[Any, str, int], ...] = (
    (seed.stores, "create_store", 2),
    (seed.staff, "invite_staff", 3),
    (seed.products, "set_reorder_point", 3),
    (seed.Lane, "submit", 3),
    (trades, "set_recipe", 3),
    (trades.passes, "sell_pass", 2),
    (documents.purchases, "create_supplier", 1),
    (documents.transfer_requests, "approve", 1),
)
"""Where the seeding is cut short, in its order: a function of a module, and which call of it."""


class CutShort(Exception):
    """Where the seeding ended before its time."""


def settings_of(urls: Urls, data: Path) -> Settings:
    return Settings(
        database_url=urls.database,
        owner_url=urls.owner,
        redis_url=urls.redis,
        secret=SECRET,
        data=data,
    )


@pytest.fixture(scope="module")
async def whole(clone: Cloning, tmp_path_factory: pytest.TempPathFactory) -> Urls:
    """A database that was seeded without a break."""
    urls = await clone()
    await seed.seed(settings_of(urls, tmp_path_factory.mktemp("whole")))
    return urls


@pytest.fixture
async def empty(clone: Cloning) -> Urls:
    return await clone()


@pytest.fixture
async def settings(empty: Urls, tmp_path: Path) -> AsyncIterator[Settings]:
    """Of an empty database, whose ledger is true whatever the test did to it."""
    yield settings_of(empty, tmp_path)
    assert await audit(empty.owner) == []


async def counted(url: str, tables: tuple[str, ...] = (*TABLES, "movements", "entries")) -> Any:
    owner = await asyncpg.connect(url)
    try:
        return {name: await owner.fetchval(f"select count(*) from {name}") for name in tables}
    finally:
        await owner.close()


async def test_seeded_twice_it_is_there_once(settings: Settings) -> None:
    first = await seed.seed(settings)
    once = await counted(settings.owner_url)
    assert await seed.seed(settings) == first
    assert await counted(settings.owner_url) == once
    assert [each.login for each in first] == ["owner", "manager", "cashier", "buyer"]
    assert once["tenants"] == 1
    assert once["stores"] == 4
    coded = sum(len(lines.split("\n")) - 2 for lines in seed.GOODS.values())
    products = [trades.SALON_GOODS, trades.KITCHEN_GOODS, trades.SERVED]
    assert once["products"] == coded + sum(len(lines.split("\n")) - 2 for lines in products)
    # Each product has its SKU, and goods of the supermarket a barcode as well.
    assert once["product_codes"] == once["products"] + coded


def stopping(call: Callable[..., Awaitable[Any]], most: int) -> Callable[..., Awaitable[Any]]:
    """The function, which raises CutShort at this call."""
    calls = 0

    async def counting(*arguments: Any, **named: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls == most:
            raise CutShort
        return await call(*arguments, **named)

    return counting


async def test_what_was_cut_short_is_finished(
    settings: Settings, whole: Urls, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Cut short at one place after the other, as by kills, and finished in the end."""
    for owner, name, most in CUTS:
        with monkeypatch.context() as patched:
            patched.setattr(owner, name, stopping(getattr(owner, name), most))
            with pytest.raises(CutShort):
                await seed.seed(settings)
    assert await seed.seed(settings) == seed.SIGN_INS
    assert await counted(settings.owner_url) == await counted(whole.owner)


async def test_nothing_is_told_where_others_live(settings: Settings) -> None:
    db = Database(settings.database_url, unheard, pool_size=1)
    await create_tenant(db, "别家", "owner", "eight letters", "demo", "别家一店")
    await db.close()
    assert await seed.seed(settings) == []
    assert await counted(settings.owner_url, ("tenants",)) == {"tenants": 1}


async def test_every_screen_has_something_to_show(whole: Urls) -> None:
    async with served(whole) as asking:
        for login, password, _ in seed.SIGN_INS:
            assert (await asking.sign_in(login, password))["accessToken"]
        token = (await asking.sign_in("owner", seed.PASSWORD))["accessToken"]
        pages = (await asking.raw(PAGES, token))["data"]
        lists = {
            name: value["nodes"] if isinstance(value, dict) and "nodes" in value else value
            for name, value in pages.items()
        }
        assert all(lists.values()), [name for name, value in lists.items() if not value]
        store = next(each["id"] for each in pages["stores"] if each["code"] == "demo")
        milk = next(each for each in lists["products"] if each["sku"] == "MILK-1L")
        code = milk["barcodes"][0]["code"]
        scanned = await asking(SCAN, token, store=store, code=code)
        front = await asking(FRONT)
    assert len(lists["categories"]) == 10
    dishes = {each["name"]: each["makeable"] for each in pages["kitchen"]["dishes"]}
    assert dishes["番茄炒蛋"] == 50
    assert {each["used"] for each in lists["passes"]} == {0, 1}
    assert pages["dm"]["nodes"] == [{"name": "东北大米"}]
    assert {each["kind"] for each in lists["movements"]} == {
        "OPENING",
        "RECEIPT",
        "SALE",
        "PRODUCTION",
        "PASS_SALE",
        "PASS_HOLD",
        "REDEMPTION",
        "ORDER_HOLD",
        "WRITE_OFF_HOLD",
        "WRITE_OFF",
        "SHIPMENT",
    }
    assert {each["state"] for each in lists["purchaseOrders"]} == {"OPEN", "PARTIAL"}
    assert {each["state"] for each in lists["writeOffs"]} == {"REQUESTED", "APPROVED"}
    assert [each["state"] for each in lists["orders"]] == ["PAID"]
    assert [each["state"] for each in lists["transfers"]] == ["SHIPPED"]
    near = {each["product"]["sku"] for each in lists["batches"]}
    assert near == {"MILK-1L", "YOGURT-4", "K-TOMATO", "K-BEEF", "K-BONE", "K-NOODLE"}
    assert all(each["valueAtRisk"] for each in lists["batches"])
    assert scanned["product"]["name"] == "纯牛奶"
    assert scanned["level"]["onHand"] == "90"
    assert scanned["lastReceipt"]["document"] == "SH-0001"
    labels = {each["availability"]["label"] for each in front["products"]["nodes"]}
    assert labels == {"PLENTY", "FEW", "SOLD_OUT"}


def test_barcodes_are_valid_ean_13() -> None:
    # 4006381333931 is the textbook's example.
    assert seed.check_digit("400638133393") == "1"
