"""Reports of stock: turnover and slow movers."""

from collections.abc import Callable, Collection, Sequence
from datetime import date, timedelta
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    Date,
    FromClause,
    Uuid,
    and_,
    case,
    cast,
    column,
    func,
    literal,
    select,
    union_all,
)

from app.db.categories import subtree
from app.db.core.snapshot import AnySession, planned_each_time
from app.db.core.statement import among, table_of
from app.db.days import store_day
from app.db.flow_reports import KEYS as FLOW_KEYS
from app.db.flow_reports import Key
from app.db.levels import Pair
from app.db.rollups import DEMAND, DEMANDED
from app.db.stock_values import KEYS, L, P, StockFilter, of_levels
from app.db.tables import Product, RollUp, Store
from app.domain.rules.flows import DRAINS, GAINS

MEMORY = "64MB"
"""For each sort or hash of a statement that joins all levels with what flowed."""
U = RollUp.__table__.c
OF_FLOW = and_(P.tenant_id == U.tenant_id, P.id == U.product_id)
ON_HAND = L.shelf + L.reserved + L.quarantine


def _signed(column: Any, gains: Collection[str], drains: Collection[str]) -> Any:
    return case((U.flow.in_(gains), column), (U.flow.in_(drains), -column), else_=0)


VALUE_CHANGE = _signed(U.cost, GAINS, DRAINS)
"""SQL: 1/10000 yuan by which a flow changed the value of the store's stock."""
ON_HAND_CHANGE = _signed(U.quantity, (*GAINS, "OUT_OF_TRANSIT"), (*DRAINS, "INTO_TRANSIT"))
"""SQL: base units by which a flow changed what the store has on hand, transit not included."""
CONSUMED = case((U.flow.in_(("SOLD", "USED")), U.cost), (U.flow == "RETURNED", -U.cost), else_=0)


def flows_of(tenant: UUID, filter: StockFilter, since: Any, *columns: Any) -> Any:
    """SQL: these columns of the flows of stocked goods from the day `since` on."""
    query = (
        select(*columns)
        .join_from(RollUp.__table__, Product.__table__, OF_FLOW)
        .where(*_flowed(tenant, filter.stores, since), P.kind == "GOODS")
    )
    if filter.category_id is not None:
        query = query.where(P.category_id.in_(subtree(tenant, filter.category_id)))
    return query


def level_flows(tenant: UUID, filter: StockFilter, since: Any, *columns: Any) -> Any:
    """SQL: these columns of the flows from the day `since` on, for a join with chosen levels.

    The flows of dishes are included; the levels leave them out.
    """
    query = select(*columns).where(*_flowed(tenant, filter.stores, since))
    return query.where(*_in_category(tenant, filter, U.product_id))


def _in_category(tenant: UUID, filter: StockFilter, product: Any) -> list[Any]:
    if filter.category_id is None:
        return []
    below = subtree(tenant, filter.category_id)
    return [product.in_(select(P.id).where(P.tenant_id == tenant, P.category_id.in_(below)))]


def _is_goods(tenant: UUID, product: Any) -> Any:
    """SQL: whether the product is goods. It takes less time than a join, as few are not."""
    return product.not_in(select(P.id).where(P.tenant_id == tenant, P.kind != "GOODS"))


def _goods_flows(
    tenant: UUID, filter: StockFilter, since: Any, of_product: bool, *columns: Any
) -> Any:
    """SQL: these columns of the flows of goods, of their products as well if `of_product`."""
    if of_product:
        return flows_of(tenant, filter, since, *columns)
    flows = level_flows(tenant, filter, since, *columns)
    return flows.where(_is_goods(tenant, U.product_id))


def _goods_levels(tenant: UUID, filter: StockFilter, of_product: bool, *columns: Any) -> Any:
    """SQL: these columns of the levels of goods, of their products as well if `of_product`."""
    if of_product:
        return of_levels(tenant, filter, *columns).where(P.kind == "GOODS")
    query = select(*columns).where(L.tenant_id == tenant, among(L.store_id, filter.stores))
    query = query.where(_is_goods(tenant, L.product_id))
    return query.where(*_in_category(tenant, filter, L.product_id))


def _flowed(tenant: UUID, stores: Collection[UUID], since: Any) -> tuple[Any, ...]:
    return U.tenant_id == tenant, among(U.store_id, stores), U.day >= since


class TurnoverSums(NamedTuple):
    """Stock of goods at the start and the end of a period, and what was sold or used in its `days`,
    at cost, in 1/10000 yuan."""

    opening: int = 0
    closing: int = 0
    consumed: int = 0
    days: int = 1

    @property
    def average(self) -> int:
        """1/10000 yuan."""
        return (self.opening + self.closing) // 2


