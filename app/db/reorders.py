"""What stores should order, by the demand on days with stock, and the goods on the shelf, in
transit and on order."""

from collections.abc import Collection
from datetime import date
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    Date,
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

from app.db.core.snapshot import AnySession
from app.db.core.statement import among
from app.db.days import store_day
from app.db.purchases import OPEN
from app.db.rollups import DEMAND, DEMANDED
from app.db.stock_reports import ON_HAND, ON_HAND_CHANGE, flows_of, todays, with_memory
from app.db.stock_values import L, P, StockFilter, of_levels
from app.db.tables import ProductCode, ProductUnit, PurchaseLine, PurchaseOrder, RollUp
from app.db.tables import Supplier as Suppliers

U = RollUp.__table__.c
O, N = PurchaseOrder.__table__.c, PurchaseLine.__table__.c  # noqa: E741


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


def _daily(tenant: UUID, filter: StockFilter, window: int, days_now: Any) -> Any:
    """SQL: one row for each level and day with movements: the demand, the stock at the end of the
    day, and the next such day."""
    on_hand = ON_HAND.label("on_hand")
    change = func.sum(ON_HAND_CHANGE)
    demand = func.sum(DEMANDED).filter(U.flow.in_(DEMAND))
    earliest = select(func.min(days_now.c.today)).scalar_subquery()
    days = (
        flows_of(
            tenant,
            filter,
            earliest - window,
            U.store_id,
            U.product_id,
            U.day,
            func.coalesce(change, 0).label("change"),
            func.coalesce(demand, 0).label("demand"),
        )
        .group_by(U.store_id, U.product_id, U.day)
        .subquery("days")
    )
    level = days.c.store_id, days.c.product_id
    backward: dict[str, Any] = {"partition_by": level, "order_by": days.c.day.desc()}
    later = func.sum(days.c.change).over(**backward, rows=(None, -1))
    return (
        select(
            *level,
            days.c.day,
            days.c.change,
            days.c.demand,
            func.coalesce(later, 0).label("later"),
            func.lag(days.c.day).over(**backward).label("next_day"),
            on_hand,
        )
        .join_from(days, L.tenant_id.table, _same(days))
        .where(L.tenant_id == tenant)
        .subquery("daily")
    )


def _same(part: Any) -> Any:
    return and_(L.store_id == part.c.store_id, L.product_id == part.c.product_id)


def _history(tenant: UUID, filter: StockFilter, window: int, days_now: Any) -> Any:
    """SQL: for each level the demand in the window, the days on which it was sold out, the first
    day with movements, and the change of its stock since that day and today."""
    daily, today = _daily(tenant, filter, window, days_now), days_now.c.today
    after = daily.c.on_hand - daily.c.later
    inside = and_(daily.c.day < today, daily.c.day >= today - window)
    until = func.least(func.coalesce(daily.c.next_day, today), today)
    empty = case((after <= 0, func.greatest(until - daily.c.day - 1, 0)), else_=0)
    first = func.min(daily.c.day).filter(inside)
    return (
        select(
            daily.c.store_id,
            daily.c.product_id,
            func.coalesce(func.sum(daily.c.demand).filter(inside), 0).label("demand"),
            func.coalesce(func.sum(empty).filter(inside), 0).label("empty"),
            first.label("first_day"),
            func.coalesce(func.sum(daily.c.change).filter(daily.c.day >= today), 0).label("today"),
            func.coalesce(func.sum(daily.c.change).filter(inside), 0).label("inside"),
        )
        .join_from(daily, days_now, days_now.c.store_id == daily.c.store_id)
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
    days_now = todays(tenant, filter)
    today = days_now.c.today
    history = _history(tenant, filter, window, days_now)
    on_order = _on_order(tenant, filter)
    sources = _sources(tenant)
    first = func.coalesce(history.c.first_day, today)
    before = ON_HAND - func.coalesce(history.c.today, 0) - func.coalesce(history.c.inside, 0)
    # The window of a product that is new to the store begins on its first day there.
    known = func.least(store_day(days_now.c.timezone, P.created_at), first)
    start = case(
        (before > 0, today - window),
        else_=func.greatest(known, today - window),
    )
    days = func.greatest(today - start, 1)
    early = case((before <= 0, func.greatest(first - start, 0)), else_=0)
    empty = cast(func.least(func.coalesce(history.c.empty, 0) + early, days - 1), Integer)
    open_days = cast(days - empty, Integer)
    demand = cast(func.greatest(func.coalesce(history.c.demand, 0), 0), BigInteger)
    lead = func.coalesce(sources.c.lead_days, days_now.c.lead_days)
    ordered = cast(func.coalesce(on_order.c.missing, 0), BigInteger)
    position = L.shelf + L.transit + ordered

    def until(days: Any) -> Any:
        # Divided as numeric: bigint division would drop the fraction.
        rate = cast(demand, Numeric) * days / open_days
        return L.reorder_point + cast(func.ceil(rate), BigInteger)

    safe, full = until(lead), until(lead + cover)
    needed = func.greatest(full, safe + 1) - position
    lasts = cast(position, Numeric) * open_days / func.nullif(demand, 0)
    columns = (
        *(L.store_id, L.product_id, L.scale, L.shelf, L.transit, ordered, L.reorder_point),
        *(demand, open_days, empty, lead, cast(needed, BigInteger), sources.c.supplier_id),
        func.coalesce(sources.c.unit_cost, L.unit_cost),
        cast(today, Date),
        func.count().over(),
    )
    query = (
        of_levels(tenant, filter, *columns)
        .join(days_now, days_now.c.store_id == L.store_id)
        .outerjoin(history, _same(history))
        .outerjoin(on_order, _same(on_order))
        .outerjoin(sources, sources.c.product_id == L.product_id)
        .where(P.kind == "GOODS", P.archived_at.is_(None), P.recipe_id.is_(None))
        .where(safe > 0, position <= safe)
        .order_by(lasts.asc().nulls_last(), L.store_id, L.product_id)
        .limit(limit)
    )
    if supplier is not None:
        query = query.where(sources.c.supplier_id == supplier)
    await with_memory(session)
    rows: Any = await session.execute(query)
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
