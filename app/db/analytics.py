"""Analytics: any sums of the roll-ups by any keys, in one statement."""

from collections.abc import Collection, Mapping, Sequence
from datetime import date, timedelta
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    Date,
    Integer,
    Interval,
    Numeric,
    and_,
    case,
    cast,
    false,
    func,
    literal,
    select,
    true,
    tuple_,
    union_all,
)

from app.db.categories import subtree
from app.db.core.snapshot import AnySession, planned_each_time
from app.db.core.statement import among
from app.db.tables import Product, RollUp

U, P = RollUp.__table__.c, Product.__table__.c
OF_PRODUCT = and_(P.tenant_id == U.tenant_id, P.id == U.product_id)
SUMMED = (U.store_id, U.product_id, U.flow, U.hour, U.channel, U.reason)
VALUES = (U.quantity, U.cost, U.discount, U.amount)


Days = tuple[date, date]


class Choice(NamedTuple):
    """Which roll-ups are summed. A period has its first and last day; None does not filter."""

    stores: Collection[UUID]
    period: Days
    earlier: Days | None
    category_id: UUID | None = None
    products: Collection[UUID] | None = None
    channels: Collection[str] | None = None
    weekdays: Collection[int] | None = None


class Order(NamedTuple):
    """The sum or the key that the rows are sorted by: its index in `sums` or `dimensions`."""

    sum: int | None
    whole: int | None
    key: int | None
    descending: bool


class Sums(NamedTuple):
    """One row: its keys, the sums of the period and of the earlier one, and the scale of its
    product's quantities. The total has no keys."""

    keys: tuple[Any, ...]
    now: tuple[int, ...]
    then: tuple[int, ...]
    scale: int


async def summed(
    session: AnySession,
    tenant: UUID,
    choice: Choice,
    sums: Sequence[Mapping[tuple[str, str], int]],
    dimensions: Sequence[str],
    order: Order,
    limit: int,
) -> tuple[Sums, list[Sums]]:
    """The total, and the first rows. Each sum adds up columns of flows, multiplied by their
    factors.

    A day of the earlier period is shown as the day of the period that it is compared with.
    """
    facts = _facts(tenant, choice, {flow for terms in sums for flow, _ in terms})
    keys = [_key(facts, each).label(f"key_{place}") for place, each in enumerate(dimensions)]
    now = [_sum(facts, terms, ~facts.c.earlier) for terms in sums]
    then = [_sum(facts, terms, facts.c.earlier) for terms in sums]
    is_total = func.grouping(*keys) if keys else literal(1)
    query = (
        select(*keys, is_total.label("grouping"), *now, *then, func.max(P.scale))
        .join_from(
            facts, Product.__table__, and_(P.tenant_id == tenant, P.id == facts.c.product_id)
        )
        .limit(limit + 1)
    )
    if keys:
        query = query.group_by(func.grouping_sets(tuple_(*keys), tuple_()))
        query = query.order_by(is_total.desc(), *_in_order(order, now, keys), *keys)
    rows: Any = (await planned_each_time(session).execute(query)).all()
    width, count = len(keys), len(sums)
    read = [
        Sums(
            tuple(row[:width]),
            tuple(row[width + 1 : width + 1 + count]),
            tuple(row[width + 1 + count : -1]),
            row[-1] or 1,
        )
        for row in rows
    ]
    return read[0], read[1 : limit + 1]


def _facts(tenant: UUID, choice: Choice, flows: Collection[str]) -> Any:
    """SQL: the chosen roll-ups of both periods, each with the day on which it counts."""

    def of(period: Days, earlier: Any, shift: timedelta) -> Any:
        day = cast(U.day + literal(shift, Interval()), Date) if shift else U.day
        query = select(*SUMMED, *VALUES, day.label("day"), earlier.label("earlier")).where(
            U.tenant_id == tenant, among(U.store_id, choice.stores), U.day.between(*period)
        )
        query = query.where(among(U.flow, sorted(flows)))
        if choice.category_id is not None:
            below = subtree(tenant, choice.category_id)
            inside = select(P.id).where(P.tenant_id == tenant, P.category_id.in_(below))
            query = query.where(U.product_id.in_(inside))
        if choice.products is not None:
            query = query.where(among(U.product_id, choice.products))
        if choice.channels is not None:
            query = query.where(among(U.channel, choice.channels))
        if choice.weekdays is not None:
            query = query.where(_weekday(U.day).in_(choice.weekdays))
        return query

    facts = of(choice.period, false(), timedelta())
    if choice.earlier is None:
        return facts.subquery("facts")
    shift = choice.period[0] - choice.earlier[0]
    return union_all(facts, of(choice.earlier, true(), shift)).subquery("facts")


def _key(facts: Any, dimension: str) -> Any:
    match dimension:
        case "WEEK" | "MONTH":
            return cast(func.date_trunc(dimension.lower(), facts.c.day), Date)
        case "WEEKDAY":
            return _weekday(facts.c.day)
        case "CATEGORY":
            return P.category_id
        case "STORE" | "PRODUCT":
            return facts.c[f"{dimension.lower()}_id"]
        case _:
            return facts.c[dimension.lower()]


def _weekday(day: Any) -> Any:
    return cast(func.extract("isodow", day), Integer)


def _sum(facts: Any, terms: Mapping[tuple[str, str], int], of_period: Any) -> Any:
    cases = [
        case((facts.c.flow == flow, facts.c[column] * factor), else_=0)
        for (flow, column), factor in terms.items()
    ]
    total = func.sum(sum(cases[1:], cases[0])).filter(of_period)
    return cast(func.coalesce(total, 0), BigInteger)


def _in_order(order: Order, now: Sequence[Any], keys: Sequence[Any]) -> list[Any]:
    if order.key is not None:
        by = keys[order.key]
    elif order.sum is None:
        return []
    elif order.whole is None:
        by = now[order.sum]
    else:
        by = cast(now[order.sum], Numeric) / func.nullif(now[order.whole], 0)
    return [(by.desc() if order.descending else by.asc()).nulls_last()]
