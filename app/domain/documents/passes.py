"""Passes: prepaid services, sold once and redeemed use by use.

The recipe's `consume_on` says when goods leave the shelf. Goods taken ahead of their use come
back, or are used, exactly once: every change of a pass holds the lock of its row.
"""

import contextlib
from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid5

from uuid_utils.compat import uuid7

from app.db import identity
from app.db import passes as rows
from app.db import recipes as recipe_rows
from app.db.core.unit import Database, Unit, clock
from app.db.levels import open_levels
from app.db.tables import Movement, Pass, Redemption
from app.domain import access
from app.domain.access import Can, Viewer
from app.domain.catalog.cookbook import (
    NO_WISH,
    KnownProduct,
    Taken,
    Wish,
    known_products,
    made_to_order,
)
from app.domain.claims import claim, fingerprint_of
from app.domain.documents.pass_consumption import (
    pass_consumption,
    redemption_lines,
    unused_lines,
)
from app.domain.errors import (
    Malformed,
    NotEnoughUses,
    Refused,
    UnknownPass,
    WrongState,
    WrongStateReason,
    unknown_products,
)
from app.domain.ledger.channel_limits import COUNTER
from app.domain.ledger.documents import movement_of, open_levels_for, post_movement
from app.domain.ledger.draft import SYSTEM_ACTOR, Draft, Line, Place, in_zone
from app.domain.ledger.reservations import retry_while_short
from app.domain.movements.zones import check_zone
from app.domain.people import contacts
from app.domain.rules.days import day_start, store_day
from app.domain.rules.kinds import Kind
from app.domain.rules.recipes import Need
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
) -> Pass:
    """A pass for these uses of a pass product or a service; the sale takes ahead what the recipe
    says. What it reserves is kept until the pass ends.

    It can be redeemed until `expires_on`, a year from today by default. Raises Refused:
    UnknownStore, UnknownProduct, OutOfStock, WrongState for what is no service.
    """
    access.at(viewer, Can.SELL, store_id)
    customer = clean(customer, "customer", 100, required=True)
    check_uses(uses)
    service = await _read_prepaid(db, viewer.tenant, product_id)
    zone = await _timezone(db, viewer.tenant, store_id)
    last_day = _last_day(store_day(clock(), zone), expires_on)
    id = uuid7()
    sent = contacts.printed(db.vault, viewer.tenant, customer)
    request = ("sellPass", store_id, product_id, sent, uses, channel, expires_on)

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
        first = _movement(row, key, viewer.actor, *pass_consumption(row, service))
        # What is reserved for the last use has to last until the pass ends.
        first = replace(first, lasts_until=day_start(last_day, zone))
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


async def _read_prepaid(db: Database, tenant: UUID, product_id: UUID) -> KnownProduct:
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


def _movement(row: Pass, key: UUID, actor: UUID, kind: Kind, lines: Sequence[Line]) -> Draft:
    store = lines[-1].target.store if lines else row.store_id
    channel = row.channel if kind in (Kind.PASS_SALE, Kind.PASS_HOLD) else None
    return movement_of(row.id, kind, store, key, actor, lines, channel=channel)


