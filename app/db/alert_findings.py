"""What the alert rules find in a store, read through indexes, and the alerts opened or closed for
it."""

from collections.abc import Collection, Iterable, Sequence
from datetime import date, datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    Text,
    Uuid,
    and_,
    bindparam,
    case,
    func,
    null,
    or_,
    select,
    true,
    update,
)
from sqlalchemy.dialects.postgresql import aggregate_order_by, insert
from uuid_utils.compat import uuid7

from app.db.alerts import SUBJECT
from app.db.core.statement import Statement, among, arrays, rows
from app.db.core.unit import Unit
from app.db.days import first_id
from app.db.rollups import demand
from app.db.tables import (
    Alert,
    BatchLevel,
    Entry,
    Level,
    Need,
    Product,
    PurchaseOrder,
    Store,
    Transfer,
    WriteOff,
)

A = Alert.__table__.c
CLEARED = ("acknowledged_at", "acknowledged_by", "resolved_at", "resolved_by", "snoozed_until")
TENANT = bindparam("tenant", type_=Uuid())
PRODUCTS = bindparam("products", type_=ARRAY(Uuid()))


class Finding(NamedTuple):
    """What a rule finds in a store now: a product, a batch of it, or a document.

    `quantity` and `threshold` are in base units of `scale`; `tier` and `due_on` are as in Alert.
    """

    rule: str
    product_id: UUID | None = None
    batch_id: UUID | None = None
    document_id: UUID | None = None
    cause_id: UUID | None = None
    quantity: int | None = None
    scale: int | None = None
    threshold: int | None = None
    tier: int | None = None
    due_on: date = date.max


class BatchOnShelf(NamedTuple):
    """A batch that expires soon or has expired; quantities in base units of `scale`."""

    product_id: UUID
    batch_id: UUID
    expires_on: date
    category_id: UUID | None
    own_days: int | None
    shelf: int
    held: int
    scale: int


async def batches_until(
    unit: Unit, store: UUID, until: date, products: Collection[UUID] | None
) -> list[BatchOnShelf]:
    """Batches of the store that expire on this day or before, of these products or of all."""
    H, L, P = BatchLevel, Level, Product
    query = (
        select(
            H.product_id,
            H.batch_id,
            H.expires_on,
            P.category_id,
            func.coalesce(L.expiry_warning_days, P.own_warning_days),
            H.shelf,
            H.shelf + H.reserved + H.quarantine,
            L.scale,
        )
        .join(P, and_(P.tenant_id == H.tenant_id, P.id == H.product_id))
        .join(L, _of_level(H))
        .where(H.tenant_id == unit.tenant, H.store_id == store, H.expires_on <= until)
        .where(P.archived_at.is_(None))
        .order_by(H.product_id, H.batch_id)
    )
    if products is not None:
        query = query.where(among(H.product_id, products))
    return [BatchOnShelf(*row) for row in await unit.session.execute(query)]


def _of_level(table: Any) -> Any:
    return and_(
        Level.tenant_id == table.tenant_id,
        Level.store_id == table.store_id,
        Level.product_id == table.product_id,
    )


class SlowLevel(NamedTuple):
    """Goods on a shelf with few sales in a window; quantities in base units of `scale`."""

    product_id: UUID
    category_id: UUID | None
    shelf: int
    sold: int
    scale: int


async def few_sold(
    unit: Unit, store: UUID, days: int, products: Collection[UUID] | None, fewest: int
) -> list[SlowLevel]:
    """Goods that were in stock when the window began and of which fewer than `fewest` units have
    been sold or used since."""
    E, L, P = Entry, Level, Product
    since = first_id(unit.now - timedelta(days=days))
    sold = demand(unit.tenant, store, days, unit.now)
    quantity = func.greatest(func.coalesce(sold.c.quantity, 0), 0)
    gone = _before(E.from_store, E.from_seq, E.from_after, since)
    came = _before(E.to_store, E.to_seq, E.to_after, since)
    last = case(
        (func.coalesce(gone.c.seq, 0) > func.coalesce(came.c.seq, 0), gone.c.after),
        else_=came.c.after,
    )
    query = (
        select(L.product_id, P.category_id, L.shelf, quantity, L.scale)
        .join(P, and_(P.tenant_id == L.tenant_id, P.id == L.product_id))
        .outerjoin(sold, sold.c.product_id == L.product_id)
        .outerjoin(gone, true())
        .outerjoin(came, true())
        .where(L.tenant_id == unit.tenant, L.store_id == store, L.shelf > 0, P.kind == "GOODS")
        .where(P.archived_at.is_(None), quantity < fewest * L.scale, last > 0)
    )
    if products is not None:
        query = query.where(among(L.product_id, products))
    levels = await unit.session.execute(query.order_by(L.product_id))
    return [SlowLevel(*row[:3], int(row[3]), row[4]) for row in levels]


