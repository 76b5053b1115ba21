"""Sums of the roll-ups for reports, by day, store, category, product, channel or reason."""

from collections.abc import Callable, Collection, Sequence
from datetime import date, timedelta
from typing import Any, Generic, NamedTuple, TypeVar
from uuid import UUID

from sqlalchemy import BigInteger, and_, case, cast, func, literal, or_, select, true, union_all

from app.db.categories import subtree
from app.db.core.snapshot import AnySession, planned_each_time
from app.db.core.statement import among
from app.db.report_keys import NO_SHIFT, TIMES, time_key
from app.db.tables import Product, RollUp

U, P = RollUp.__table__.c, Product.__table__.c
KEYS: dict[str, Any] = {
    "HOUR": U.hour,
    "STORE": U.store_id,
    "CATEGORY": P.category_id,
    "PRODUCT": U.product_id,
    "CHANNEL": U.channel,
    "REASON": U.reason,
}
"""The keys by which a report can be grouped, beside days, weeks and months."""
SALES = ("SOLD", "RETURNED")
LOSSES = ("WASTED", "MISSING", "FOUND")
Key = date | int | UUID | str | None
Sums = TypeVar("Sums")


class FlowFilter(NamedTuple):
    """Which roll-ups are summed: `days` are the first and the last business day. Each day counts
    as the day that is `shift` later. With `keys` only the rows of these keys are read; the total is
    of all."""

    stores: Collection[UUID]
    days: tuple[date, date]
    category_id: UUID | None = None
    channel: str | None = None
    shift: timedelta = NO_SHIFT
    keys: Collection[Key] | None = None


class SalesSums(NamedTuple):
    """Sales less returns. `revenue` and `discount` are in fen, `cost` in 1/10000 yuan; quantities
    are in base units of `scale`, which is meaningful for one product only."""

    revenue: int = 0
    cost: int = 0
    discount: int = 0
    sold: int = 0
    returned: int = 0
    scale: int = 1

    @property
    def margin(self) -> int:
        """1/10000 yuan."""
        return self.revenue * 100 - self.cost


class LossSums(NamedTuple):
    """The cost of losses in 1/10000 yuan: goods written off, missing in counts, and found in
    counts."""

    wasted: int = 0
    missing: int = 0
    surplus: int = 0

    @property
    def loss(self) -> int:
        """1/10000 yuan."""
        return self.wasted + self.missing - self.surplus


class Grouped(NamedTuple, Generic[Sums]):
    """Rows by key, in order of time or the largest first, and the sums of all that was chosen."""

    rows: list[tuple[Key, Sums]]
    total: Sums


async def sales(
    session: AnySession, tenant: UUID, filter: FlowFilter, group: str, limit: int
) -> Grouped[SalesSums]:
    """What customers took and kept; the row of the largest revenue comes first."""
    sold, returned = U.flow == "SOLD", U.flow == "RETURNED"
    kept = case((sold, 1), else_=-1)
    sums = (
        func.sum(U.amount * kept),
        func.sum(U.cost * kept),
        func.sum(U.discount * kept),
        func.sum(U.quantity).filter(sold),
        func.sum(U.quantity).filter(returned),
    )
    rows, total = await _grouped(session, tenant, filter, SALES, group, sums, _first, limit)
    return Grouped(
        [(key, SalesSums(*sums, scale=scale)) for key, scale, sums in rows], SalesSums(*total)
    )


async def losses(
    session: AnySession, tenant: UUID, filter: FlowFilter, group: str, limit: int
) -> Grouped[LossSums]:
    """What was lost; the row of the largest loss comes first."""
    sums = [func.sum(U.cost).filter(U.flow == flow) for flow in LOSSES]
    rows, total = await _grouped(session, tenant, filter, LOSSES, group, sums, _loss, limit)
    return Grouped([(key, LossSums(*sums)) for key, _, sums in rows], LossSums(*total))


async def total_sales(session: AnySession, tenant: UUID, filter: FlowFilter) -> SalesSums:
    """The sales of all that the filter chooses."""
    return (await sales(session, tenant, filter, "CHANNEL", 1)).total


def _first(sums: Sequence[Any]) -> Any:
    return sums[0]


def _loss(sums: Sequence[Any]) -> Any:
    wasted, missing, surplus = sums
    return wasted + missing - surplus