async def redeem_pass(
    db: Database,
    viewer: Viewer,
    key: UUID,
    store_id: UUID,
    pass_id: UUID,
    uses: int,
    wish: Wish = NO_WISH,
    zone: str | None = None,
) -> Redemption:
    """Redeems uses of a pass in a store; what they take leaves that store's shelf, once.

    Goods that the selling store took ahead are used, or come back when the pass is redeemed in
    another store. Raises Refused: UnknownStore, UnknownPass, NotEnoughUses, OutOfStock, WrongState
    when the pass is used up, refunded or expired.
    """
    access.at(viewer, Can.REDEEM, store_id)
    check_uses(uses)
    row = await _get_pass(db, viewer.tenant, pass_id)
    takes = await _components(db, viewer.tenant, row)
    await _open(db, row, store_id, takes)
    zone = await check_zone(db, viewer.tenant, store_id, zone)
    request = ("redeem", pass_id, store_id, uses, *wish.printed(), *([zone] if zone else []))

    async def once() -> Redemption:
        async with db.unit(viewer.tenant) as unit:
            id = uuid7()
            if earlier := await claim(unit, viewer.claimant, key, id, *request):
                return (await rows.redemptions_by_id(unit.session, unit.tenant, [earlier]))[0]
            row = await _locked(unit, pass_id)
            await _check_usable(unit, row, uses)
            lines = await redemption_lines(unit, row, store_id, takes, uses, wish, zone)
            draft = _movement(row, key, viewer.actor, Kind.REDEMPTION, lines)
            ahead, row.ahead, row.used = row.ahead, False, row.used + uses
            if row.used == row.uses:
                row.state, row.ended_at = "USED", unit.now
            movement = await post_movement(unit, draft)
            assert movement is not None
            what = row.product_id, store_id, uses, movement
            return _redemption(unit, id, *what, pass_id=pass_id, ahead=ahead)

    return await retry_while_short(db, viewer.tenant, store_id, once)


def _redemption(
    unit: Unit,
    id: UUID,
    product_id: UUID,
    store_id: UUID,
    uses: int,
    movement: Movement,
    *,
    pass_id: UUID | None = None,
    ahead: bool = False,
) -> Redemption:
    redemption = Redemption(
        tenant_id=unit.tenant,
        id=id,
        pass_id=pass_id,
        product_id=product_id,
        store_id=store_id,
        uses=uses,
        ahead=ahead,
        movement_id=movement.id,
        redeemed_by=movement.actor_id,
        redeemed_at=unit.now,
    )
    unit.session.add(redemption)
    return redemption


async def _get_pass(db: Database, tenant: UUID, pass_id: UUID) -> Pass:
    """The pass. Raises Refused(UnknownPass)."""
    async with db.read(tenant) as session:
        passes = await rows.passes_by_id(session, tenant, [pass_id])
    if not passes:
        raise Refused(UnknownPass(str(pass_id)))
    return passes[0]


async def _components(db: Database, tenant: UUID, row: Pass) -> list[Taken]:
    """The components of one use, by the recipe that the pass was sold with."""
    if row.recipe_id is None:
        return []
    async with db.read(tenant) as session:
        needs = await recipe_rows.needs_of(session, tenant, [row.recipe_id])
    return [Taken(Need(n.product_id, n.quantity, n.optional), scale) for n, scale in needs]


async def _open(db: Database, row: Pass, store_id: UUID, takes: Sequence[Taken]) -> None:
    products = {row.product_id, *(need.product for need, _ in takes)}
    pairs = {(store, product) for store in (row.store_id, store_id) for product in products}
    async with db.unit(row.tenant_id) as unit:
        await open_levels(unit, pairs)


async def _locked(unit: Unit, pass_id: UUID) -> Pass:
    row = await rows.locked_pass(unit, pass_id)
    assert row is not None, "no pass is ever deleted"
    return row


async def _check_usable(unit: Unit, row: Pass, uses: int) -> None:
    if row.state == "ACTIVE" and await rows.is_expired(unit, row):
        raise Refused(WrongState(WrongStateReason.EXPIRED))
    if row.state != "ACTIVE":
        raise Refused(WrongState(WrongStateReason[row.state]))
    if uses > row.uses - row.used:
        raise Refused(NotEnoughUses(row.uses - row.used, uses))


async def undo(unit: Unit, redemption: Redemption) -> None:
    """Marks a redemption as reversed and gives its uses back to its pass.

    An expired pass ends again with the next run of the job. Raises Refused(WrongState) for what
    was reversed before, and for a pass that was refunded: its price was paid back by the uses that
    were left.
    """
    if redemption.reversed_at is not None:
        raise Refused(WrongState(WrongStateReason.REVERSED))
    redemption.reversed_at = unit.now
    if redemption.pass_id is None:
        return
    row = await _locked(unit, redemption.pass_id)
    if row.state == "REFUNDED":
        raise Refused(WrongState(WrongStateReason.REFUNDED))
    row.used -= redemption.uses
    row.state, row.ended_at = "ACTIVE", None
    row.ahead = row.ahead or redemption.ahead