def _before(store: Any, seq: Any, after: Any, since: Any) -> Any:
    """SQL: the level's last position before a window, and what was on hand after it."""
    return (
        select(seq.label("seq"), after.label("after"))
        .where(Entry.tenant_id == Level.tenant_id, store == Level.store_id)
        .where(Entry.product_id == Level.product_id, seq.is_not(None))
        .where(Entry.movement_id < since)
        .order_by(seq.desc())
        .limit(1)
        .correlate(Level)
        .lateral()
    )


async def unmakeable(
    unit: Unit, store: UUID, parts: Collection[UUID] | None
) -> list[tuple[UUID, UUID | None, UUID]]:
    """Dishes of which none can be made, with their category and the ingredient that is short.

    With `parts` only dishes made of these products are judged. Dishes are left out in a store that
    has never had any of their ingredients.
    """
    P, N, L = Product, Need, Level
    here = and_(L.tenant_id == N.tenant_id, L.store_id == store, L.product_id == N.product_id)
    count = func.coalesce(L.shelf, 0) // N.quantity
    known = func.bool_or(func.coalesce(L.version, 0) > 0)
    short = func.array_agg(aggregate_order_by(N.product_id, count, N.product_id))
    query = (
        select(P.id, P.category_id, short)
        .join(N, and_(N.tenant_id == P.tenant_id, N.recipe_id == P.recipe_id))
        .outerjoin(L, here)
        .where(P.tenant_id == unit.tenant, P.archived_at.is_(None), P.kind == "DISH")
        .where(~N.optional)
        .group_by(P.id, P.category_id)
        .having(func.min(count) == 0, known)
        .order_by(P.id)
    )
    if parts is not None:
        users = select(N.recipe_id).where(N.tenant_id == unit.tenant, among(N.product_id, parts))
        query = query.where(or_(P.recipe_id.in_(users), among(P.id, parts)))
    rows: Any = await unit.session.execute(query)
    return [(dish, category, lacking[0]) for dish, category, lacking in rows]


async def low_levels(unit: Unit, store: UUID) -> list[tuple[str, UUID | None, UUID]]:
    """Levels that are low or empty now: the rule, the category and the product."""
    L, P = Level, Product
    low = and_(L.reorder_point > 0, L.shelf + L.transit <= L.reorder_point)
    query = (
        select(L.product_id, P.category_id, L.shelf == 0, low)
        .join(P, and_(P.tenant_id == L.tenant_id, P.id == L.product_id))
        .where(L.tenant_id == unit.tenant, L.store_id == store, L.version > 0)
        .where(P.archived_at.is_(None), P.kind == "GOODS", or_(L.shelf == 0, low))
    )
    return [
        (rule, category, product)
        for product, category, out, is_low in await unit.session.execute(query)
        for rule, holds in (("OUT_OF_STOCK", out), ("LOW_STOCK", is_low))
        if holds
    ]


async def lasting(unit: Unit, store: UUID, rule: str) -> list[tuple[UUID | None, UUID | None]]:
    """The alerts of the rule that are not closed: the category of each and its product."""
    query = (
        select(Product.category_id, Alert.product_id)
        .outerjoin(Product, and_(Product.tenant_id == unit.tenant, Product.id == Alert.product_id))
        .where(Alert.tenant_id == unit.tenant, Alert.store_id == store, Alert.rule == rule)
        .where(~Alert.closed)
    )
    return [(category, product) for category, product in await unit.session.execute(query)]


async def alerted(
    unit: Unit, store: UUID, rule: str, products: Collection[UUID]
) -> frozenset[UUID]:
    """Those of these products with an alert of the rule that is not closed."""
    query = select(Alert.product_id).where(
        Alert.tenant_id == unit.tenant,
        Alert.store_id == store,
        Alert.rule == rule,
        ~Alert.closed,
        among(Alert.product_id, products),
    )
    return frozenset(id for id in await unit.session.scalars(query) if id is not None)


async def dishes_of(unit: Unit, parts: Collection[UUID]) -> set[UUID]:
    """These products, and the dishes that are made of them."""
    query = (
        select(Product.id)
        .join(Need, and_(Need.tenant_id == Product.tenant_id, Need.recipe_id == Product.recipe_id))
        .where(Product.tenant_id == unit.tenant, among(Need.product_id, parts))
    )
    return {*parts, *await unit.session.scalars(query)}


