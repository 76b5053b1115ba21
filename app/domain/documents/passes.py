"""Passes: prepaid services, sold once and refunded or expired at the end.

The recipe's `consume_on` says when goods leave the shelf. Goods taken ahead of their use come
back, or are used, exactly once: every change of a pass holds the lock of its row.
"""

import contextlib
from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta
from typing import Any
from uuid import UUID, uuid5

from uuid_utils.compat import uuid7

from app.db import identity
from app.db import passes as rows
from app.db import recipes as recipe_rows
from app.db.core.unit import Database, Unit, clock
from app.db.tables import Pass
from app.domain import access
from app.domain.access import Can, Viewer
from app.domain.catalog.cookbook import (
    KnownProduct,
    known_products,
)
from app.domain.claims import claim
from app.domain.documents.pass_consumption import (
    pass_consumption,
    unused_lines,
)
from app.domain.errors import (
    Malformed,
    Refused,
    UnknownPass,
    WrongState,
    WrongStateReason,
    unknown_products,
)
from app.domain.ledger.documents import movement_of, open_levels_for, post_movement
from app.domain.ledger.draft import SYSTEM_ACTOR, Draft, Line
from app.domain.ledger.reservations import retry_while_short
from app.domain.movements.zones import check_zone
from app.domain.people import contacts
from app.domain.rules.days import day_start, store_day
from app.domain.rules.kinds import Kind
from app.domain.rules.texts import clean

MOST_USES = 1000
VALID_DAYS = 365
LONGEST_DAYS = 3650


async def sell_pass(
    db: Database,
    viewer: Viewer,
    key: UUID,
    store_id: UUID,
    product_id: UUID,
    customer: str,
    uses: int,
    channel: str,
    expires_on: date | None,
    zone: str | None = None,
) -> Pass:
    """A pass for these uses of a pass product or a service; the sale takes ahead what the recipe
    says, from `zone`. What it reserves is kept until the pass ends.

    It can be redeemed until `expires_on`, a year from today by default. Raises Refused:
    UnknownStore, UnknownProduct, OutOfStock, WrongState for what is no service; Malformed for a
    zone that the store does not have.
    """
    access.at(viewer, Can.SELL, store_id)
    customer = clean(customer, "customer", 100, required=True)
    check_uses(uses)
    service = await read_prepaid(db, viewer.tenant, product_id)
    timezone = await _timezone(db, viewer.tenant, store_id)
    last_day = _last_day(store_day(clock(), timezone), expires_on)
    zone = await check_zone(db, viewer.tenant, store_id, zone)
    id = uuid7()
    sent = contacts.printed(db.vault, viewer.tenant, customer)
    request = ("sellPass", store_id, product_id, sent, uses, channel, expires_on)
    # Without a zone it is the same request as that of a client that knows none.
    request = *request, *([zone] if zone else [])

    async def once() -> Pass:
        row = Pass(
            tenant_id=viewer.tenant,
            id=id,
            product_id=product_id,
            store_id=store_id,
            **contacts.seal(db.vault, viewer.tenant, id, customer)._asdict(),
            channel=channel,
            consume_on=service.consume_on or "REDEEM",
            recipe_id=service.recipe_id,
            uses=uses,
            used=0,
            ahead=service.consume_on == "FIRST_USE_ON_SALE",
            state="ACTIVE",
            expires_on=last_day,
            sold_by=viewer.actor,
        )
        first = pass_movement(row, key, viewer.actor, *pass_consumption(row, service, zone))
        # What is reserved for the last use has to last until the pass ends.
        first = replace(first, lasts_until=day_start(last_day, timezone))
        await open_levels_for(db, viewer.tenant, first)
        async with db.unit(viewer.tenant) as unit:
            if earlier := await claim(unit, viewer.claimant, key, row.id, *request):
                return (await rows.passes_by_id(unit.session, unit.tenant, [earlier]))[0]
            row.sold_at = unit.now
            unit.session.add(row)
            await unit.session.flush()
            await post_movement(unit, first)
        return row

    return await retry_while_short(db, viewer.tenant, store_id, once)


def check_uses(uses: int) -> None:
    """Raises Malformed for a number of uses out of range."""
    if not 1 <= uses <= MOST_USES:
        raise Malformed("uses", f"次数须为 1 至 {MOST_USES}", f"Uses: give 1 to {MOST_USES}.")