async def turnover(
    session: AnySession, tenant: UUID, filter: StockFilter, days: tuple[date, date], group: str
) -> list[tuple[Key, TurnoverSums]]:
    """Turnover by key, the largest stock first. Past stock is the present stock less the flows
    since."""
    since, until = days
    zero, within, later = literal(0, BigInteger()), U.day <= until, U.day > until
    of_product = group == "CATEGORY"
    flows = _goods_flows(
        tenant,
        filter,
        since,
        of_product,
        FLOW_KEYS[group].label("key"),
        zero.label("value"),
        _sum(VALUE_CHANGE, later).label("later"),
        _sum(VALUE_CHANGE, within).label("within"),
        _sum(CONSUMED, within).label("consumed"),
    ).group_by(FLOW_KEYS[group])
    columns = KEYS[group].label("key"), cast(func.sum(L.value), BigInteger), zero, zero, zero
    held = _goods_levels(tenant, filter, of_product, *columns).group_by(KEYS[group])
    parts = union_all(flows, held).subquery("parts")
    closing = func.sum(parts.c.value - parts.c.later)
    opening, consumed = closing - func.sum(parts.c.within), func.sum(parts.c.consumed)
    query = (
        select(parts.c.key, *(cast(each, BigInteger) for each in (opening, closing, consumed)))
        .group_by(parts.c.key)
        .having((opening != 0) | (closing != 0) | (consumed != 0))
        .order_by((opening + closing).desc(), parts.c.key)
    )
    rows: Any = await planned_each_time(session).execute(query)
    return [(row[0], TurnoverSums(*row[1:])) for row in rows]


class DailyFlows(NamedTuple):
    """The value of all stock at the end of a period, and for each of its days with movements by how
    much the value changed and what was sold or used, in 1/10000 yuan."""

    closing: int
    by_day: dict[date, tuple[int, int]]


async def turnover_by_day(
    session: AnySession, tenant: UUID, filter: StockFilter, days: tuple[date, date]
) -> DailyFlows:
    """What flowed on each day. The stock at the end is the present stock less the flows since."""
    since, until = days
    columns = U.day, _sum(VALUE_CHANGE), _sum(CONSUMED)
    flows = _goods_flows(tenant, filter, since, False, *columns).group_by(U.day)
    rows: Any = await planned_each_time(session).execute(flows)
    by_day = {day: (change, consumed) for day, change, consumed in rows if day <= until}
    later = sum(change for day, change, _ in rows if day > until)
    value = _goods_levels(tenant, filter, False, _sum(L.value))
    present: Any = (await planned_each_time(session).execute(value)).all()
    return DailyFlows(present[0][0] - later, by_day)


class Todays(NamedTuple):
    """SQL: a table of the present day in each store, and the earliest of these days.

    The days are read beforehand: their values let PostgreSQL plan and run queries in parallel.
    """

    table: FromClause
    first: date


async def todays(session: AnySession, tenant: UUID, filter: StockFilter) -> Todays:
    """The present days of these stores, with their lead days and time zones."""
    S = Store.__table__.c
    today = store_day(S.timezone, func.now())
    days = select(S.id, today, S.lead_days, S.timezone)
    days = days.where(S.tenant_id == tenant, among(S.id, filter.stores))
    rows: Any = (await session.execute(days)).all()
    columns = (
        column("store_id", S.id.type),
        column("today", Date()),
        column("lead_days", S.lead_days.type),
        column("timezone", S.timezone.type),
    )
    first = min((row[1] for row in rows), default=date.max)
    return Todays(table_of("todays", columns, [tuple(row) for row in rows]), first)


async def with_memory(session: AnySession) -> None:
    """Lets the next statements of the transaction sort and hash a million levels in memory."""
    await session.execute(select(func.set_config("work_mem", MEMORY, True)))


class SlowLevel(NamedTuple):
    """Goods that were in stock for the whole window and hardly sold. Quantities are in base units
    of `scale`, `value` in 1/10000 yuan; `earlier` was sold in the window before."""

    store_id: UUID
    product_id: UUID
    on_hand: int
    value: int
    sold: int
    earlier: int
    scale: int


class SlowLevels(NamedTuple):
    """The slow movers with the largest values, and the number and value of all slow movers."""

    rows: list[SlowLevel]
    total: int
    value: int


