"""Findings: what the rules of alerts find in a store at this moment, by their settings."""

from datetime import timedelta
from uuid import UUID

from app.db import alert_findings as rows
from app.db.alert_findings import Finding
from app.db.alert_watches import Turn
from app.db.core.unit import Unit
from app.domain.rules.alert_settings import Settings, stage

EXPIRY_RULES = ("NEAR_EXPIRY", "EXPIRED")
DOCUMENT_RULES = (
    "WRITE_OFF_WAITING",
    "TRANSFER_WAITING",
    "PURCHASE_WAITING",
    "EXPECTED_NOT_ARRIVED",
)
WITHOUT_PRODUCTS = (*DOCUMENT_RULES, "AUDIT_DRIFT")
STOCK_RULES = ("LOW_STOCK", "OUT_OF_STOCK")


async def batches(unit: Unit, turn: Turn, settings: Settings) -> list[Finding]:
    """Batches on the shelf in their stage of near expiry, and expired ones in the store."""
    furthest = turn.today + timedelta(days=settings.furthest)
    findings: list[Finding] = []
    for batch in await rows.batches_until(unit, turn.store, furthest, turn.products):
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
    return findings


async def slow_movers(unit: Unit, turn: Turn, settings: Settings) -> list[Finding]:
    """Goods of which few were sold in the window of their setting."""
    findings: dict[UUID, Finding] = {}
    for days, fewest in settings.windows:
        for level in await rows.few_sold(unit, turn.store, days, turn.products, fewest):
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
    return list(findings.values())


async def dishes(unit: Unit, turn: Turn, settings: Settings) -> list[Finding]:
    """Dishes that cannot be made, with the ingredient that they lack."""
    return [
        Finding("DISH_UNAVAILABLE", dish, cause_id=part, quantity=0, scale=1)
        for dish, category, part in await rows.unmakeable(unit, turn.store, turn.products)
        if settings.of("DISH_UNAVAILABLE", turn.store, category, dish).enabled
    ]


async def documents(unit: Unit, turn: Turn, settings: Settings) -> list[Finding]:
    """Documents that wait for too long."""
    limits = {rule: settings.of(rule, turn.store) for rule in DOCUMENT_RULES}
    hours = {rule: limits[rule].hours for rule in DOCUMENT_RULES}
    return [
        finding
        for finding in await rows.waiting_documents(unit, turn.store, turn.today, hours)
        if limits[finding.rule].enabled
    ]


async def found_by(unit: Unit, rule: str, turn: Turn, settings: Settings) -> list[Finding]:
    """What one rule finds in the store."""
    if rule in EXPIRY_RULES:
        findings = await batches(unit, turn, settings)
    elif rule == "SLOW_MOVING":
        findings = await slow_movers(unit, turn, settings)
    elif rule == "DISH_UNAVAILABLE":
        findings = await dishes(unit, turn, settings)
    elif rule in DOCUMENT_RULES:
        findings = await documents(unit, turn, settings)
    elif rule not in STOCK_RULES:
        # Only a sale or an audit raises these.
        findings = [
            Finding(rule, product)
            for category, product in await rows.lasting(unit, turn.store, rule)
            if settings.of(rule, turn.store, category, product).enabled
        ]
    else:
        findings = [
            Finding(each, product)
            for each, category, product in await rows.low_levels(unit, turn.store)
            if settings.of(each, turn.store, category, product).enabled
        ]
    return [finding for finding in findings if finding.rule == rule]