async def read_prepaid(db: Database, tenant: UUID, product_id: UUID) -> KnownProduct:
    """The service with the recipe in force, read now: the pass keeps it. Raises Refused."""
    async with db.read(tenant) as session:
        parts = await recipe_rows.parts_of_products(session, tenant, [product_id])
    product = known_products(parts).get(product_id)
    if product is None:
        raise unknown_products([product_id])
    if product.kind not in ("PASS", "SERVICE"):
        raise Refused(WrongState(WrongStateReason.NOT_A_SERVICE))
    return product


async def _timezone(db: Database, tenant: UUID, store_id: UUID) -> str:
    async with db.read(tenant) as session:
        [store] = await identity.stores_by_id(session, tenant, [store_id])
    return store.timezone


def _last_day(today: date, expires_on: date | None) -> date:
    if expires_on is None:
        return today + timedelta(days=VALID_DAYS)
    if not today <= expires_on <= today + timedelta(days=LONGEST_DAYS):
        raise Malformed(
            "expiresOn",
            "有效期须从今天起，最长十年",
            "The expiry date lies between today and ten years from now.",
        )
    return expires_on


def pass_movement(row: Pass, key: UUID, actor: UUID, kind: Kind, lines: Sequence[Line]) -> Draft:
    """The draft of a movement of the pass, in the store of its last line."""
    store = lines[-1].target.store if lines else row.store_id
    channel = row.channel if kind in (Kind.PASS_SALE, Kind.PASS_HOLD) else None
    return movement_of(row.id, kind, store, key, actor, lines, channel=channel)


async def get_pass(db: Database, tenant: UUID, pass_id: UUID) -> Pass:
    """The pass. Raises Refused(UnknownPass)."""
    async with db.read(tenant) as session:
        passes = await rows.passes_by_id(session, tenant, [pass_id])
    if not passes:
        raise Refused(UnknownPass(str(pass_id)))
    return passes[0]


async def lock_pass(unit: Unit, pass_id: UUID) -> Pass:
    """The pass, its row locked until the unit ends."""
    row = await rows.locked_pass(unit, pass_id)
    assert row is not None, "no pass is ever deleted"
    return row


async def refund_pass(
    db: Database,
    viewer: Viewer,
    key: UUID,
    pass_id: UUID,
    reason: str | None,
    zone: str | None = None,
) -> Pass:
    """Ends a pass on request; goods taken ahead and never used come back: into `zone`, or where
    they were taken from.

    Raises Refused: UnknownPass, WrongState when it is used up, refunded or expired; Malformed for
    a zone that the store does not have.
    """
    row = await get_pass(db, viewer.tenant, pass_id)
    if not access.within(viewer, Can.REFUND_PASS, [row.store_id]):
        raise Refused(UnknownPass(str(pass_id)))
    reason = clean(reason, "reason", 200)
    zone = await check_zone(db, viewer.tenant, row.store_id, zone)
    request = "refundPass", pass_id, reason, *([zone] if zone else [])
    return await _end(db, row, "REFUNDED", viewer.actor, viewer.claimant, key, request, zone)


async def expire(db: Database, tenant: UUID) -> None:
    """Ends the passes whose last day is past; run twice or at once, each ends once."""
    async with db.read(tenant) as session:
        expired = await rows.expired_passes(session, tenant, clock())
    for pass_id in expired:
        await expire_pass(db, tenant, pass_id)


async def expire_pass(db: Database, tenant: UUID, pass_id: UUID) -> None:
    """Ends one pass, unless it was used up or refunded in between."""
    row = await get_pass(db, tenant, pass_id)
    # A reversed redemption makes an expired pass active: it ends once more, with one use less.
    key = uuid5(pass_id, f"expire {row.used}")
    with contextlib.suppress(Refused):
        await _end(db, row, "EXPIRED", SYSTEM_ACTOR, SYSTEM_ACTOR, key, ("expirePass", pass_id))


async def _end(
    db: Database,
    row: Pass,
    state: str,
    actor: UUID,
    claimant: UUID,
    key: UUID,
    request: tuple[Any, ...],
    zone: str | None = None,
) -> Pass:
    async with db.unit(row.tenant_id) as unit:
        earlier = await claim(unit, claimant, key, row.id, *request)
        row = await lock_pass(unit, row.id)
        if earlier is not None:
            return row
        if row.state != "ACTIVE":
            raise Refused(WrongState(WrongStateReason[row.state]))
        lines = await unused_lines(unit, row, zone)
        await post_movement(unit, pass_movement(row, key, actor, Kind.PASS_RELEASE, lines))
        row.state, row.ahead, row.ended_at = state, False, unit.now
        if row.order_id is not None:
            # The state of its order follows from it.
            unit.document_changed(row.store_id, row.order_id)
    return row
