"""What stores should order, by the demand on days with stock, and the goods on the shelf, in
transit and on order."""

from collections.abc import Collection
from datetime import date, timedelta
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    Date,
    Double,
    Integer,
    Numeric,
    and_,
    case,
    cast,
    func,
    select,
    union,
)
from sqlalchemy.dialects.postgresql import distinct_on

from app.db.core.snapshot import AnySession, planned_each_time
from app.db.core.statement import among
from app.db.days import store_day
from app.db.purchases import OPEN
from app.db.rollups import DEMAND, DEMANDED
from app.db.stock_reports import ON_HAND, ON_HAND_CHANGE, Todays, level_flows, todays, with_memory
from app.db.stock_values import L, P, StockFilter, of_levels
from app.db.tables import ProductCode, ProductUnit, PurchaseLine, PurchaseOrder, RollUp
from app.db.tables import Supplier as Suppliers

U = RollUp.__table__.c
O, N = PurchaseOrder.__table__.c, PurchaseLine.__table__.c  # noqa: E741

DOUBLE: Double[float] = Double()


class Shortfall(NamedTuple):
    """A level that will run out before a delivery; quantities are in base units of `scale`.

    `demand` is the demand on the `open_days`, the days of the window on which the product was in
    stock. `needed` is the quantity that covers the demand until the delivery and for the days to
    cover.
    """

    store_id: UUID
    product_id: UUID
    scale: int
    shelf: int
    transit: int
    on_order: int
    reorder_point: int
    demand: int
    open_days: int
    sold_out_days: int
    lead_days: int
    needed: int
    supplier_id: UUID | None
    unit_cost: int | None
    today: date
    all_levels: int


def _days(tenant: UUID, filter: StockFilter, window: int, days_now: Todays) -> Any:
    """SQL: one row for each level and day with movements: the change of the stock, and the
    demand."""
    demand = func.sum(DEMANDED).filter(U.flow.in_(DEMAND))
    return (
        level_flows(
            tenant,
            filter,
            days_now.first - timedelta(days=window),
            U.store_id,
            U.product_id,
            U.day,
            _whole(func.coalesce(func.sum(ON_HAND_CHANGE), 0)).label("change"),
            _whole(func.coalesce(demand, 0)).label("demand"),
        )
        .group_by(U.store_id, U.product_id, U.day)
        .cte("days")
    )


def _candidates(
    tenant: UUID,
    filter: StockFilter,
    supplier: UUID | None,
    window: int,
    days_now: Todays,
    days: Any,
) -> Any:
    """SQL: the levels that would need an order if they had been in stock only on the days with
    movements, which are fewer than the days with stock: few of these levels need none."""
    now, on_order, sources = days_now.table, _on_order(tenant, filter), _sources(tenant)
    inside = and_(days.c.day < now.c.today, days.c.day >= now.c.today - window)
    sums = (
        select(
            days.c.store_id,
            days.c.product_id,
            func.sum(days.c.demand).label("demand"),
            func.count().label("moved"),
        )
        .join_from(days, now, and_(now.c.store_id == days.c.store_id, inside))
        .group_by(days.c.store_id, days.c.product_id)
        .subquery("sums")
    )
    demand = _whole(func.greatest(func.coalesce(sums.c.demand, 0), 0))
    lead = func.coalesce(sources.c.lead_days, now.c.lead_days)
    ordered = _whole(func.coalesce(on_order.c.missing, 0))
    # One unit more than the largest `safe`, so that no rounding leaves out a level.
    most = L.reorder_point + cast(demand, DOUBLE) * lead / func.coalesce(sums.c.moved, 1) + 1
    query = (
        of_levels(
            tenant,
            filter,
            *(L.store_id, L.product_id, L.scale, L.shelf, L.transit, L.reorder_point),
            ordered.label("on_order"),
            demand.label("demand"),
            lead.label("lead_days"),
            sources.c.supplier_id,
            func.coalesce(sources.c.unit_cost, L.unit_cost).label("unit_cost"),
            ON_HAND.label("on_hand"),
            now.c.today,
            store_day(now.c.timezone, P.created_at).label("created_on"),
        )
        .join(now, now.c.store_id == L.store_id)
        .outerjoin(sums, _same(sums, L))
        .outerjoin(on_order, _same(on_order, L))
        .outerjoin(sources, sources.c.product_id == L.product_id)
        .where(P.kind == "GOODS", P.archived_at.is_(None), P.recipe_id.is_(None))
        .where(L.shelf + L.transit + ordered <= most)
        .where((L.reorder_point > 0) | (demand > 0))
    )
    if supplier is not None:
        query = query.where(sources.c.supplier_id == supplier)
    return query.cte("candidates")


def _same(part: Any, level: Any) -> Any:
    return and_(part.c.store_id == level.store_id, part.c.product_id == level.product_id)


def _whole(number: Any) -> Any:
    return cast(number, BigInteger)


def _daily(days: Any, candidates: Any) -> Any:
    """SQL: the days of these levels, each with the stock at its end and the next such day."""
    level = days.c.store_id, days.c.product_id
    backward: dict[str, Any] = {"partition_by": level, "order_by": days.c.day.desc()}
    later = func.coalesce(func.sum(days.c.change).over(**backward, rows=(None, -1)), 0)
    return (
        select(
            *level,
            days.c.day,
            days.c.change,
            (candidates.c.on_hand - later).label("after"),
            func.lag(days.c.day).over(**backward).label("next_day"),
            candidates.c.today,
        )
        .join_from(days, candidates, _same(days, candidates.c))
        .subquery("daily")
    )


