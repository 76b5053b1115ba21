"""The watch finds what time and changes make true, once, however often and wherever it runs."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import select, update

from app.db.alert_facts import alert_facts
from app.db.core.unit import clock
from app.db.tables import (
    Alert,
    AlertSetting,
    AlertWatch,
    Product,
    PurchaseLine,
    PurchaseOrder,
    Supplier,
)
from app.domain.notices.suggestions import suggest_for, suggestion_facts
from app.domain.notices.texts import text_of
from app.domain.notices.watch import watch_store, watch_stores
from app.domain.rules.kinds import Kind
from tests.support.shop import Shop, day


async def watch(shop: Shop) -> None:
    await watch_stores(shop.db, shop.tenant)


async def alerts(shop: Shop, rule: str | None = None) -> list[Alert]:
    query = select(Alert).where(Alert.tenant_id == shop.tenant).order_by(Alert.id)
    async with shop.db.read(shop.tenant) as session:
        rows = await session.scalars(query)
    return [row for row in rows if rule in (None, row.rule)]


async def states(shop: Shop, rule: str) -> list[str]:
    return [row.state for row in await alerts(shop, rule)]


async def texts(shop: Shop) -> list[str]:
    """The texts of the alerts that are not resolved."""
    ids = [row.id for row in await alerts(shop) if row.state != "RESOLVED"]
    async with shop.db.read(shop.tenant) as session:
        facts = await alert_facts(session, shop.tenant, ids)
    return sorted(text_of(facts[id], "zh") for id in ids)


async def set_rule(shop: Shop, rule: str, **more: Any) -> None:
    row = AlertSetting(
        tenant_id=shop.tenant,
        id=uuid4(),
        rule=rule,
        set_by=shop.actor,
        **{"enabled": True, **more},
    )
    async with shop.db.unit(shop.tenant) as unit:
        unit.session.add(row)


async def new_day(shop: Shop) -> None:
    """The store was last judged yesterday."""
    async with shop.db.unit(shop.tenant) as unit:
        yesterday = {"day": AlertWatch.day - 1}
        await unit.session.execute(
            update(AlertWatch).where(AlertWatch.tenant_id == shop.tenant).values(yesterday)
        )


async def test_a_batch_is_warned_of_in_stages(shop: Shop) -> None:
    await shop.deliver("奶", 3, "A", day(40))
    await shop.deliver("奶", 4, "B", day(20))
    await shop.deliver("奶", 5, "C", day(7))
    await watch(shop)
    tiers = {row.due_on: row.tier for row in await alerts(shop, "NEAR_EXPIRY")}
    assert tiers == {day(20): 30, day(7): 7}
    assert await texts(shop) == [
        "奶（批号 B）还有 20 天到期，货架上还有 4 袋，请尽快处理",
        "奶（批号 C）还有 7 天到期，货架上还有 5 袋，请尽快处理",
    ]
    await watch(shop)
    assert len(await alerts(shop)) == 2


async def test_the_next_stage_is_a_new_warning(shop: Shop) -> None:
    await shop.deliver("奶", 4, "B", day(7))
    await set_rule(shop, "NEAR_EXPIRY", days=[10])
    await watch(shop)
    [alert] = await alerts(shop)
    assert alert.tier == 10
    async with shop.db.unit(shop.tenant) as unit:
        seen = {"state": "ACKNOWLEDGED", "acknowledged_at": unit.now, "acknowledged_by": shop.actor}
        mine = Alert.tenant_id == shop.tenant
        await unit.session.execute(update(Alert).where(mine).values(seen))
        stages = {"days": [10, 7]}
        await unit.session.execute(
            update(AlertSetting).where(AlertSetting.tenant_id == shop.tenant).values(stages)
        )
    await new_day(shop)
    await watch(shop)
    [same] = await alerts(shop)
    assert (same.id, same.tier, same.state) == (alert.id, 7, "OPEN")


async def test_a_product_has_its_own_stages(shop: Shop) -> None:
    await shop.deliver("奶", 4, "B", day(10))
    async with shop.db.unit(shop.tenant) as unit:
        mine = Product.tenant_id == shop.tenant
        await unit.session.execute(update(Product).where(mine).values(own_warning_days=9))
    await watch(shop)
    assert await alerts(shop) == []
    await set_rule(shop, "NEAR_EXPIRY", product_id=await shop.product("奶"), days=[12])
    await new_day(shop)
    await watch(shop)
    assert [row.tier for row in await alerts(shop)] == [12]


async def test_what_is_sold_is_no_longer_near_its_expiry(shop: Shop) -> None:
    await shop.deliver("奶", 4, "B", day(5))
    await watch(shop)
    await shop.sell("奶", 4)
    await watch(shop)
    assert await states(shop, "NEAR_EXPIRY") == ["RESOLVED"]
    await shop.deliver("奶", 4, "B", day(5))
    await watch(shop)
    assert await states(shop, "NEAR_EXPIRY") == ["RESOLVED", "OPEN"]


async def test_expired_goods_until_they_are_written_off(shop: Shop) -> None:
    await shop.deliver("奶", 4, "B", day(-1))
    await watch(shop)
    assert await texts(shop) == ["奶（批号 B）已过期，店内还有 4 袋，请报损处理"]
    [alert] = await alerts(shop)
    assert alert.batch_id
    await shop.take(Kind.LOSS, "奶", 4, alert.batch_id)
    await watch(shop)
    assert await states(shop, "EXPIRED") == ["RESOLVED"]


async def days_ago(shop: Shop, days: int, kind: Kind, *lines: tuple[str, Any]) -> None:
    """A movement that was recorded so many days ago: ids begin with the time."""
    then = clock() - timedelta(days=days)
    milliseconds = int(then.timestamp() * 1000)
    old = UUID(int=milliseconds << 80 | 7 << 76 | 2 << 62 | uuid4().int % 2**62)
    await shop.post(replace(await shop.draft(kind, *lines), id=old, occurred_at=then))


async def test_slow_movers(shop: Shop) -> None:
    await days_ago(shop, 40, Kind.RECEIPT, ("灯", 20), ("米", 30), ("伞", 3), ("锅", 2))
    await days_ago(shop, 35, Kind.SALE, ("伞", 3))
    await shop.receive("伞", 9)
    await shop.receive("新", 9)
    await shop.sell("灯", 4)
    await shop.sell("米", 5)
    await watch(shop)
    assert await texts(shop) == [
        "灯近 30 天仅售出 4 袋，库存 16 袋，建议促销或调拨",
        "锅近 30 天仅售出 0 袋，库存 2 袋，建议促销或调拨",
    ]
    await shop.sell("灯", 1)
    await watch(shop)
    assert sorted(await states(shop, "SLOW_MOVING")) == ["OPEN", "RESOLVED"]
    assert [text[:1] for text in await texts(shop)] == ["锅"]
    await set_rule(shop, "SLOW_MOVING", fewer_than=6)
    await new_day(shop)
    await watch(shop)
    assert [text[:1] for text in await texts(shop)] == ["灯", "米", "锅"]


async def suggested(shop: Shop, rule: str) -> dict[str, Any]:
    """What the open alerts of a rule suggest, by product: kind, base units and percent off."""
    async with shop.db.read(shop.tenant) as session:
        query = select(Alert.id).where(Alert.tenant_id == shop.tenant, Alert.rule == rule)
        ids = (await session.scalars(query.where(Alert.state == "OPEN"))).all()
        facts = await suggestion_facts(session, shop.tenant, ids)
    rows = {each.alert.name: suggest_for(each, lambda _: True) for each in facts.values()}
    return {
        name: of and (of.kind.value, of.quantity, of.discount_percent) for name, of in rows.items()
    }


async def test_suggestions_of_what_time_raises(shop: Shop) -> None:
    await days_ago(shop, 40, Kind.RECEIPT, ("灯", 20), ("米", 90))
    await shop.deliver("奶", 8, "A", day(6))
    await shop.deliver("酸奶", 9, "A", day(-1))
    await shop.sell("米", 50)
    await watch(shop)
    assert await suggested(shop, "SLOW_MOVING") == {"灯": ("BUNDLE", 20, None)}
    assert await suggested(shop, "NEAR_EXPIRY") == {"奶": ("MARKDOWN", 8, 30)}
    assert await suggested(shop, "EXPIRED") == {"酸奶": ("WRITE_OFF", 9, None)}
    async with shop.db.unit(shop.tenant) as unit:
        ours = Product.tenant_id == shop.tenant
        await unit.session.execute(update(Product).where(ours).values(for_sale=False))
    assert await suggested(shop, "NEAR_EXPIRY") == {"奶": None}, "it has no price"


async def test_a_dish_without_an_ingredient(shop: Shop) -> None:
    await shop.receive("番茄", 2)
    await shop.receive("鸡蛋", 1)
    await shop.cook("番茄炒蛋", 番茄=1, 鸡蛋=1)
    await watch(shop)
    assert await alerts(shop) == []
    await shop.order(("番茄炒蛋", 1))
    await watch(shop)
    assert "番茄炒蛋暂时做不了：鸡蛋不足，请补货" in await texts(shop)
    assert await suggested(shop, "DISH_UNAVAILABLE") == {"番茄炒蛋": ("REORDER", 2, None)}
    await shop.receive("鸡蛋", 1)
    await watch(shop)
    assert await states(shop, "DISH_UNAVAILABLE") == ["RESOLVED"]


async def test_dishes_of_other_stores_are_not_judged(shop: Shop) -> None:
    await shop.another_store()
    await shop.receive("鸡蛋", 1)
    await shop.cook("煎蛋", 鸡蛋=1)
    await watch(shop)
    assert await alerts(shop) == []


async def test_many_workers_judge_once(shop: Shop) -> None:
    for number in range(5):
        await shop.deliver(f"奶{number}", 4, "B", day(5))
    await asyncio.gather(*(watch_store(shop.db, shop.tenant, shop.store) for _ in range(6)))
    await watch(shop)
    assert await states(shop, "NEAR_EXPIRY") == ["OPEN"] * 5


async def test_a_rule_that_is_switched_off(shop: Shop) -> None:
    await set_rule(shop, "NEAR_EXPIRY", enabled=False, store_id=shop.store)
    await set_rule(shop, "OUT_OF_STOCK", enabled=False)
    await shop.deliver("奶", 4, "B", day(5))
    await shop.sell("奶", 4)
    await watch(shop)
    assert await alerts(shop) == []


async def test_a_purchase_order_that_has_not_arrived(shop: Shop) -> None:
    supplier, order = uuid4(), uuid4()
    await shop.product("米")
    mine = {"tenant_id": shop.tenant}
    async with shop.db.unit(shop.tenant) as unit:
        named = {"name": "粮油", "lead_days": 2, "search": "", "pinyin": ""}
        unit.session.add(Supplier(id=supplier, **mine, **named))
        await unit.session.flush()
        unit.session.add(
            PurchaseOrder(
                id=order,
                number="PO-1",
                supplier_id=supplier,
                store_id=shop.store,
                expected_on=day(-2),
                ordered_by=shop.actor,
                **mine,
            )
        )
        await unit.session.flush()
        line = {"product_id": await shop.product("米"), "ordered": 9, "scale": 1}
        unit.session.add(PurchaseLine(purchase_id=order, line=1, **line, **mine))
    await watch(shop)
    assert await texts(shop) == ["采购单 PO-1 已超过预计到货日 2 天，仍未到货，请联系供应商"]
    async with shop.db.unit(shop.tenant) as unit:
        expected = {"expected_on": day(1)}
        ours = PurchaseOrder.tenant_id == shop.tenant
        await unit.session.execute(update(PurchaseOrder).where(ours).values(expected))
        unit.document_changed(shop.store, order)
    await watch(shop)
    assert await states(shop, "EXPECTED_NOT_ARRIVED") == ["RESOLVED"]
