"""Placing orders: what is ordered is reserved at once, all lines or none."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID

from uuid_utils.compat import uuid7

from app.db import orders as rows
from app.db.core.unit import Database, clock
from app.db.core.vault import Vault
from app.db.orders import PlacedLine, PlacedOrder, PricedProduct
from app.db.tables import Order
from app.domain.access import CUSTOMER_CLAIMANT, Viewer
from app.domain.claims import fingerprint_of
from app.domain.documents.customer_shortages import for_customers
from app.domain.documents.ordered_passes import (
    check_prepaid,
    prepaid_products,
)
from app.domain.documents.orders import get_order
from app.domain.errors import (
    GuestLimitReached,
    InvalidQuantity,
    Malformed,
    OutOfStock,
    Refusal,
    Refused,
    unknown_products,
)
from app.domain.ledger import guests
from app.domain.ledger.channel_limits import COUNTER
from app.domain.ledger.draft import Draft
from app.domain.ledger.post import Outcome
from app.domain.movements.horizon import Moment
from app.domain.movements.lines import LineRequest, ResolvedLine, resolve_lines
from app.domain.movements.prices import charged
from app.domain.movements.record import (
    Books,
    MovementHead,
    MovementTerms,
    draft,
    until_current,
)
from app.domain.people import contacts
from app.domain.people.customer_accounts import get_customer, phone_of
from app.domain.rules.kinds import Kind
from app.domain.rules.prices import MOST_AMOUNT, charge_of, marked_down
from app.domain.rules.texts import clean
from app.domain.rules.units import to_base

LONGEST_PICKUP = timedelta(days=30)
AT_COUNTER = (COUNTER, "DELIVERY")
"""Channels whose orders only the shop itself places."""


@dataclass(frozen=True, slots=True)
class OrderRequest:
    """An order to be placed, without its lines.

    A member who gives no contact is called by the phone number of their account.
    """

    key: UUID
    store_id: UUID
    channel: str
    contact: str | None
    pickup_at: datetime | None = None
    note: str | None = None
    external_id: str | None = None


async def place(
    books: Books, viewer: Viewer, request: OrderRequest, requests: Sequence[LineRequest]
) -> Order | Refusal:
    """The order, which holds all of its lines or none; or why it was refused.

    Goods are held until pick-up, or as long as the store's policy says; dishes hold what they
    are made of. Raises Refused as `resolve_lines` and `draft` do, Malformed for a pick-up in the
    past or too far ahead.
    """
    request = await _checked(books.db, viewer, request)
    # The order and its hold use the same lines, even if a pack is changed meanwhile.
    lines = await resolve_lines(books.db, viewer.tenant, request.store_id, requests, "shelf")
    lines = await charged(books.db, viewer, requests, lines)
    drafted, outcome = await until_current(
        books, viewer.tenant, lambda: _draft_order(books, viewer, request, lines)
    )
    if isinstance(outcome, OutOfStock | GuestLimitReached) and viewer.is_customer:
        return await for_customers(books, drafted, outcome, viewer.tenant)
    return await _order_of(books.db, drafted, outcome)


async def _checked(db: Database, viewer: Viewer, request: OrderRequest) -> OrderRequest:
    """The request with its contact and clean texts. Raises Malformed."""
    if viewer.is_customer and request.channel in AT_COUNTER:
        raise Malformed(
            "channel", "顾客只能从微信或抖音下单", "Customers order through WeChat or Douyin."
        )
    now, longest = clock(), guests.LONGEST_PICKUP if viewer.is_customer else LONGEST_PICKUP
    if request.pickup_at is not None and not now < request.pickup_at <= now + longest:
        raise Malformed(
            "pickupAt",
            f"自提时间须在未来 {longest.days} 天内",
            f"The pick-up time is in the future, within {longest.days} days.",
        )
    contact = request.contact
    if contact is None and viewer.is_member:
        contact = phone_of(db.vault, await get_customer(db, viewer))
    return replace(
        request,
        contact=clean(contact or "", "contact", 100, required=True),
        note=clean(request.note, "note", 500, lines=True),
        external_id=clean(request.external_id, "externalId", 100),
    )


async def _draft_order(
    books: Books, viewer: Viewer, request: OrderRequest, resolved: Sequence[ResolvedLine]
) -> Draft:
    """The movement that holds the goods, with the order that is written beside it."""
    head, terms, now = MovementHead(request.key), MovementTerms(request.channel), Moment(clock())
    hold = await draft(books, viewer, Kind.ORDER_HOLD, request.store_id, resolved, head, now, terms)
    products = await _offered(books, viewer, request, resolved)
    lines = tuple(
        _placed_line(products[line.product_id], line, hold.recipes.get(line.product_id))
        for line in resolved
    )
    if viewer.is_customer:
        guests.check_order_size(lines, products)
    of_store = products[lines[0].product_id]
    order = _placed_order(books.db.vault, viewer, request, lines, of_store.hold_minutes)
    contact = contacts.printed(books.db.vault, viewer.tenant, request.contact or "")
    details = [contact, request.pickup_at, request.note, request.external_id]
    return replace(
        hold,
        # A guest may have signed in before the retry.
        claimant=CUSTOMER_CLAIMANT if request.external_id is None else viewer.claimant,
        order=order,
        document_id=order.id,
        fingerprint=fingerprint_of(hold.fingerprint.hex(), *details),
        # What a channel has sold already is not bound by the channel's limits.
        promised=request.external_id is not None,
        lasts_until=order.expires_at,
        guest_share=of_store.guest_share if viewer.is_guest else None,
        of_member=viewer.is_member,
    )


async def _offered(
    books: Books, viewer: Viewer, request: OrderRequest, lines: Sequence[ResolvedLine]
) -> Mapping[UUID, PricedProduct]:
    """The products of these lines as the store sells them.

    Raises Refused: UnknownProduct, WrongState for products that the viewer may not order.
    """
    channel, ids = request.channel, {line.product_id for line in lines}
    prepaid = await prepaid_products(books.cookbook, viewer.tenant, channel, ids)
    check_prepaid(viewer, request.external_id is not None, prepaid, lines)
    what = request.store_id, channel, ids, request.pickup_at
    products = await rows.priced(books.db, viewer.tenant, *what)
    if missing := ids - products.keys():
        raise unknown_products(missing)
    if viewer.is_customer:
        guests.check_offered(products)
    return products


def _placed_order(
    vault: Vault,
    viewer: Viewer,
    request: OrderRequest,
    lines: tuple[PlacedLine, ...],
    hold_minutes: int,
) -> PlacedOrder:
    """The order to write: it holds its goods until the pick-up, else for the store's minutes."""
    id, tenant = uuid7(), viewer.tenant
    address = contacts.address_index(vault, tenant, viewer.address) if viewer.is_guest else None
    amounts = [line.amount for line in lines]
    return PlacedOrder(
        id=id,
        store_id=request.store_id,
        channel=request.channel,
        **contacts.seal(vault, tenant, id, request.contact or "")._asdict(),
        address_index=address,
        note=request.note,
        external_id=request.external_id,
        total=None if None in amounts else sum(amount or 0 for amount in amounts),
        pickup_at=request.pickup_at,
        expires_at=request.pickup_at or clock() + timedelta(minutes=hold_minutes),
        placed_by=viewer.actor,
        lines=lines,
    )


def _placed_line(product: PricedProduct, line: ResolvedLine, recipe: UUID | None) -> PlacedLine:
    """The order's line, in base units. Raises Refused(InvalidQuantity)."""
    base, charge = to_base(line.quantity, product.scale), line.charge
    if charge is None and product.price is not None:
        charge = charge_of(product.price, line.quantity)
        charge = marked_down(charge, base or 0, product.markdowns)
    if base is None or (charge is not None and charge.amount > MOST_AMOUNT):
        raise Refused(InvalidQuantity(product.id, str(line.quantity)))
    return PlacedLine(product.id, base, product.scale, *(charge or (None, None, None)), recipe)


async def _order_of(db: Database, drafted: Draft, outcome: Outcome) -> Order | Refusal:
    """The order that was placed now, or by an earlier request with the same key."""
    if isinstance(outcome, Refusal):
        return outcome
    if outcome.id == drafted.id:
        assert drafted.order is not None
        return rows.order_row(outcome.tenant_id, drafted.order, outcome.recorded_at)
    assert outcome.document_id is not None
    return await get_order(db, outcome.tenant_id, outcome.document_id)
