"""The watch: judges the rules that time and changes make true, one store after the other.

A store is judged after each change of it, for the products that changed, and as a whole when its
day begins. The findings and the revision up to which they hold are written in one transaction, so
a turn that was lost is taken again, and one that is taken twice changes nothing.
"""

from collections.abc import Collection
from datetime import timedelta
from uuid import UUID

from app.db import alert_findings as rows
from app.db import alert_watches as watches
from app.db.alert_findings import Finding
from app.db.alert_watches import Turn
from app.db.alerts import judge
from app.db.core.unit import Database, Unit
from app.domain.rules.alert_settings import Settings, stage

EXPIRY_RULES = ("NEAR_EXPIRY", "EXPIRED")
DOCUMENT_RULES = (
    "WRITE_OFF_WAITING",
    "TRANSFER_WAITING",
    "PURCHASE_WAITING",
    "EXPECTED_NOT_ARRIVED",
)


async def watch_stores(db: Database, tenant: UUID) -> None:
    """Judge every store of the tenant that is due."""
    async with db.read(tenant) as session:
        stores = await watches.due_stores(session, tenant)
    for store in stores:
        await watch_store(db, tenant, store)


async def watch_store(db: Database, tenant: UUID, store: UUID) -> None:
    """Judge one store, unless another process judges it or has just done so."""
    async with db.unit(tenant) as unit:
        turn = await watches.take_turn(unit, store)
        if turn is None:
            return
        settings = Settings(await watches.settings(unit.session, tenant))
        if turn.products is None:
            await judge(unit, await watches.standing_low(unit, store))
        if turn.products is None or turn.products:
            await _judge_expiry(unit, turn, settings)
            await _judge_slow(unit, turn, settings)
            await _judge_dishes(unit, turn, settings)
        await _judge_documents(unit, turn, settings)
        await watches.end_turn(unit, turn)


async def _judge_expiry(unit: Unit, turn: Turn, settings: Settings) -> None:
    """Batches on the shelf in their stage of near expiry, and expired ones in the store."""
    furthest = turn.today + timedelta(days=settings.furthest)
    batches = await rows.batches_until(unit, turn.store, furthest, turn.products)
    findings: list[Finding] = []
    for batch in batches:
        days = (batch.expires_on - turn.today).days
        rule = "EXPIRED" if days < 0 else "NEAR_EXPIRY"
        own_days = None if days < 0 else batch.own_days
        limits = settings.of(rule, turn.store, batch.category_id, batch.product_id, own_days)
        reached = stage(days, limits.days)
        quantity = batch.held if days < 0 else batch.shelf
        if limits.enabled and quantity and reached is not None:
            findings.append(
                Finding(
                    rule,
                    batch.product_id,
                    batch.batch_id,
                    quantity=quantity,
                    scale=batch.scale,
                    tier=reached if days >= 0 else None,
                    due_on=batch.expires_on,
                )
            )
    await rows.judge_findings(unit, turn.store, EXPIRY_RULES, findings, turn.products)


async def _judge_slow(unit: Unit, turn: Turn, settings: Settings) -> None:
    """Goods of which few were sold in the window of their setting.

    New slow movers are found when the day begins; those that sell are over at once.
    """
    products = turn.products
    if products is not None:
        products = await rows.alerted(unit, turn.store, "SLOW_MOVING", products)
        if not products:
            return
    findings: dict[UUID, Finding] = {}
    for days, fewest in settings.windows:
        for level in await rows.few_sold(unit, turn.store, days, products, fewest):
            subject = level.category_id, level.product_id
            limits = settings.of("SLOW_MOVING", turn.store, *subject)
            few = level.sold < limits.fewer_than * level.scale
            if limits.enabled and limits.days[0] == days and few:
                findings[level.product_id] = Finding(
                    "SLOW_MOVING",
                    level.product_id,
                    quantity=level.shelf,
                    scale=level.scale,
                    threshold=level.sold,
                    tier=days,
                )
    await rows.judge_findings(unit, turn.store, ["SLOW_MOVING"], findings.values(), products)


async def _judge_dishes(unit: Unit, turn: Turn, settings: Settings) -> None:
    """Dishes that cannot be made, with the ingredient that they lack."""
    products: Collection[UUID] | None = turn.products
    if products is not None:
        products = await rows.dishes_of(unit, products)
    findings = [
        Finding("DISH_UNAVAILABLE", dish, cause_id=part, quantity=0, scale=1)
        for dish, part in await rows.unmakeable(unit, turn.store, turn.products)
        if settings.of("DISH_UNAVAILABLE", turn.store, None, dish).enabled
    ]
    await rows.judge_findings(unit, turn.store, ["DISH_UNAVAILABLE"], findings, products)


async def _judge_documents(unit: Unit, turn: Turn, settings: Settings) -> None:
    """Documents that wait for too long."""
    limits = {rule: settings.of(rule, turn.store) for rule in DOCUMENT_RULES}
    hours = {rule: limits[rule].hours for rule in DOCUMENT_RULES}
    findings = [
        finding
        for finding in await rows.waiting_documents(unit, turn.store, turn.today, hours)
        if limits[finding.rule].enabled
    ]
    await rows.judge_findings(unit, turn.store, DOCUMENT_RULES, findings, None)
