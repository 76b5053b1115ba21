"""Figures of the owner's overview: stock, goods that expire soon, and documents that wait."""

from collections.abc import Collection, Sequence
from datetime import date, datetime
from operator import add
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    DateTime,
    Integer,
    and_,
    case,
    cast,
    func,
    literal,
    literal_column,
    select,
    union_all,
)

from app.db.core.snapshot import AnySession, planned_each_time, read_together
from app.db.core.statement import among
from app.db.days import store_day
from app.db.expiry_reports import batch_value, expiring
from app.db.flow_reports import SalesSums, SalesWindow, sales_in
from app.db.report_sums import NEAR_DAYS, Moment, sums_now, with_moments
from app.db.stock_values import StockFilter, StockValue, values
from app.db.tables import (
    Alert,
    Batch,
    BatchLevel,
    Level,
    Order,
    Product,
    PurchaseOrder,
    Store,
    Transfer,
    WriteOff,
)


class StockSums(NamedTuple):
    """Stock of a store or category: its value in 1/10000 yuan, and how many levels are short; None
    at a past moment, of which statuses are not kept."""

    value: int = 0
    products: int = 0
    low: int | None = 0
    out: int | None = 0


class Stock(NamedTuple):
    """Stock by store, and by category, without archived products of which nothing is left, and the
    cost of goods at risk by store, in 1/10000 yuan."""

    stores: dict[UUID, StockSums]
    categories: dict[UUID | None, StockSums]
    at_risk: dict[UUID, int]


class Waiting(NamedTuple):
    """How many alerts and documents of each kind wait for a person in a store."""

    alerts: int = 0
    write_offs: int = 0
    transfers: int = 0
    purchase_orders: int = 0
    orders: int = 0


class StoreDay(NamedTuple):
    """A store with its day and hour, and the moment of its kept sums: None without sums of its
    present day."""

    store: Store
    day: date
    hour: int
    summed_at: datetime | None


async def store_days(
    session: AnySession, tenant: UUID, stores: Collection[UUID], at: datetime | None = None
) -> list[StoreDay]:
    """The day and hour in each of these stores, now or at a past moment."""
    S = Store
    moment: Any = func.now() if at is None else literal(at, DateTime(True))
    hour = cast(func.extract("hour", func.timezone(S.timezone, moment)), Integer)
    query = select(S, store_day(S.timezone, moment), hour)
    query = query.where(S.tenant_id == tenant, among(S.id, stores))
    return [StoreDay(*row) for row in await session.execute(with_moments(query, tenant))]


class PresentFigures(NamedTuple):
    """What stores hold now, what waits in them, and what they sold by store and day."""

    stock: Stock
    waiting: dict[UUID, Waiting]
    sales: dict[tuple[UUID, date], SalesSums]


async def present_figures(
    session: AnySession, tenant: UUID, stores: Sequence[StoreDay], windows: Sequence[SalesWindow]
) -> PresentFigures:
    """The figures of at least one store and window. Stock comes from the kept sums of stores that
    have sums of today, and from the levels of the others."""
    moments = [Moment(store.id, day, summed_at) for store, day, _, summed_at in stores if summed_at]
    rest = [each.store.id for each in stores if each.summed_at is None]
    queries = {
        "waiting": _waiting(tenant, [each.store.id for each in stores]),
        "sales": sales_in(tenant, windows),
    }
    if moments:
        queries["sums"] = sums_now(tenant, moments)
    if rest:
        queries |= {"levels": _level_sums(tenant, rest), "risks": _value_at_risk(tenant, rest)}
    rows = await read_together(session, queries)
    return PresentFigures(
        _stock(rows.get("sums", []), rows.get("levels", []), rows.get("risks", [])),
        _waiting_by_store(rows["waiting"]),
        _sales_by_day(rows["sales"]),
    )


async def sales_of(
    session: AnySession, tenant: UUID, windows: Sequence[SalesWindow]
) -> dict[tuple[UUID, date], SalesSums]:
    """What stores sold in the windows, by store and day."""
    rows: Any = await planned_each_time(session).execute(sales_in(tenant, windows))
    return _sales_by_day(rows)


def _sales_by_day(rows: Sequence[Any]) -> dict[tuple[UUID, date], SalesSums]:
    return {(store, day): SalesSums(*sums) for store, day, *sums in rows}


def _stock(sums: Sequence[Any], levels: Sequence[Any], risks: Sequence[Any]) -> Stock:
    """The stock by the kept sums of some stores, and by the levels of the others."""
    stock = Stock({}, {}, dict(risks))
    for is_store, key, *figures, at_risk in sums:
        if is_store:
            stock.stores[key], stock.at_risk[key] = StockSums(*figures), at_risk
        else:
            stock.categories[key] = StockSums(*figures)
    for is_store, key, *figures in levels:
        if is_store:
            stock.stores[key] = StockSums(*figures)
        else:
            both: Any = stock.categories.get(key, StockSums()), figures
            stock.categories[key] = StockSums(*map(add, *both))
    # Kept sums also have categories all of whose products are archived.
    shown = {category: sums for category, sums in stock.categories.items() if any(sums)}
    return stock._replace(categories=shown)


