"""A week of the three trades: each warning comes once, to the right people, and ends by itself.

Two workers judge the stores each day, as in a shop with two processes.
"""

import asyncio
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import update

from app.db import identity
from app.db.tables import AlertWatch
from app.domain.notices.watch import watch_stores
from app.jobs.alerts import notify
from tests.story.conftest import Demo
from tests.support.phones import providers_of
from tests.support.worker import store_changes

MARKET, KITCHEN, SALON = "demo", "demo-kitchen", "demo-salon"
GOODS = ("SALT-400", "K-NOODLE", "NOODLES", "TOWEL")
ALERTS = """query { alerts(first: 200) { nodes { rule state text raisedAt product { sku }
  deliveries { channel state recipientId } } } }"""
STAFF = "{ staff { nodes { id login } } }"


async def close_day(demo: Demo, tenant: UUID) -> None:
    """Two workers judge and notify; then the next day begins."""
    async with providers_of() as providers:

        async def work() -> None:
            await watch_stores(demo.db, tenant)
            await notify(demo.db, tenant, providers, store_changes(demo.db))

        await asyncio.gather(work(), work())
    async with demo.db.unit(tenant) as unit:
        await unit.session.execute(
            update(AlertWatch).where(AlertWatch.tenant_id == tenant).values(day=AlertWatch.day - 1)
        )


async def take(demo: Demo, name: str, store: str, sku: str, quantity: str) -> None:
    """Sell at the counter, or use up in the store."""
    lines = [await demo.line(sku, quantity)]
    done = await demo.manager.do(name, storeId=demo.stores[store], lines=lines)
    assert "id" in done, done


async def use_until(demo: Demo, store: str, sku: str, left: str) -> None:
    level = await demo.level(sku, store)
    quantity = Decimal(level["available"]) - Decimal(left)
    await take(demo, "consume", store, sku, str(quantity))


async def receive(demo: Demo, store: str, sku: str, quantity: str, **more: Any) -> None:
    lines = [await demo.line(sku, quantity, unitCost="1.00", **more)]
    done = await demo.manager.do("receive", storeId=demo.stores[store], lines=lines)
    assert "id" in done, done


async def warnings(demo: Demo) -> list[tuple[str, str, str, set[str]]]:
    """Product, rule, state, and the logins of those notified, of the week's goods, in order."""
    people = {each["id"]: each["login"] for each in (await demo.owner.ask(STAFF))["nodes"]}
    rows = [
        each
        for each in (await demo.owner.ask(ALERTS))["nodes"]
        if each["product"] and each["product"]["sku"] in GOODS
    ]
    for row in rows:
        sent = [(each["channel"], each["recipientId"]) for each in row["deliveries"]]
        assert len(sent) == len(set(sent)), "each person is notified once"
        assert {each["state"] for each in row["deliveries"]} <= {"DELIVERED"}
    return [
        (
            row["product"]["sku"],
            row["rule"],
            row["state"],
            {people[each["recipientId"]] for each in row["deliveries"]},
        )
        for row in sorted(rows, key=lambda row: (row["raisedAt"], row["rule"]))
    ]


async def test_a_week_of_warnings(demo: Demo) -> None:
    [tenant], buyers = await identity.tenants(demo.db), {"manager", "buyer"}
    await close_day(demo, tenant)
    fresh = ("K-NOODLE", "NEAR_EXPIRY", "OPEN", {"manager"})
    assert await warnings(demo) == [fresh], "the demo's noodles last one day"

    # Monday: salt falls from 120 bags to its reorder point of 30.
    await take(demo, "sell", MARKET, "SALT-400", "90")
    await close_day(demo, tenant)
    low = ("SALT-400", "LOW_STOCK", "OPEN", buyers)
    assert await warnings(demo) == [fresh, low]

    # Tuesday: less salt is no new warning. The salon uses up its towels.
    await take(demo, "sell", MARKET, "SALT-400", "10")
    await use_until(demo, SALON, "TOWEL", "97")
    await close_day(demo, tenant)
    towels = ("TOWEL", "LOW_STOCK", "OPEN", buyers)
    assert await warnings(demo) == [fresh, low, towels]

    # Wednesday: the last salt is sold, and the kitchen has no noodles left.
    await take(demo, "sell", MARKET, "SALT-400", "20")
    await use_until(demo, KITCHEN, "K-NOODLE", "0")
    await close_day(demo, tenant)
    out = ("SALT-400", "OUT_OF_STOCK", "OPEN", buyers)
    noodles = [
        ("K-NOODLE", "LOW_STOCK", "OPEN", buyers),
        ("K-NOODLE", "OUT_OF_STOCK", "OPEN", buyers),
        ("NOODLES", "DISH_UNAVAILABLE", "OPEN", {"manager"}),
    ]
    used = ("K-NOODLE", "NEAR_EXPIRY", "RESOLVED", {"manager"})
    assert await warnings(demo) == [used, low, towels, out, *noodles]

    # Thursday: salt and noodles arrive; what was warned of is over. Noodles keep for three days.
    expires = (datetime.now(UTC) + timedelta(days=3)).date().isoformat()
    await receive(demo, MARKET, "SALT-400", "120")
    await receive(demo, KITCHEN, "K-NOODLE", "6", expiresOn=expires)
    await close_day(demo, tenant)
    over = [(sku, rule, "RESOLVED", people) for sku, rule, _, people in (low, out, *noodles)]
    again = ("K-NOODLE", "NEAR_EXPIRY", "OPEN", {"manager"})
    assert await warnings(demo) == [used, over[0], towels, *over[1:], again]

    # Friday and Saturday: a good day, then salt is low again. That is a new warning.
    await take(demo, "sell", MARKET, "SALT-400", "80")
    await close_day(demo, tenant)
    assert len(await warnings(demo)) == 8
    await take(demo, "sell", MARKET, "SALT-400", "15")
    await receive(demo, SALON, "TOWEL", "200")
    await close_day(demo, tenant)
    dry = (*towels[:2], "RESOLVED", towels[3])
    week = [used, over[0], dry, *over[1:], again, low]
    assert await warnings(demo) == week

    # Sunday: nothing happens, and nothing is said.
    await close_day(demo, tenant)
    assert await warnings(demo) == week