async def slow_levels(
    session: AnySession, tenant: UUID, filter: StockFilter, days: int, cover: int, limit: int
) -> SlowLevels:
    """Goods that last longer than `cover` days at the rate at which they sold in the last `days`.

    Only goods that were in stock when the window began: goods that have just arrived are not slow.
    """
    days_now = await todays(session, tenant, filter)
    total = func.count().over(), cast(func.sum(L.value).over(), BigInteger)
    query = _slow(tenant, filter, days_now, days, cover, lambda sold: (*_level(sold), *total))
    query = query.order_by(L.value.desc(), L.store_id, L.product_id).limit(limit)
    await with_memory(session)
    rows: Any = (await planned_each_time(session).execute(query)).all()
    pairs = [(row[0], row[1]) for row in rows]
    earlier = await _sold_earlier(session, tenant, pairs, days_now, days)
    levels = [
        SlowLevel(*row[:7])._replace(earlier=earlier.get(pair, 0))
        for pair, row in zip(pairs, rows, strict=True)
    ]
    return SlowLevels(levels, *rows[0][7:]) if rows else SlowLevels([], 0, 0)


class SlowSums(NamedTuple):
    """The number of slow movers and their value in 1/10000 yuan."""

    levels: int = 0
    value: int = 0


async def slow_sums(
    session: AnySession,
    tenant: UUID,
    filter: StockFilter,
    days: int,
    cover: int,
    group: str,
    limit: int,
) -> list[tuple[Key, SlowSums]]:
    """All slow movers by store, category or product, the largest value first."""
    days_now, key = await todays(session, tenant, filter), KEYS[group]
    value = cast(func.sum(L.value), BigInteger)
    query = _slow(tenant, filter, days_now, days, cover, lambda _: (key, func.count(), value))
    query = query.group_by(key).order_by(value.desc(), key).limit(limit)
    await with_memory(session)
    rows: Any = await planned_each_time(session).execute(query)
    return [(row[0], SlowSums(*row[1:])) for row in rows]


def _level(sold: Any) -> tuple[Any, ...]:
    return L.store_id, L.product_id, ON_HAND, L.value, sold, literal(0), L.scale


def _slow(
    tenant: UUID,
    filter: StockFilter,
    days_now: Todays,
    days: int,
    cover: int,
    columns: Callable[[Any], tuple[Any, ...]],
) -> Any:
    """SQL: these columns of slow levels, made of what each sold in the window."""
    T = days_now.table.c
    demanded = U.flow.in_(DEMAND)
    flows = (
        level_flows(
            tenant,
            filter,
            days_now.first - timedelta(days=days - 1),
            U.store_id,
            U.product_id,
            _sum(DEMANDED, demanded).label("sold"),
            _sum(ON_HAND_CHANGE).label("change"),
        )
        .join(days_now.table, and_(T.store_id == U.store_id, U.day > T.today - days))
        .group_by(U.store_id, U.product_id)
        .subquery("flows")
    )
    sold, change = func.coalesce(flows.c.sold, 0), func.coalesce(flows.c.change, 0)
    return (
        of_levels(tenant, filter, *columns(sold))
        .outerjoin(flows, and_(flows.c.store_id == L.store_id, flows.c.product_id == L.product_id))
        .where(ON_HAND > 0, P.kind == "GOODS", ON_HAND - change > 0)
        .where(ON_HAND * days > sold * cover)
    )


async def _sold_earlier(
    session: AnySession, tenant: UUID, pairs: Sequence[Pair], days_now: Todays, days: int
) -> dict[Pair, int]:
    """Base units sold or used of each of these levels in the window before the last one."""
    T = days_now.table.c
    keys = table_of("slow", (column("store_id", Uuid()), column("product_id", Uuid())), pairs)
    level = keys.c.store_id, keys.c.product_id
    inside = and_(U.day > T.today - 2 * days, U.day <= T.today - days, U.flow.in_(DEMAND))
    flows = (
        select(*level, _sum(DEMANDED))
        .join_from(keys, days_now.table, T.store_id == keys.c.store_id)
        .join(
            RollUp.__table__,
            and_(U.store_id == keys.c.store_id, U.product_id == keys.c.product_id, inside),
        )
        .where(U.tenant_id == tenant, U.day > days_now.first - timedelta(days=2 * days))
        .group_by(*level)
    )
    rows: Any = await planned_each_time(session).execute(flows)
    return {(store, product): sold for store, product, sold in rows}


def _sum(column: Any, condition: Any = None) -> Any:
    sum_ = func.sum(column) if condition is None else func.sum(column).filter(condition)
    return cast(func.coalesce(sum_, 0), BigInteger)