def _history(window: int, days: Any, candidates: Any) -> Any:
    """SQL: for each level the days on which it was sold out, the first day with movements, and the
    change of its stock since that day and today."""
    daily = _daily(days, candidates)
    today = daily.c.today
    inside = and_(daily.c.day < today, daily.c.day >= today - window)
    until = func.least(func.coalesce(daily.c.next_day, today), today)
    empty = case((daily.c.after <= 0, func.greatest(until - daily.c.day - 1, 0)), else_=0)
    return (
        select(
            daily.c.store_id,
            daily.c.product_id,
            func.coalesce(func.sum(empty).filter(inside), 0).label("empty"),
            func.min(daily.c.day).filter(inside).label("first_day"),
            func.coalesce(func.sum(daily.c.change).filter(daily.c.day >= today), 0).label("today"),
            func.coalesce(func.sum(daily.c.change).filter(inside), 0).label("inside"),
        )
        .group_by(daily.c.store_id, daily.c.product_id)
        .subquery("history")
    )


def _on_order(tenant: UUID, filter: StockFilter) -> Any:
    missing = func.sum(func.greatest(N.ordered - N.received, 0))
    lines = and_(N.tenant_id == O.tenant_id, N.purchase_id == O.id)
    return (
        select(O.store_id, N.product_id, missing.label("missing"))
        .join_from(O.tenant_id.table, N.tenant_id.table, lines)
        .where(O.tenant_id == tenant, among(O.store_id, filter.stores), OPEN)
        .group_by(O.store_id, N.product_id)
        .subquery("on_order")
    )


def _sources(tenant: UUID) -> Any:
    """SQL: for each product the supplier of its last order, if it is active, and the cost there."""
    V = Suppliers.__table__.c
    lines = and_(N.tenant_id == O.tenant_id, N.purchase_id == O.id)
    supplier = and_(V.tenant_id == O.tenant_id, V.id == O.supplier_id)
    return (
        select(N.product_id, V.id.label("supplier_id"), V.lead_days, N.unit_cost)
        .join_from(O.tenant_id.table, N.tenant_id.table, lines)
        .join(V.tenant_id.table, supplier)
        .where(O.tenant_id == tenant, O.state != "CANCELLED", N.ordered > 0)
        .where(V.archived_at.is_(None))
        .ext(distinct_on(N.product_id))
        .order_by(N.product_id, O.ordered_at.desc())
        .subquery("sources")
    )


async def shortfalls(
    session: AnySession,
    tenant: UUID,
    filter: StockFilter,
    supplier: UUID | None,
    cover: int,
    window: int,
    limit: int,
) -> list[Shortfall]:
    """Levels that need an order, those that run out first come first; goods that the store makes
    are left out."""
    days_now = await todays(session, tenant, filter)
    days = _days(tenant, filter, window, days_now)
    level = _candidates(tenant, filter, supplier, window, days_now, days)
    history = _history(window, days, level)
    today, demand = level.c.today, level.c.demand
    first = func.coalesce(history.c.first_day, today)
    before = level.c.on_hand - func.coalesce(history.c.today + history.c.inside, 0)
    # The window of a product that is new to the store begins on its first day there.
    known = func.least(level.c.created_on, first)
    start = case(
        (before > 0, today - window),
        else_=func.greatest(known, today - window),
    )
    length = func.greatest(today - start, 1)
    early = case((before <= 0, func.greatest(first - start, 0)), else_=0)
    empty = cast(func.least(func.coalesce(history.c.empty, 0) + early, length - 1), Integer)
    open_days = cast(length - empty, Integer)
    position = level.c.shelf + level.c.transit + level.c.on_order

    def until(days: Any) -> Any:
        # Divided as numeric: bigint division would drop the fraction.
        return level.c.reorder_point + _whole(func.ceil(cast(demand, Numeric) * days / open_days))

    safe, full = until(level.c.lead_days), until(level.c.lead_days + cover)
    needed = _whole(func.greatest(full, safe + 1) - position)
    lasts = cast(position, Numeric) * open_days / func.nullif(demand, 0)
    query = (
        select(
            *(level.c[name] for name in Shortfall._fields[:7]),
            *(demand, open_days, empty, level.c.lead_days, needed),
            *(level.c.supplier_id, level.c.unit_cost, cast(today, Date), func.count().over()),
        )
        .join_from(level, history, _same(history, level.c), isouter=True)
        .where(safe > 0, position <= safe)
        .order_by(lasts.asc().nulls_last(), level.c.store_id, level.c.product_id)
        .limit(limit)
    )
    await with_memory(session)
    rows: Any = await planned_each_time(session).execute(query)
    return [Shortfall(*row) for row in rows]


async def packs_of(
    session: AnySession, tenant: UUID, products: Collection[UUID]
) -> dict[UUID, set[int]]:
    """The sizes of each product's packs and own units, in base units."""
    C, I = ProductCode, ProductUnit  # noqa: E741
    codes = select(C.product_id, C.pack_quantity).where(
        C.tenant_id == tenant, among(C.product_id, products), C.pack_quantity.is_not(None)
    )
    units = select(I.product_id, I.size).where(I.tenant_id == tenant, among(I.product_id, products))
    packs: dict[UUID, set[int]] = {}
    rows: Any = await session.execute(select(union(codes, units).subquery()))
    for product, size in rows:
        packs.setdefault(product, set()).add(size)
    return packs
