"""Reports of documents: purchase orders by supplier, and what stocktakes found."""

from collections.abc import Collection
from datetime import date, timedelta
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import BigInteger, and_, case, cast, func, literal, select, true, union_all
from sqlalchemy.orm import aliased

from app.db.core.snapshot import AnySession, planned_each_time
from app.db.core.statement import among
from app.db.days import store_day
from app.db.flow_reports import Key
from app.db.report_keys import NO_SHIFT, TIMES, time_key
from app.db.tables import (
    Entry,
    Movement,
    Product,
    PurchaseLine,
    PurchaseOrder,
    Stocktake,
    StocktakeVariance,
    Store,
)

O, N, S, P = PurchaseOrder, PurchaseLine, Store, Product  # noqa: E741
T, V, E, M = Stocktake, StocktakeVariance, Entry, Movement
OF_STORE = {
    O: and_(S.tenant_id == O.tenant_id, S.id == O.store_id),
    T: and_(S.tenant_id == T.tenant_id, S.id == T.store_id),
}
SUPPLIER_KEYS: dict[str, Any] = {
    "SUPPLIER": O.supplier_id,
    "STORE": O.store_id,
}
LINE_KEYS: dict[str, Any] = {"PRODUCT": N.product_id, "CATEGORY": P.category_id}


class SupplierSums(NamedTuple):
    """Counts of purchase orders. `late_days` is the sum over all late orders; `short` orders ended
    with goods missing; `lines` are those of ended orders. Values are in 1/10000 yuan."""

    orders: int = 0
    open: int = 0
    late: int = 0
    late_days: int = 0
    short: int = 0
    lines: int = 0
    short_lines: int = 0
    ordered: int = 0
    missing: int = 0


async def suppliers(
    session: AnySession,
    tenant: UUID,
    stores: Collection[UUID],
    days: tuple[date, date],
    group: str,
    supplier: UUID | None = None,
    shift: timedelta = NO_SHIFT,
) -> list[tuple[Key, SupplierSums]]:
    """Orders expected on these days that are not cancelled: the largest value first, or in order of
    time. By product or category an order counts in the row of each of its goods. The delay is
    measured to an ended order's last receipt, and to today for an open order."""
    last, lines = _last_receipt(), _lines(group)
    today, ended = store_day(S.timezone, func.now()), O.ended_at.is_not(None)
    delay = func.coalesce(case((ended, last.c.day), else_=today) - O.expected_on, 0)
    key, value = _supplier_key(group, lines, shift), _sum(lines.c.value)
    orders: Any = O.__table__
    joined = orders.join(S.__table__, OF_STORE[O]).join(lines, true()).join(last, true())
    query = (
        select(
            key,
            func.count(),
            func.count().filter(~ended),
            func.count().filter(delay > 0),
            _sum(func.greatest(delay, 0)),
            func.count().filter(ended, lines.c.short > 0),
            _sum(case((ended, lines.c.lines), else_=0)),
            _sum(case((ended, lines.c.short), else_=0)),
            value,
            _sum(case((ended, lines.c.missing), else_=0)),
        )
        .select_from(joined)
        .where(O.tenant_id == tenant, among(O.store_id, stores), O.state != "CANCELLED")
        .where(O.expected_on.between(*days))
        .group_by(key)
        .order_by(key if group in TIMES else value.desc(), key)
    )
    if supplier is not None:
        query = query.where(O.supplier_id == supplier)
    rows: Any = await planned_each_time(session).execute(query)
    return [(row[0], SupplierSums(*row[1:])) for row in rows]


def _supplier_key(group: str, lines: Any, shift: timedelta) -> Any:
    if group in LINE_KEYS:
        return lines.c.key
    if group in SUPPLIER_KEYS:
        return SUPPLIER_KEYS[group]
    return time_key(group, O.expected_on, shift)


def _last_receipt() -> Any:
    """SQL: one row with the day of the order's last receipt that was not reversed."""
    reversal = aliased(Movement)
    undone = select(reversal.id).where(
        reversal.tenant_id == M.tenant_id, reversal.reverses_id == M.id
    )
    return (
        select(func.max(M.business_date).label("day"))
        .where(M.tenant_id == O.tenant_id, M.document_id == O.id, M.kind == "RECEIPT")
        .where(~undone.correlate(M).exists())
        .correlate(O.__table__)
        .lateral("last_receipt")
    )


