"""Orders: written with the movement that reserves their goods, changed under their own lock."""

from collections import Counter
from collections.abc import Collection, Sequence
from datetime import datetime
from hashlib import sha256
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import (
    DateTime,
    Text,
    Uuid,
    and_,
    bindparam,
    column,
    func,
    insert,
    literal_column,
    or_,
    select,
    true,
)

from app.db.assortment import listed
from app.db.core.paging import Span
from app.db.core.snapshot import AnySession
from app.db.core.statement import Statement, among, arrays, rows, rows_of
from app.db.core.table import row_class
from app.db.core.unit import Database, Unit
from app.db.days import store_day
from app.db.markdowns import next_batches
from app.db.returns import FULFILLED, RETURNED, in_return_state
from app.db.tables import Level, Movement, Order, OrderLine, Product, Store
from app.db.updates import is_kept, orders_since

TENANT = bindparam("tenant", type_=Uuid())
ORDERS, L = Order.__table__.c, OrderLine.__table__.c
GUEST = UUID(int=1)
"""The actor of guests. Not the jobs' actor: a guest could guess the keys of jobs (I5)."""


class PlacedLine(NamedTuple):
    """One line of an order, in base units; money in fen, None when it has no price."""

    product_id: UUID
    quantity: int
    scale: int
    price: int | None
    discount: int | None
    amount: int | None
    recipe_id: UUID | None


class PlacedOrder(NamedTuple):
    """An order as it is placed."""

    id: UUID
    store_id: UUID
    channel: str
    sealed_contact: bytes
    contact_index: bytes
    address_index: bytes | None
    note: str | None
    external_id: str | None
    total: int | None
    pickup_at: datetime | None
    expires_at: datetime
    placed_by: UUID
    lines: tuple[PlacedLine, ...]


ORDER = list(PlacedOrder._fields[:-1])
LINE = ["order_id", "line", *PlacedLine._fields]


def _writing() -> Statement:
    placed = rows("placed", *(ORDERS[name] for name in ORDER))
    orders = (
        insert(Order)
        .from_select(["tenant_id", *ORDER], select(TENANT, *(placed.c[name] for name in ORDER)))
        .cte("ordered")
    )
    placed_lines = rows("placed_lines", *(L[name] for name in LINE))
    lines = (
        insert(OrderLine)
        .from_select(["tenant_id", *LINE], select(TENANT, *(placed_lines.c[name] for name in LINE)))
        .cte("lined")
    )
    return Statement(select(func.now()).add_cte(orders, lines))


WRITE = _writing()


async def write(unit: Unit, placed: Sequence[PlacedOrder]) -> None:
    """Write orders in the transaction that reserves their goods."""
    lines = [
        (order.id, number, *line) for order in placed for number, line in enumerate(order.lines, 1)
    ]
    await WRITE.fetch(
        unit.raw,
        tenant=unit.tenant,
        **arrays("placed", ORDER, [order[:-1] for order in placed]),
        **arrays("placed_lines", LINE, lines),
    )


def order_row(tenant: UUID, order: PlacedOrder, placed_at: datetime) -> Order:
    """The row of an order that was just written; it belongs to no session."""
    columns = dict(zip(ORDER, order[:-1], strict=True))
    row = {**columns, "tenant_id": tenant, "state": "HELD", "placed_at": placed_at}
    return row_class(Order)(extended=False, **row)


class Guest(NamedTuple):
    """A customer of one store. `column` says by what they are known: the blind index of their
    contact or of their address, or their account."""

    column: str
    store_id: UUID
    blind_index: bytes

    @property
    def key(self) -> bytes | UUID:
        """The value of the column."""
        return UUID(bytes=self.blind_index) if self.column == "placed_by" else self.blind_index


def _counting(column: str) -> Statement:
    indexed = ORDERS[column]
    guests = rows("guests", ORDERS.store_id, indexed)
    guest = ORDERS.placed_by == literal_column(f"'{GUEST}'")
    theirs = true() if column == "placed_by" else guest
    open_ = and_(theirs, ORDERS.store_id == guests.c.store_id, ORDERS.expires_at > func.now())
    # Unpaid and not ended means HELD. Written this way, only the index of this column fits; with
    # `state = 'HELD'` a plan made for an empty table would read all held orders.
    count = (
        select(func.count().filter(open_))
        .where(ORDERS.tenant_id == TENANT, indexed == guests.c[column])
        .where(ORDERS.paid_at.is_(None), ORDERS.ended_at.is_(None))
        .correlate(guests)
        .scalar_subquery()
    )
    return Statement(select(*guests.c, count).select_from(guests))


