"""The watch: judges the rules that time and changes make true, one store after the other.

A store is judged after each change of it, for the products that changed, and as a whole when its
day begins. The findings and the revision up to which they hold are written in one transaction, so
a turn that was lost is taken again, and one that is taken twice changes nothing.
"""

import asyncio
from uuid import UUID

from app.db import alert_findings as rows
from app.db import alert_watches as watches
from app.db.alert_findings import Finding
from app.db.alert_watches import Turn
from app.db.alerts import judge
from app.db.categories import category_parents
from app.db.core.unit import Database, Unit
from app.domain.notices import findings
from app.domain.notices.findings import DOCUMENT_RULES, EXPIRY_RULES
from app.domain.rules.alert_settings import Settings

TURN_SECONDS = 3.0
REST = 1.0
"""Seconds of rest for each second that a whole store took, so that sales have their turn."""


async def watch_stores(db: Database, tenant: UUID) -> None:
    """Judge the stores of the tenant that are due, those that have waited longest first.

    What is left after `TURN_SECONDS` waits for the next call: deliveries go out meanwhile.
    """
    loop = asyncio.get_running_loop()
    end = loop.time() + TURN_SECONDS
    async with db.read(tenant) as session:
        stores = await watches.due_stores(session, tenant)
    for store in stores:
        started = loop.time()
        if await watch_store(db, tenant, store):
            await asyncio.sleep(REST * (loop.time() - started))
        if loop.time() > end:
            return


async def watch_store(db: Database, tenant: UUID, store: UUID) -> bool:
    """Judge one store, unless another process judges it or has just done so. Returns whether all
    its products were judged."""
    async with db.unit(tenant) as unit:
        turn = await watches.take_turn(unit, store)
        if turn is None:
            return False
        parents = await category_parents(unit.session, tenant)
        settings = Settings(await watches.settings(unit.session, tenant), parents)
        if turn.products is None:
            await _judge_levels(unit, turn, settings)
        if turn.products is None or turn.products:
            await _judge_products(unit, turn, settings)
        results = await findings.documents(unit, turn, settings)
        await rows.judge_findings(unit, store, DOCUMENT_RULES, results, None)
        await watches.end_turn(unit, turn)
        return turn.products is None


async def judge_drift(unit: Unit, breaches: int) -> None:
    """Opens the alert of an audit that found breaches, in the chain's first store; closes it when
    there are none."""
    store = await watches.first_store(unit)
    settings = Settings(await watches.settings(unit.session, unit.tenant))
    if store is None:
        return
    drift: list[Finding] = []
    if breaches and settings.of("AUDIT_DRIFT", store).enabled:
        drift = [Finding("AUDIT_DRIFT", document_id=unit.tenant, quantity=breaches, scale=1)]
    await rows.judge_findings(unit, store, ["AUDIT_DRIFT"], drift, None)


async def _judge_levels(unit: Unit, turn: Turn, settings: Settings) -> None:
    """Low and empty levels, which a post judges at the crossing: those that it has not seen, and
    those whose rule was switched off."""
    await judge(unit, await watches.standing_low(unit, turn.store))
    lasting = await watches.lasting_low(unit, turn.store)
    await judge(unit, [each for each, category in lasting if not _is_on(each, category, settings)])


def _is_on(crossing: watches.Crossing, category: UUID | None, settings: Settings) -> bool:
    subject = crossing.store_id, category, crossing.product_id
    return settings.of(crossing.rule, *subject).enabled


async def _judge_products(unit: Unit, turn: Turn, settings: Settings) -> None:
    store, products = turn.store, turn.products
    results = await findings.batches(unit, turn, settings)
    await rows.judge_findings(unit, store, EXPIRY_RULES, results, products)
    # New slow movers are found when the day begins; those that sell are over at once.
    slow = products and await rows.alerted(unit, store, "SLOW_MOVING", products)
    if slow is None or slow:
        results = await findings.slow_movers(unit, turn._replace(products=slow), settings)
        await rows.judge_findings(unit, store, ["SLOW_MOVING"], results, slow)
    dishes = products and await rows.dishes_of(unit, products)
    results = await findings.dishes(unit, turn, settings)
    await rows.judge_findings(unit, store, ["DISH_UNAVAILABLE"], results, dishes)