def _lines(group: str) -> Any:
    """SQL: the lines that were ordered, those of which goods are missing, and what both cost: of
    the whole order, or of each product or category in it."""
    short, keys = func.greatest(N.ordered - N.received, 0), _line_keys(group)
    query = (
        select(
            *(key.label("key") for key in keys),
            func.count().filter(N.ordered > 0).label("lines"),
            func.count().filter(short > 0).label("short"),
            _sum(N.ordered * N.unit_cost / N.scale).label("value"),
            _sum(short * N.unit_cost / N.scale).label("missing"),
        )
        .where(N.tenant_id == O.tenant_id, N.purchase_id == O.id)
        .correlate(O.__table__)
        .group_by(*keys)
    )
    if keys:
        query = query.join(P, and_(P.tenant_id == N.tenant_id, P.id == N.product_id))
    return query.lateral("order_lines")


def _line_keys(group: str) -> list[Any]:
    return [LINE_KEYS[group]] if group in LINE_KEYS else []


class StocktakeSums(NamedTuple):
    """The number of products counted and of those equal to the books, and the cost of variances in
    1/10000 yuan. The quantities `expected` and `found` are in base units of `scale`; they mean
    something for one product only."""

    counted: int = 0
    matching: int = 0
    missing: int = 0
    surplus: int = 0
    expected: int = 0
    found: int = 0
    scale: int = 1

    @property
    def net(self) -> int:
        """1/10000 yuan; negative if more is missing."""
        return self.surplus - self.missing


async def stocktakes(
    session: AnySession,
    tenant: UUID,
    stores: Collection[UUID],
    days: tuple[date, date] | None,
    group: str,
    stocktake: UUID | None = None,
    shift: timedelta = NO_SHIFT,
) -> list[tuple[Key, StocktakeSums]]:
    """Closed stocktakes that were not reversed, by the day on which they were closed: the largest
    variance first, or in order of time."""
    day = store_day(S.timezone, T.closed_at)
    chosen = (
        select(T.id, T.tenant_id, T.store_id, day.label("day"))
        .join(S, OF_STORE[T])
        .where(T.tenant_id == tenant, among(T.store_id, stores), T.state == "CLOSED")
    )
    if days is not None:
        chosen = chosen.where(day.between(*days))
    if stocktake is not None:
        chosen = chosen.where(T.id == stocktake)
    closed = chosen.cte("closed")
    parts = _variances(closed)
    keys: dict[str, Any] = {
        "STOCKTAKE": parts.c.id,
        "STORE": parts.c.store_id,
        "CATEGORY": P.category_id,
        "PRODUCT": parts.c.product_id,
    }
    key = keys[group] if group in keys else time_key(group, parts.c.day, shift)
    sums = [_sum(parts.c[name]) for name in StocktakeSums._fields[:-1]]
    query = (
        select(key, *sums, func.max(P.scale))
        .join_from(parts, P, and_(P.tenant_id == tenant, P.id == parts.c.product_id))
        .group_by(key)
        .order_by(key if group in TIMES else (sums[2] + sums[3]).desc(), key)
    )
    rows: Any = await planned_each_time(session).execute(query)
    return [(row[0], StocktakeSums(*row[1:])) for row in rows]


def _variances(closed: Any) -> Any:
    """SQL: for each product of these stocktakes whether it was equal to the books, and the cost of
    its variance entries."""
    zero = literal(0, BigInteger())
    lines = (
        select(
            closed.c.id,
            closed.c.store_id,
            closed.c.day,
            V.product_id,
            (func.sum(func.abs(V.counted - V.expected)) == 0).label("matches"),
            cast(func.sum(V.expected), BigInteger).label("expected"),
            cast(func.sum(V.counted), BigInteger).label("found"),
        )
        .join(V, and_(V.tenant_id == closed.c.tenant_id, V.stocktake_id == closed.c.id))
        .group_by(closed.c.id, closed.c.store_id, closed.c.day, V.product_id)
        .subquery("lines")
    )
    matches = cast(case((lines.c.matches, 1), else_=0), BigInteger)
    counts = select(
        lines.c.id,
        lines.c.store_id,
        lines.c.day,
        lines.c.product_id,
        literal(1, BigInteger()).label("counted"),
        matches.label("matching"),
        zero.label("missing"),
        zero.label("surplus"),
        lines.c.expected,
        lines.c.found,
    )
    posted = (
        select(
            closed.c.id,
            closed.c.store_id,
            closed.c.day,
            E.product_id,
            zero,
            zero,
            case((E.to_bin == "variance", func.coalesce(E.cost, 0)), else_=0),
            case((E.from_bin == "variance", func.coalesce(E.cost, 0)), else_=0),
            zero,
            zero,
        )
        .join(M, and_(M.tenant_id == closed.c.tenant_id, M.document_id == closed.c.id))
        .join(E, and_(E.tenant_id == M.tenant_id, E.movement_id == M.id))
    )
    return union_all(counts, posted).subquery("parts")


def _sum(column: Any) -> Any:
    return cast(func.coalesce(func.sum(column), 0), BigInteger)
