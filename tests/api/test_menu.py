"""The menu: makeable dishes, whole carts, permissions, and the manual sold-out mark."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from app.db.core.unit import Database
from app.domain.catalog import menu as menus
from app.domain.catalog.menu import reopen
from app.domain.rules.days import day_end
from tests.api.test_recipes import DISH, FRIED, fried, part, recipe
from tests.support.api import Desk

MENU = """
query($store: String!) { menu(store: $store) {
  store { name } dishes {
    name kind price makeable limiting { name } soldOut availability { label remaining }
  }
} }
"""
CART = """
query($store: String!, $lines: [CartLineInput!]!) { canMake(store: $store, lines: $lines) {
  ... on Cart { possible lines { name requested makeable } }
  ... on Problem { code }
} }
"""
STOREFRONT = """
query($store: String!) { storefront(store: $store) { products { nodes {
  name kind availability { label remaining }
} } } }
"""


def code(desk: Desk) -> str:
    return desk.chain.founded.store.code


async def menu(desk: Desk, by: str | None = None) -> dict[str, Any]:
    answer = await desk.asking(MENU, by, store=code(desk))
    return {dish.pop("name"): dish for dish in answer["dishes"]}


async def cart(desk: Desk, *lines: tuple[str, str]) -> Any:
    goods = [{"productId": await desk.product(name), "quantity": n} for name, n in lines]
    return await desk.asking(CART, None, store=code(desk), lines=goods)


async def kitchen(desk: Desk) -> None:
    await fried(desk)
    await desk.product("西红柿汤", **DISH)
    await recipe(desk, "西红柿汤", await part(desk, "西红柿", "0.2"))
    await desk.receive("西红柿", "3")
    await desk.receive("鸡蛋", 7)


async def test_staff_see_how_many_and_why(fresh: Desk) -> None:
    await kitchen(fresh)
    dishes = await menu(fresh, fresh.cashier)
    assert dishes[FRIED] == {
        "kind": "DISH",
        "price": None,
        "makeable": 3,
        "limiting": {"name": "鸡蛋"},
        "soldOut": False,
        "availability": {"label": "FEW", "remaining": 3},
    }
    assert (dishes["西红柿汤"]["makeable"], dishes["西红柿汤"]["limiting"]["name"]) == (
        15,
        "西红柿",
    )


async def test_customers_see_labels(fresh: Desk, stranger: Any) -> None:
    await kitchen(fresh)
    for by in (None, stranger.token):
        dishes = await menu(fresh, by)
        assert dishes[FRIED]["availability"] == {"label": "FEW", "remaining": 3}
        assert dishes["西红柿汤"]["availability"] == {"label": "PLENTY", "remaining": None}
        assert [dishes[name]["makeable"] for name in (FRIED, "西红柿汤")] == [None, None]
        assert [dishes[name]["limiting"] for name in (FRIED, "西红柿汤")] == [None, None]
    shown = await fresh.asking(STOREFRONT, None, store=code(fresh))
    labels = {each["name"]: each["availability"]["label"] for each in shown["products"]["nodes"]}
    assert labels == {
        FRIED: "FEW",
        "西红柿汤": "PLENTY",
        "西红柿": "FEW",
        "鸡蛋": "PLENTY",
    }


async def test_a_cart_is_judged_together(fresh: Desk) -> None:
    await kitchen(fresh)
    assert await cart(fresh, (FRIED, "3"), ("西红柿汤", "10")) == {
        "possible": True,
        "lines": [
            {"name": FRIED, "requested": "3", "makeable": "3"},
            {"name": "西红柿汤", "requested": "10", "makeable": "10"},
        ],
    }
    assert await cart(fresh, (FRIED, "3"), ("西红柿汤", "10"), ("鸡蛋", "2")) == {
        "possible": False,
        "lines": [
            {"name": FRIED, "requested": "3", "makeable": "2"},
            {"name": "西红柿汤", "requested": "10", "makeable": "10"},
            {"name": "鸡蛋", "requested": "2", "makeable": "1"},
        ],
    }
    # A sale succeeds exactly when the cart said that it can be made.
    assert (await fresh.post("sell", (FRIED, 3), ("西红柿汤", 10), ("鸡蛋", 2)))["code"]
    assert (await fresh.post("sell", (FRIED, 3), ("西红柿汤", 10)))["kind"] == "SALE"


async def test_a_cart_of_what_nobody_knows(fresh: Desk, outsider: Desk) -> None:
    foreign = [{"productId": await outsider.product("米"), "quantity": "1"}]
    answer = await fresh.asking(CART, None, store=code(fresh), lines=foreign)
    assert answer["code"] == "UNKNOWN_PRODUCT"
    assert (await fresh.asking(CART, None, store="nowhere", lines=foreign))["code"]
    assert await fresh.asking.code(CART, None, store=code(fresh), lines=[]) == "BAD_INPUT"
    await fresh.product("米")
    await fresh.receive("米", 1)
    halves = [{"productId": await fresh.product("米"), "quantity": text} for text in ("1", "0.5")]
    answer = await fresh.asking.raw(CART, store=code(fresh), lines=halves)
    assert answer["errors"][0]["extensions"] == {
        "code": "BAD_INPUT",
        "path": ["lines", "1", "quantity"],
    }


async def test_sold_out_by_hand(fresh: Desk, db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    await kitchen(fresh)
    values = {"storeId": fresh.store, "productId": await fresh.product(FRIED)}
    assert "code" not in await fresh.do("setSoldOut", by=fresh.cashier, **values, soldOut=True)
    dish = (await menu(fresh, fresh.owner))[FRIED]
    assert (dish["makeable"], dish["soldOut"]) == (0, True)
    assert dish["availability"] == {"label": "SOLD_OUT", "remaining": 0}
    assert (await cart(fresh, (FRIED, "1")))["possible"] is False
    refused = await fresh.post("sell", (FRIED, 1))
    assert [(s["product"]["name"], s["available"]) for s in refused["shortages"]] == [(FRIED, "0")]
    shown = await fresh.asking(STOREFRONT, None, store=code(fresh))
    labels = {each["name"]: each["availability"]["label"] for each in shown["products"]["nodes"]}
    assert labels[FRIED] == "SOLD_OUT"
    await fresh.do("setSoldOut", **values, soldOut=False)
    assert (await fresh.post("sell", (FRIED, 1)))["kind"] == "SALE"
    # At the store's midnight the dish is on the menu again, also without any request.
    await fresh.do("setSoldOut", **values, soldOut=True)
    tomorrow = day_end(datetime.now(UTC), "Asia/Shanghai") + timedelta(seconds=1)
    monkeypatch.setattr(menus, "clock", lambda: tomorrow)
    assert (await menu(fresh, fresh.owner))[FRIED]["makeable"] == 2
    monkeypatch.setattr("app.db.core.unit.clock", lambda: tomorrow)
    await reopen(db, fresh.chain.founded.store.tenant_id)
    monkeypatch.undo()
    assert (await menu(fresh, fresh.owner))[FRIED]["soldOut"] is False


@pytest.mark.parametrize(
    ("now", "zone", "end"),
    [
        ("2026-11-23T15:59:59+00:00", "Asia/Shanghai", "2026-11-23T16:00:00+00:00"),
        ("2026-11-23T16:00:00+00:00", "Asia/Shanghai", "2026-11-24T16:00:00+00:00"),
        # The day on which the clocks go back has 25 hours.
        ("2026-11-01T04:30:00+00:00", "America/New_York", "2026-11-02T05:00:00+00:00"),
    ],
)
def test_midnight_is_the_stores_own(now: str, zone: str, end: str) -> None:
    assert day_end(datetime.fromisoformat(now), zone) == datetime.fromisoformat(end)