async def _grouped(
    session: AnySession,
    tenant: UUID,
    filter: FlowFilter,
    flows: Collection[str],
    group: str,
    sums: Sequence[Any],
    largest: Callable[[Sequence[Any]], Any],
    limit: int,
) -> tuple[list[tuple[Key, int, Sequence[int]]], Sequence[int]]:
    """The first rows (key, scale of a product, sums), and the sums of all rows; one scan."""
    # Products are joined to sums of each: there are far fewer of them than roll-ups.
    of_products = group in ("PRODUCT", "CATEGORY")
    of_days = group in ("DAY", "WEEK", "MONTH")
    # Days become weeks and months when there are few of them.
    key = U.product_id if of_products else U.day if of_days else KEYS[group]
    facts = (
        _facts(tenant, filter, flows, key.label("key"), *_named(sums)).group_by(key).cte("facts")
    )
    if of_products:
        facts = _by_product(tenant, facts, group, len(sums))
    if of_days and (group != "DAY" or filter.shift):
        facts = _by_time(facts, time_key(group, facts.c.key, filter.shift), len(sums))
    scale = facts.c.scale if of_products else literal(1).label("scale")
    chosen = select(facts.c.key, scale, *_columns(facts, len(sums)))
    if filter.keys is not None:
        chosen = chosen.where(_is_one_of(facts.c.key, filter.keys))
    row, totals = chosen.subquery("chosen"), _totals(facts, len(sums))
    columns = _columns(row, len(sums))
    query = (
        select(row.c.key, row.c.scale, *map(_whole, columns), *totals.c)
        .select_from(totals.outerjoin(row, true()))
        .order_by(row.c.key if group in TIMES else largest(columns).desc(), row.c.key)
        .limit(limit)
    )
    rows: Any = (await planned_each_time(session).execute(query)).all()
    end = 2 + len(sums)
    # Without rows the totals stand alone: then there is no scale.
    return [(row[0], row[1], row[2:end]) for row in rows if row[1] is not None], rows[0][end:]


def _is_one_of(key: Any, keys: Collection[Key]) -> Any:
    given = among(key, [each for each in keys if each is not None])
    return or_(given, key.is_(None)) if None in keys else given


def _totals(facts: Any, count: int) -> Any:
    """SQL: one row with the sums of all rows."""
    sums = [_whole(func.coalesce(func.sum(each), 0)) for each in _columns(facts, count)]
    return select(*(each.label(f"total_{place}") for place, each in enumerate(sums))).subquery(
        "totals"
    )


def _facts(tenant: UUID, filter: FlowFilter, flows: Collection[str], *columns: Any) -> Any:
    query = (
        select(*columns)
        .where(U.tenant_id == tenant, among(U.store_id, filter.stores), among(U.flow, flows))
        .where(U.day.between(*filter.days))
    )
    if filter.category_id is not None:
        inside = select(P.id).where(
            P.tenant_id == tenant, P.category_id.in_(subtree(tenant, filter.category_id))
        )
        query = query.where(U.product_id.in_(inside))
    if filter.channel is not None:
        query = query.where(U.channel == filter.channel)
    return query


def _by_product(tenant: UUID, facts: Any, group: str, count: int) -> Any:
    """SQL: sums of products with their scale, or added up by category."""
    of_product = and_(P.tenant_id == tenant, P.id == facts.c.key)
    columns = _columns(facts, count)
    if group == "PRODUCT":
        query = select(facts.c.key, P.scale, *_named(columns))
    else:
        added = _named([func.sum(each) for each in columns])
        query = select(P.category_id.label("key"), literal(1).label("scale"), *added)
        query = query.group_by(P.category_id)
    return query.join_from(facts, Product.__table__, of_product).cte("by_product")


def _by_time(facts: Any, key: Any, count: int) -> Any:
    """SQL: sums of days, added up by this key."""
    added = _named([func.sum(each) for each in _columns(facts, count)])
    return select(key.label("key"), *added).group_by(key).cte("by_time")


def _named(sums: Sequence[Any]) -> list[Any]:
    return [func.coalesce(each, 0).label(f"sum_{place}") for place, each in enumerate(sums)]


def _columns(facts: Any, count: int) -> list[Any]:
    return [facts.c[f"sum_{place}"] for place in range(count)]


def _whole(number: Any) -> Any:
    return cast(number, BigInteger)


class SalesWindow(NamedTuple):
    """Days in some stores, each until the end of an hour."""

    stores: Collection[UUID]
    days: Collection[date]
    hour: int


def sales_in(tenant: UUID, windows: Sequence[SalesWindow]) -> Any:
    """SQL: the store, day and `SalesSums` of the windows, of each store and day on which it sold at
    any time."""
    sold = U.flow == "SOLD"
    kept = case((sold, 1), else_=-1)
    sums = {
        "revenue": func.sum(U.amount * kept),
        "cost": func.sum(U.cost * kept),
        "discount": func.sum(U.discount * kept),
        "sold": func.sum(case((sold, U.quantity), else_=0)),
        "returned": func.sum(case((sold, 0), else_=U.quantity)),
    }

    def part(window: SalesWindow) -> Any:
        until = U.hour <= window.hour
        columns = (
            _whole(func.coalesce(each.filter(until), 0)).label(name) for name, each in sums.items()
        )
        return (
            select(U.store_id, U.day, *columns)
            .where(U.tenant_id == tenant, among(U.store_id, window.stores))
            .where(among(U.day, window.days), among(U.flow, SALES))
            .group_by(U.store_id, U.day)
        )

    return select(*union_all(*map(part, windows)).subquery("windows").c)