LOCK_GUESTS = "SELECT pg_advisory_xact_lock(key) FROM unnest($1::bigint[]) AS key"
OPEN_OF_GUESTS = {
    column: _counting(column) for column in ("contact_index", "address_index", "placed_by")
}


async def lock_guests(unit: Unit, guests: Sequence[Guest]) -> None:
    """Lock these guests until the unit ends, so that no other unit places an order of theirs."""
    keys = sorted(
        int.from_bytes(sha256(unit.tenant.bytes + store.bytes + index).digest()[:8], signed=True)
        for _, store, index in guests
    )
    await unit.raw.execute(LOCK_GUESTS, keys)


async def open_of_guests(unit: Unit, guests: Sequence[Guest]) -> Counter[Guest]:
    """How many unpaid orders that are not overdue each of them has."""
    unpaid: Counter[Guest] = Counter()
    for name, counting in OPEN_OF_GUESTS.items():
        mine = [guest for guest in guests if guest.column == name]
        if not mine:
            continue
        keys = [(guest.store_id, guest.key) for guest in mine]
        parameters = arrays("guests", ["store_id", name], keys)
        counts = await counting.fetch(unit.raw, tenant=unit.tenant, **parameters)
        by_key = {(store, key): count for store, key, count in counts}
        unpaid.update({guest: by_key[guest.store_id, guest.key] for guest in mine})
    return unpaid


class PricedProduct(NamedTuple):
    """A product that can be ordered. `price` is in fen. `hold_minutes` is how long the store holds
    it for an unpaid order; `guest_share` is the percentage of the stock that all guests together
    may hold. `listed` is whether the store lists it in the channel of the order."""

    id: UUID
    unit: str
    scale: int
    price: int | None
    hold_minutes: int
    guest_share: int
    listed: bool
    shelves: Sequence[int] | None
    percents: Sequence[int] | None

    @property
    def markdowns(self) -> list[tuple[int, int]]:
        """The batches that are sold next: base units on the shelf, and percent off the price."""
        return list(zip(self.shelves or (), self.percents or (), strict=True))


Ordered = tuple[UUID, UUID, str, datetime | None]
"""A store, a product, the channel of the order, and its time of pick-up."""


async def priced(
    db: Database,
    tenant: UUID,
    store: UUID,
    channel: str,
    products: Collection[UUID],
    pickup_at: datetime | None = None,
) -> dict[UUID, PricedProduct]:
    """The products with their present prices; unknown and archived ones are left out."""
    ordered = {(store, product, channel, pickup_at) for product in products}
    prices = await db.coalesce(_priced, tenant, ordered)
    return {price.id: price for key in ordered if (price := prices.get(key))}


def _pricing() -> Statement:
    S, P, L = Store.__table__.c, Product.__table__.c, Level.__table__.c
    pickup = column("pickup_at", DateTime(timezone=True))
    keys = rows("ordered", L.store_id, L.product_id, column("channel", Text()), pickup)
    tenant = bindparam("tenant", type_=Uuid())
    known = and_(P.tenant_id == tenant, P.id == keys.c.product_id, P.archived_at.is_(None))
    here = and_(
        L.tenant_id == tenant, L.store_id == keys.c.store_id, L.product_id == keys.c.product_id
    )
    # Batches that expire before the goods are handed over are not reserved.
    hold = func.now() + S.hold_minutes * literal_column("interval '1 minute'")
    day = store_day(S.timezone, func.coalesce(keys.c.pickup_at, hold))
    batches = next_batches(tenant, keys.c.store_id, P.id, day)
    return Statement(
        select(keys.c.store_id, keys.c.channel, keys.c.pickup_at)
        .add_columns(P.id, P.unit, P.scale, P.price, S.hold_minutes, S.guest_share)
        .add_columns(listed(keys.c.store_id, keys.c.channel), *batches.c)
        .select_from(keys)
        .join(Store.__table__, and_(S.tenant_id == tenant, S.id == keys.c.store_id))
        .join(Product.__table__, known)
        .outerjoin(Level.__table__, here)
        .join(batches, true())
    )


PRICING = _pricing()


async def _priced(
    db: Database, tenant: UUID, ordered: Collection[Ordered]
) -> dict[Ordered, PricedProduct]:
    values = arrays("ordered", ["store_id", "product_id", "channel", "pickup_at"], list(ordered))
    async with db.read_once(tenant, by_keys=True) as session:
        prices = await PRICING.fetch(session, tenant=tenant, **values)
    return {(row[0], row[3], row[1], row[2]): PricedProduct(*row[3:]) for row in prices}


async def orders_by_id(session: AnySession, tenant: UUID, ids: Collection[UUID]) -> Sequence[Order]:
    query = select(Order).where(Order.tenant_id == tenant, among(Order.id, ids))
    return (await session.scalars(query)).all()


