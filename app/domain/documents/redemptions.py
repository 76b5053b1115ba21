"""Redemptions: uses of a pass, or of a service that is paid for at the counter.

Every redemption of a pass holds the lock of its row, so that each use is redeemed once.
"""

from collections.abc import Sequence
from decimal import Decimal
from uuid import UUID, uuid5

from uuid_utils.compat import uuid7

from app.db import passes as rows
from app.db import recipes as recipe_rows
from app.db.core.unit import Database, Unit, clock
from app.db.levels import open_levels
from app.db.tables import Movement, Pass, Redemption
from app.domain import access
from app.domain.access import Can, Viewer
from app.domain.catalog.cookbook import NO_WISH, Taken, Wish, made_to_order
from app.domain.claims import claim, fingerprint_of
from app.domain.documents.pass_consumption import redemption_lines
from app.domain.documents.passes import check_uses, get_pass, lock_pass, pass_movement, read_prepaid
from app.domain.errors import NotEnoughUses, Refused, WrongState, WrongStateReason
from app.domain.ledger.channel_limits import COUNTER
from app.domain.ledger.documents import open_levels_for, post_movement
from app.domain.ledger.draft import Draft, Line, Place, in_zone
from app.domain.ledger.reservations import retry_while_short
from app.domain.movements.zones import check_zone
from app.domain.rules.kinds import Kind
from app.domain.rules.recipes import Need


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
    row = await get_pass(db, viewer.tenant, pass_id)
    takes = await _components(db, viewer.tenant, row)
    await _open(db, row, store_id, takes)
    zone = await check_zone(db, viewer.tenant, store_id, zone)
    request = _request(pass_id, store_id, uses, wish, zone)

    async def once() -> Redemption:
        async with db.unit(viewer.tenant) as unit:
            id = uuid7()
            if earlier := await claim(unit, viewer.claimant, key, id, *request):
                return (await rows.redemptions_by_id(unit.session, unit.tenant, [earlier]))[0]
            row = await lock_pass(unit, pass_id)
            await _check_usable(unit, row, uses)
            lines = await redemption_lines(unit, row, store_id, takes, uses, wish, zone)
            draft = pass_movement(row, key, viewer.actor, Kind.REDEMPTION, lines)
            ahead, row.ahead, row.used = row.ahead, False, row.used + uses
            if row.used == row.uses:
                row.state, row.ended_at = "USED", unit.now
            movement = await post_movement(unit, draft)
            assert movement is not None
            what = row.product_id, store_id, uses, movement
            return _redemption(unit, id, *what, pass_id=pass_id, ahead=ahead)

    return await retry_while_short(db, viewer.tenant, store_id, once)


def _request(
    subject: UUID, store_id: UUID, uses: int, wish: Wish, zone: str | None
) -> tuple[object, ...]:
    """What the key of a redemption of this pass or service is claimed for."""
    # Without a zone it is the same request as that of a client that knows none.
    return "redeem", subject, store_id, uses, *wish.printed(), *([zone] if zone else [])


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
    service = await read_prepaid(db, viewer.tenant, product_id)
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
    request = _request(product_id, store_id, uses, wish, zone)

    async def once() -> Redemption:
        async with db.unit(viewer.tenant) as unit:
            id = uuid7()
            if earlier := await claim(unit, viewer.claimant, key, id, *request):
                return (await rows.redemptions_by_id(unit.session, unit.tenant, [earlier]))[0]
            movement = await post_movement(unit, draft)
            assert movement is not None
            return _redemption(unit, id, product_id, store_id, uses, movement)

    return await retry_while_short(db, viewer.tenant, store_id, once)


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
    row = await lock_pass(unit, redemption.pass_id)
    if row.state == "REFUNDED":
        raise Refused(WrongState(WrongStateReason.REFUNDED))
    row.used -= redemption.uses
    row.state, row.ended_at = "ACTIVE", None
    row.ahead = row.ahead or redemption.ahead


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