async def stock_then(
    session: AnySession, tenant: UUID, stores: Collection[UUID], at: datetime, known: datetime
) -> Stock:
    """The stock at a past moment, by the movements recorded until `known`."""
    filter = StockFilter(list(stores))
    moment = at, known
    by_store: Any = await values(session, tenant, filter, "STORE", moment)
    by_category: Any = await values(session, tenant, filter, "CATEGORY", moment)
    goods: Any = await expiring(session, tenant, filter, NEAR_DAYS, "STORE", at)
    return Stock(
        {store: _of_moment(sums) for store, sums in by_store},
        {category: _of_moment(sums) for category, sums in by_category},
        {store: sums.value + sums.expired for store, sums in goods},
    )


def _of_moment(sums: StockValue) -> StockSums:
    return StockSums(sums.value, sums.levels, None, None)


def _level_sums(tenant: UUID, stores: Collection[UUID]) -> Any:
    """SQL: whether a row is of a store, its store or category, and `StockSums` of the levels."""
    L, P = Level, Product
    held = L.shelf + L.reserved + L.quarantine
    # Summed by both first: a plain grouping is shared by several processes of the database.
    parts = (
        select(
            L.store_id,
            P.category_id,
            func.sum(L.value).label("value"),
            func.count().filter(held > 0).label("products"),
            func.count().filter(L.status == "LOW").label("low"),
            func.count().filter((L.status == "OUT") & (L.reorder_point > 0)).label("out"),
        )
        .join(P, and_(P.tenant_id == L.tenant_id, P.id == L.product_id))
        .where(L.tenant_id == tenant, among(L.store_id, stores), L.shown)
        .where(P.archived_at.is_(None) | (held + L.transit > 0))
        .group_by(L.store_id, P.category_id)
        .subquery("parts")
    )
    store, category = parts.c.store_id, parts.c.category_id
    by_store = func.grouping(category) == 1
    return select(
        by_store,
        case((by_store, store), else_=category),
        *(cast(func.sum(parts.c[name]), BigInteger) for name in StockSums._fields),
    ).group_by(func.grouping_sets(store, category))


def _value_at_risk(tenant: UUID, stores: Collection[UUID]) -> Any:
    """SQL: cost of goods that expire within 30 days or have expired, by store, in 1/10000 yuan.

    Goods of a batch whose cost is unknown count at the level's average cost.
    """
    H, L, B, P = BatchLevel, Level, Batch, Product
    today = store_day(Store.timezone, func.now())
    held = H.shelf + H.reserved + H.quarantine
    return (
        select(H.store_id, cast(func.sum(batch_value()), BigInteger))
        .join(Store, and_(Store.tenant_id == H.tenant_id, Store.id == H.store_id))
        .join(B, and_(B.tenant_id == H.tenant_id, B.id == H.batch_id))
        .join(P, and_(P.tenant_id == H.tenant_id, P.id == H.product_id))
        .join(
            L,
            and_(
                L.tenant_id == H.tenant_id,
                L.store_id == H.store_id,
                L.product_id == H.product_id,
            ),
        )
        .where(H.tenant_id == tenant, among(H.store_id, stores), held > 0)
        .where(H.expires_on < date.max, H.expires_on <= today + NEAR_DAYS)
        .group_by(H.store_id)
    )


def _waiting(tenant: UUID, stores: Collection[UUID]) -> Any:
    """SQL: the store, the place in `Waiting`, and the number; a transfer waits in the store that
    receives it."""
    A, W, T, P = Alert, WriteOff, Transfer, PurchaseOrder
    kinds = (
        (A.tenant_id, A.store_id, A.state == "OPEN"),
        (W.tenant_id, W.store_id, W.state == "REQUESTED"),
        (T.tenant_id, T.to_store, T.state.in_(("REQUESTED", "APPROVED", "SHIPPED", "PARTIAL"))),
        (P.tenant_id, P.store_id, P.ended_at.is_(None)),
        (Order.tenant_id, Order.store_id, Order.state == "PAID"),
    )
    counts = union_all(
        *(
            select(
                store.label("store_id"),
                literal_column(str(place), Integer()).label("place"),
                func.count().label("count"),
            )
            .where(of == tenant, among(store, stores), waits)
            .group_by(store)
            for place, (of, store, waits) in enumerate(kinds)
        )
    ).subquery()
    return select(*counts.c)


def _waiting_by_store(rows: Sequence[Any]) -> dict[UUID, Waiting]:
    numbers: dict[UUID, list[int]] = {}
    for store, place, count in rows:
        numbers.setdefault(store, [0] * len(Waiting._fields))[place] = count
    return {store: Waiting(*counted) for store, counted in numbers.items()}