P = Product.__table__.c
WITH_PRODUCTS = (
    select(*L, *P)
    .join_from(
        OrderLine.__table__,
        Product.__table__,
        and_(P.tenant_id == L.tenant_id, P.id == L.product_id),
    )
    .where(L.tenant_id == ORDERS.tenant_id, L.order_id == ORDERS.id)
    .order_by(L.line)
    .correlate(Order)
)
IN_FULL = (
    select(Order, Store, and_(FULFILLED, RETURNED), rows_of(WITH_PRODUCTS))
    .join(Store, and_(Store.tenant_id == Order.tenant_id, Store.id == Order.store_id))
    .where(Order.tenant_id == TENANT, Order.id == bindparam("id", type_=Uuid()))
)
LINE_ROW, PRODUCT_ROW = row_class(OrderLine), row_class(Product)


async def order_in_full(session: AnySession, tenant: UUID, id: UUID) -> Order | None:
    """The order; its store, and its lines with their products, are in `joined`."""
    row = (await session.execute(IN_FULL, {"tenant": tenant, "id": id})).first()
    if row is None:
        return None
    order: Any
    order, store, has_returns, records = row
    # Loaders need not look for returns that do not exist.
    nothing: dict[str, Any] = {} if has_returns else {"order_returns": None}
    lines: list[OrderLine] = []
    for record in records:
        line, product = LINE_ROW(*record[: len(L)]), PRODUCT_ROW(*record[len(L) :])
        line.joined = {"product_id": product, **nothing}
        lines.append(line)
    order.joined = {"store_id": store, "order_lines": lines, **nothing}
    return order


async def order_of_shop(
    session: AnySession, tenant: UUID, channel: str, number: str
) -> Order | None:
    """The order with this number at a channel's shop, in any store."""
    mine = Order.tenant_id == tenant, Order.channel == channel, Order.external_id == number
    return await session.scalar(select(Order).where(*mine))


async def locked_order(unit: Unit, id: UUID) -> Order | None:
    query = select(Order).where(Order.tenant_id == unit.tenant, Order.id == id)
    return await unit.session.scalar(query.with_for_update())


async def lines_of(
    session: AnySession, tenant: UUID, orders: Collection[UUID]
) -> Sequence[OrderLine]:
    query = (
        select(OrderLine)
        .where(OrderLine.tenant_id == tenant, among(OrderLine.order_id, orders))
        .order_by(OrderLine.order_id, OrderLine.line)
    )
    return (await session.scalars(query)).all()


async def movements_of(
    session: AnySession, tenant: UUID, documents: Collection[UUID]
) -> Sequence[Movement]:
    """The movements of these documents, the oldest first."""
    query = (
        select(Movement)
        .where(Movement.tenant_id == tenant, among(Movement.document_id, documents))
        .order_by(Movement.document_id, Movement.id)
    )
    return (await session.scalars(query)).all()


HANDED_OVER = ("FULFILLED", "PARTLY_RETURNED", "RETURNED")
"""States of orders that were handed over; the returned goods decide which one an order has."""


class OrderFilter(NamedTuple):
    stores: Collection[UUID]
    state: str | None = None
    channel: str | None = None
    contacts: Collection[bytes] | None = None
    """Blind indexes of one contact, one a key."""
    external_id: str | None = None
    updated_since: datetime | None = None


async def orders(
    session: AnySession, tenant: UUID, filter: OrderFilter, span: Span
) -> Sequence[Order]:
    """A page of orders, the newest first."""
    query = select(Order).where(Order.tenant_id == tenant, among(Order.store_id, filter.stores))
    if filter.state is not None:
        handed = filter.state in HANDED_OVER
        query = query.where(
            in_return_state(filter.state) if handed else Order.state == filter.state
        )
    if filter.channel is not None:
        query = query.where(Order.channel == filter.channel)
    if filter.contacts is not None:
        query = query.where(among(Order.contact_index, filter.contacts))
    if filter.external_id is not None:
        query = query.where(Order.external_id == filter.external_id)
    if filter.updated_since is not None and is_kept(filter.updated_since):
        query = query.where(Order.id.in_(orders_since(tenant, filter.stores, filter.updated_since)))
    return await span.scalars(session, query, Order.id, newest=True)


async def open_orders(
    session: AnySession, tenant: UUID, stores: Collection[UUID], after: UUID | None, limit: int
) -> Sequence[Order]:
    """A page of the orders that are neither handed over nor ended, the oldest first."""
    open_ = or_(Order.state == "HELD", Order.state == "PAID")
    query = select(Order).where(Order.tenant_id == tenant, among(Order.store_id, stores), open_)
    if after is not None:
        query = query.where(Order.id > after)
    return (await session.scalars(query.order_by(Order.id).limit(limit))).all()