async def refund_pass(
    db: Database, viewer: Viewer, key: UUID, pass_id: UUID, reason: str | None
) -> Pass:
    """Ends a pass on request; goods taken ahead and never used come back.

    Raises Refused: UnknownPass, WrongState when it is used up, refunded or expired.
    """
    row = await _get_pass(db, viewer.tenant, pass_id)
    if not access.within(viewer, Can.REFUND_PASS, [row.store_id]):
        raise Refused(UnknownPass(str(pass_id)))
    reason = clean(reason, "reason", 200)
    return await _end(
        db, row, "REFUNDED", viewer.actor, viewer.claimant, key, ("refundPass", pass_id, reason)
    )


async def expire(db: Database, tenant: UUID) -> None:
    """Ends the passes whose last day is past; run twice or at once, each ends once."""
    async with db.read(tenant) as session:
        expired = await rows.expired_passes(session, tenant, clock())
    for pass_id in expired:
        await expire_pass(db, tenant, pass_id)


async def expire_pass(db: Database, tenant: UUID, pass_id: UUID) -> None:
    """Ends one pass, unless it was used up or refunded in between."""
    row = await _get_pass(db, tenant, pass_id)
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
) -> Pass:
    async with db.unit(row.tenant_id) as unit:
        earlier = await claim(unit, claimant, key, row.id, *request)
        row = await _locked(unit, row.id)
        if earlier is not None:
            return row
        if row.state != "ACTIVE":
            raise Refused(WrongState(WrongStateReason[row.state]))
        lines = await unused_lines(unit, row)
        await post_movement(unit, _movement(row, key, actor, Kind.PASS_RELEASE, lines))
        row.state, row.ahead, row.ended_at = state, False, unit.now
        if row.order_id is not None:
            # The state of its order follows from it.
            unit.document_changed(row.store_id, row.order_id)
    return row


async def redeem_paid(
    db: Database,
    viewer: Viewer,
    key: UUID,
    store_id: UUID,
    product_id: UUID,
    uses: int,
    wish: Wish = NO_WISH,
    zone: str | None = None,
) -> Redemption:
    """Redeems a service that is paid for at the counter: a sale, with what it takes.

    Raises Refused: UnknownStore, UnknownProduct, OutOfStock, WrongState for what is no service.
    """
    access.at(viewer, Can.REDEEM, store_id)
    check_uses(uses)
    service = await _read_prepaid(db, viewer.tenant, product_id)
    if service.kind == "PASS":
        raise Refused(WrongState(WrongStateReason.PASS))
    zone = await check_zone(db, viewer.tenant, store_id, zone)
    shelf, customer = Place(store_id, "shelf"), Place(store_id, "customer")
    line = Line(product_id, Decimal(uses), shelf, customer)
    draft = Draft(
        kind=Kind.SALE,
        store=store_id,
        actor=viewer.actor,
        key=uuid5(key, Kind.SALE.name),
        lines=tuple(in_zone(made_to_order(line, service, wish), zone)),
        fingerprint=fingerprint_of("redeem", key),
        occurred_at=clock(),
        channel=COUNTER,
    )
    await open_levels_for(db, viewer.tenant, draft)
    request = ("redeem", product_id, store_id, uses, *wish.printed(), *([zone] if zone else []))

    async def once() -> Redemption:
        async with db.unit(viewer.tenant) as unit:
            id = uuid7()
            if earlier := await claim(unit, viewer.claimant, key, id, *request):
                return (await rows.redemptions_by_id(unit.session, unit.tenant, [earlier]))[0]
            movement = await post_movement(unit, draft)
            assert movement is not None
            return _redemption(unit, id, product_id, store_id, uses, movement)

    return await retry_while_short(db, viewer.tenant, store_id, once)
