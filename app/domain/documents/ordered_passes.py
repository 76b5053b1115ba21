"""Passes in orders: their first goods are reserved with the order, and the payment issues them.

A line's quantity is the number of uses. While the order waits for its payment it reserves what
the sale of the pass takes ahead; the payment releases it, and the pass takes it. Both happen under
the lock of the order, so each use is deducted once.
"""

from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from uuid import UUID, uuid5

from uuid_utils.compat import uuid7

from app.db import catalog, customers, identity, reservations
from app.db import orders as order_rows
from app.db import passes as rows
from app.db import recipes as recipe_rows
from app.db.core.unit import Database, Unit
from app.db.tables import Order, OrderLine, Pass, Store
from app.domain.access import Viewer
from app.domain.catalog.cookbook import Cookbook, KnownProduct, Taken, is_prepaid
from app.domain.documents.pass_consumption import pass_consumption, unused_lines
from app.domain.documents.passes import VALID_DAYS, check_uses
from app.domain.errors import Refused, ReturnExceedsSale, WrongState, WrongStateReason
from app.domain.ledger.documents import movement_of
from app.domain.ledger.draft import Draft, Line, Place
from app.domain.ledger.reservations import move_line
from app.domain.movements.lines import ResolvedLine
from app.domain.people import contacts
from app.domain.rules.days import day_start, store_day
from app.domain.rules.fefo import pick
from app.domain.rules.kinds import Kind
from app.domain.rules.recipes import Need
from app.domain.rules.units import to_base


async def prepaid_products(
    cookbook: Cookbook, tenant: UUID, channel: str, products: Collection[UUID]
) -> dict[UUID, KnownProduct]:
    """Those of the products that an order through the channel sells as passes."""
    known = await cookbook.of(tenant, products)
    return {id: each for id, each in known.items() if is_prepaid(each, channel)}


def check_prepaid(
    viewer: Viewer,
    external: bool,
    prepaid: Mapping[UUID, KnownProduct],
    lines: Sequence[ResolvedLine],
) -> None:
    """Check that passes may be ordered: a pass belongs to a customer.

    Raises Refused(WrongState): SIGN_IN_FIRST for guests, and for orders of platforms the reason
    that a counter sale of the product has. Raises Malformed for a number of uses out of range.
    """
    if not prepaid:
        return
    if viewer.is_guest:
        raise Refused(WrongState(WrongStateReason.SIGN_IN_FIRST))
    if external:
        passes = any(each.kind == "PASS" for each in prepaid.values())
        reason = WrongStateReason.PASS if passes else WrongStateReason.REDEEMED_LATER
        raise Refused(WrongState(reason))
    for line in lines:
        if line.product_id in prepaid:
            check_uses(int(line.quantity))


async def issue(
    unit: Unit, db: Database, viewer: Viewer, order: Order, again: Draft | None
) -> list[Draft]:
    """Write the passes of an order that is paid; the movements by which they take over what the
    order reserves for them. `again` is the movement that has just reserved it anew, by the recipes
    in force."""
    recipes: Mapping[UUID, UUID | None] = again.recipes if again else {}
    ordered = await order_rows.lines_of(unit.session, unit.tenant, [order.id])
    sold = await _prepaid_lines(unit, order, ordered, recipes)
    if not sold:
        return []
    [store] = await identity.stores_by_id(unit.session, unit.tenant, [order.store_id])
    contact = contacts.contact_of(db.vault, order)
    buyer = await customers.customer_by_id(unit.session, unit.tenant, order.placed_by)
    takeovers: list[Draft] = []
    for line, service in sold:
        row = _pass(unit, viewer, order, line, service, store)
        row.customer_id = buyer and buyer.id
        if contact is not None:
            sealed = contacts.seal(db.vault, unit.tenant, row.id, contact)
            row.sealed_contact, row.contact_index = sealed.sealed_contact, sealed.contact_index
        unit.session.add(row)
        kind, lines = pass_consumption(row, service)
        where = kind, row.store_id, uuid5(row.id, "issue"), viewer.actor
        draft = movement_of(row.id, *where, lines, channel=row.channel)
        until = day_start(row.expires_on, store.timezone)
        takeovers.append(replace(draft, promised=True, lasts_until=until))
    await unit.session.flush()
    goods = [line for line in ordered if line.line not in {each.line for each, _ in sold}]
    return [await _released(unit, order, viewer, goods, takeovers), *takeovers]


def _pass(
    unit: Unit,
    viewer: Viewer,
    order: Order,
    line: OrderLine,
    service: KnownProduct,
    store: Store,
) -> Pass:
    today = store_day(unit.now, store.timezone)
    return Pass(
        tenant_id=unit.tenant,
        id=uuid7(),
        product_id=line.product_id,
        store_id=order.store_id,
        channel=order.channel,
        consume_on=service.consume_on or "REDEEM",
        recipe_id=service.recipe_id,
        uses=line.quantity // line.scale,
        used=0,
        ahead=service.consume_on == "FIRST_USE_ON_SALE",
        state="ACTIVE",
        expires_on=today + timedelta(days=VALID_DAYS),
        sold_by=viewer.actor,
        sold_at=unit.now,
        order_id=order.id,
        order_line=line.line,
    )