async def waiting_documents(
    unit: Unit, store: UUID, today: date, hours: dict[str, int]
) -> list[Finding]:
    """Documents of the store that wait longer than `hours` by rule, and late purchase orders."""
    W, T, P = WriteOff, Transfer, PurchaseOrder

    def until(rule: str) -> datetime:
        return unit.now - timedelta(hours=hours[rule])

    lead = select(Store.lead_days).where(Store.tenant_id == T.tenant_id, Store.id == T.to_store)
    sent = T.shipped_at + func.make_interval(0, 0, 0, lead.scalar_subquery())
    waiting_since = func.coalesce(T.approved_at, T.created_at)
    open_states = and_(
        T.state.in_(("REQUESTED", "APPROVED")), waiting_since < until("TRANSFER_WAITING")
    )
    under_way = and_(T.state.in_(("SHIPPED", "PARTIAL")), sent < until("TRANSFER_WAITING"))
    queries = {
        "WRITE_OFF_WAITING": select(W.id).where(
            W.tenant_id == unit.tenant,
            W.store_id == store,
            W.state == "REQUESTED",
            W.requested_at < until("WRITE_OFF_WAITING"),
        ),
        "TRANSFER_WAITING": select(T.id).where(
            T.tenant_id == unit.tenant, T.to_store == store, or_(open_states, under_way)
        ),
        "PURCHASE_WAITING": _late(store, today).where(
            P.tenant_id == unit.tenant, P.state == "PARTIAL"
        ),
        "EXPECTED_NOT_ARRIVED": _late(store, today).where(
            P.tenant_id == unit.tenant, P.state == "OPEN"
        ),
    }
    return [
        Finding(rule, document_id=document)
        for rule, query in queries.items()
        for document in await unit.session.scalars(query)
    ]


def _late(store: UUID, today: date) -> Any:
    P = PurchaseOrder
    return select(P.id).where(P.store_id == store, P.ended_at.is_(None), P.expected_on < today)


def _judging() -> Statement:
    names = Finding._fields
    raising = rows("found", A.id, *(A[name] for name in names))
    subject = func.coalesce(raising.c.document_id, raising.c.batch_id, raising.c.product_id)
    store = bindparam("store", type_=Uuid())
    put = insert(Alert).from_select(
        ["tenant_id", "store_id", "id", *names],
        select(TENANT, store, raising.c.id, *(raising.c[name] for name in names)),
    )
    raised = (
        put.on_conflict_do_update(
            index_elements=SUBJECT,
            index_where=~A.closed,
            # The next stage of near expiry is a new warning.
            set_={
                "tier": put.excluded.tier,
                "quantity": put.excluded.quantity,
                "raised_at": func.now(),
                "state": "OPEN",
                **dict.fromkeys(CLEARED, null()),
            },
            where=and_(A.rule == "NEAR_EXPIRY", A.tier > put.excluded.tier),
        )
        .returning(A.id)
        .cte("raised")
    )
    same = and_(raising.c.rule == A.rule, subject == A.subject_id)
    over = (
        update(Alert)
        .where(A.tenant_id == TENANT, A.store_id == store, ~A.closed)
        .where(A.rule == func.any(bindparam("rules", type_=ARRAY(Text()))))
        .where(or_(PRODUCTS.is_(None), A.product_id == func.any(PRODUCTS)))
        .where(~select(raising.c.id).where(same).exists())
        .values(
            state="RESOLVED", resolved_at=func.coalesce(A.resolved_at, func.now()), closed=true()
        )
        .returning(A.id)
        .cte("over")
    )
    return Statement(select(raised.c.id).union_all(select(over.c.id)))


JUDGE = _judging()


async def judge_findings(
    unit: Unit,
    store: UUID,
    rules: Sequence[str],
    findings: Iterable[Finding],
    products: Collection[UUID] | None,
) -> None:
    """Opens alerts for new findings, and closes the alerts of these rules that have no finding any
    longer.

    With `products` only alerts of these are judged, otherwise all of the store.
    """
    parameters = arrays("found", ["id", *Finding._fields], [(uuid7(), *each) for each in findings])
    ids = None if products is None else list(products)
    records = await JUDGE.fetch(
        unit.raw, tenant=unit.tenant, store=store, rules=list(rules), products=ids, **parameters
    )
    for (alert,) in records:
        unit.document_changed(store, alert)