async def _prepaid_lines(
    unit: Unit, order: Order, ordered: Sequence[OrderLine], recipes: Mapping[UUID, UUID | None]
) -> list[tuple[OrderLine, KnownProduct]]:
    """The lines that are sold as passes, with one use by the recipe that the order reserved for."""
    ids = {line.product_id for line in ordered}
    kinds = {
        row.id: row.kind
        for row in await catalog.products_by_id(unit.session, unit.tenant, ids)
        if row.kind in ("PASS", "SERVICE")
    }
    if not kinds:
        return []
    by_line = {
        line.line: recipes.get(line.product_id, line.recipe_id)
        for line in ordered
        if line.product_id in kinds
    }
    used = [recipe for recipe in set(by_line.values()) if recipe is not None]
    modes = {
        row.id: row.consume_on
        for row in await recipe_rows.recipes_by_id(unit.session, unit.tenant, used)
    }
    takes: dict[UUID, list[Taken]] = defaultdict(list)
    for need, scale in await recipe_rows.needs_of(unit.session, unit.tenant, used):
        takes[need.recipe_id].append(
            Taken(Need(need.product_id, need.quantity, need.optional), scale)
        )
    sold: list[tuple[OrderLine, KnownProduct]] = []
    for line in ordered:
        if line.line not in by_line:
            continue
        recipe = by_line[line.line]
        mode = modes.get(recipe) if recipe else None
        service = KnownProduct(
            kinds[line.product_id], recipe, mode, tuple(takes[recipe] if recipe else ())
        )
        if is_prepaid(service, order.channel):
            sold.append((line, service))
    return sold


async def _released(
    unit: Unit,
    order: Order,
    viewer: Viewer,
    goods: Sequence[OrderLine],
    takeovers: Sequence[Draft],
) -> Draft:
    """The movement that gives up what the order reserves for its passes, and keeps its goods."""
    held = await reservations.held(unit, [order.id])
    kept = Counter[UUID]()
    for line in goods:
        kept[line.product_id] += line.quantity
    shelf, reserved = Place(order.store_id, "shelf"), Place(order.store_id, "reserved")
    lines: list[Line] = []
    for product in dict.fromkeys(each.product_id for each in held):
        batches = [(each, each.quantity) for each in held if each.product_id == product]
        free = sum(quantity for _, quantity in batches) - kept[product]
        scale = batches[0][0].scale
        taken = sum(
            to_base(line.quantity, scale) or 0
            for draft in takeovers
            for line in draft.lines
            if line.product == product
        )
        for each, quantity in pick(batches, min(free, taken)):
            lines.append(move_line(each, quantity, reserved, shelf))
    where = Kind.ORDER_RELEASE, order.store_id, uuid5(order.id, "passes"), viewer.actor
    return movement_of(order.id, *where, lines, channel=order.channel)


async def refund(unit: Unit, order: Order, viewer: Viewer) -> list[Draft]:
    """End the passes of an order that is cancelled; the movements that put back what they took
    ahead. Raises Refused(WrongState) when one of them is used up."""
    passes = await rows.locked_passes_of(unit, order.id)
    if any(row.state == "USED" for row in passes):
        raise Refused(WrongState(WrongStateReason.USED))
    return [await _ended(unit, row, viewer) for row in passes if row.state == "ACTIVE"]


async def refund_uses(
    unit: Unit, order: Order, viewer: Viewer, uses: Mapping[UUID, int]
) -> list[Draft]:
    """End the passes of an order that the customer brings back; the movements that put back what
    they took ahead.

    `uses` are those that are left, by product: a pass comes back whole. Raises Refused:
    WrongState, its own state or WHOLE_PASS; ReturnExceedsSale for more uses than are left.
    """
    passes = await rows.locked_passes_of(unit, order.id)
    chosen: list[Pass] = []
    for product, requested in uses.items():
        chosen += _whole([row for row in passes if row.product_id == product], requested)
    return [await _ended(unit, row, viewer) for row in chosen]


def _whole(passes: Sequence[Pass], requested: int) -> list[Pass]:
    """The active ones of these passes of a product that have as many uses left. Raises Refused."""
    active = [row for row in passes if row.state == "ACTIVE"]
    if not active:
        raise Refused(WrongState(WrongStateReason[passes[-1].state]))
    sold, left = (sum(row.uses for row in passes), sum(row.uses - row.used for row in active))
    if requested > left:
        raise Refused(ReturnExceedsSale(passes[0].product_id, sold, sold - left, requested, 1))
    chosen: list[Pass] = []
    for row in sorted(active, key=lambda row: row.uses - row.used, reverse=True):
        if row.uses - row.used <= requested:
            chosen.append(row)
            requested -= row.uses - row.used
    if requested:
        raise Refused(WrongState(WrongStateReason.WHOLE_PASS))
    return chosen


async def _ended(unit: Unit, row: Pass, viewer: Viewer) -> Draft:
    """Marks a pass as refunded; the movement that puts back what it took ahead."""
    lines = await unused_lines(unit, row)
    row.state, row.ahead, row.ended_at = "REFUNDED", False, unit.now
    where = Kind.PASS_RELEASE, row.store_id, uuid5(row.id, "refund"), viewer.actor
    return movement_of(row.id, *where, lines)
