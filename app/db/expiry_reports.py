"""Reports of goods that expire, now and at a past moment."""

from collections.abc import Collection
from datetime import date, datetime
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import BigInteger, Date, and_, cast, func, select, union_all

from app.db.categories import subtree
from app.db.core.snapshot import AnySession, planned_each_time
from app.db.core.statement import among
from app.db.days import first_movement_id, store_day
from app.db.flow_reports import Key
from app.db.report_keys import TIMES, time_key
from app.db.stock_values import StockFilter
from app.db.tables import Batch, BatchLevel, Entry, Level, Movement, Product, Store
from app.domain.rules.kinds import ON_HAND_BINS

H, E, M = BatchLevel.__table__.c, Entry.__table__.c, Movement.__table__.c
B, V, I, S = (table.__table__.c for table in (Batch, Level, Product, Store))  # noqa: E741
HELD = H.shelf + H.reserved + H.quarantine


class ExpirySums(NamedTuple):
    """The value of goods that expire, in 1/10000 yuan by days left, and the number of their
    batches. `on_hand` is in base units of `scale`, which is meaningful for one product only."""

    batches: int = 0
    on_hand: int = 0
    value: int = 0
    expired: int = 0
    within_7: int = 0
    within_15: int = 0
    scale: int = 1


def batch_value(held: Any = HELD) -> Any:
    """SQL: 1/10000 yuan of a batch's goods, at the batch's cost if it is known, otherwise at the
    level's average."""
    return held * func.coalesce(B.unit_cost, V.unit_cost, 0) / I.scale


async def expiring(
    session: AnySession,
    tenant: UUID,
    filter: StockFilter,
    within: int,
    group: str,
    at: datetime | None = None,
) -> list[tuple[Key, ExpirySums]]:
    """Goods on hand that have expired or expire within `within` days by the clock of their store:
    by the day of expiry, or with the largest value first.

    At a past moment they are valued at the present costs, and their days count as the days that
    lie as far ahead now.
    """
    goods, now = _goods(tenant, filter.stores, at), func.now()
    day, today = B.expires_on, store_day(S.timezone, now if at is None else at)
    left, value = day - today, batch_value(goods.c.held)
    counted = day if at is None else cast(store_day(S.timezone, now) + left, Date)
    keys = {"STORE": goods.c.store_id, "CATEGORY": I.category_id, "PRODUCT": goods.c.product_id}
    key = keys[group] if group in keys else time_key(group, counted)

    def until(days: int) -> Any:
        return _sum(value, left.between(0, days))

    query = (
        select(
            key,
            func.count(),
            _sum(goods.c.held),
            _sum(value),
            _sum(value, left < 0),
            until(7),
            until(15),
            func.max(I.scale),
        )
        .join_from(goods, S.id.table, and_(S.tenant_id == tenant, S.id == goods.c.store_id))
        .join(B.id.table, and_(B.tenant_id == tenant, B.id == goods.c.batch_id))
        .join(I.id.table, and_(I.tenant_id == tenant, I.id == goods.c.product_id))
        .join(
            V.store_id.table,
            and_(
                V.tenant_id == tenant,
                V.store_id == goods.c.store_id,
                V.product_id == goods.c.product_id,
            ),
        )
        .where(day < date.max, day <= today + within)
        .group_by(key)
        .order_by(key if group in TIMES else _sum(value).desc(), key)
    )
    if at is None:
        query = query.where(goods.c.expires_on < date.max, goods.c.expires_on <= today + within)
    if filter.category_id is not None:
        query = query.where(I.category_id.in_(subtree(tenant, filter.category_id)))
    rows: Any = await planned_each_time(session).execute(query)
    return [(row[0], ExpirySums(*row[1:])) for row in rows]


def _goods(tenant: UUID, stores: Collection[UUID], at: datetime | None) -> Any:
    """SQL: what each store has on hand of each batch, or had: what happened since is undone."""
    columns = H.store_id, H.product_id, H.batch_id, HELD.label("held")
    present = select(*columns).where(H.tenant_id == tenant, among(H.store_id, stores))
    if at is None:
        return present.add_columns(H.expires_on).where(HELD > 0).subquery("goods")
    parts = union_all(present, *_undone(tenant, stores, at)).subquery("parts")
    batch = parts.c.store_id, parts.c.product_id, parts.c.batch_id
    held = cast(func.sum(parts.c.held), BigInteger)
    return select(*batch, held.label("held")).group_by(*batch).having(held > 0).subquery("goods")


def _undone(tenant: UUID, stores: Collection[UUID], at: datetime) -> list[Any]:
    """SQL: what the movements that happened after the moment took from each batch, and gave."""
    first = first_movement_id(at)
    return [
        select(store, E.product_id, E.batch_id, E.quantity * sign)
        .join_from(
            E.movement_id.table, M.id.table, and_(M.tenant_id == tenant, M.id == E.movement_id)
        )
        .where(E.tenant_id == tenant, E.movement_id >= first, M.occurred_at > at)
        .where(among(store, stores), E.batch_id.is_not(None), bin.in_(ON_HAND_BINS))
        for store, bin, sign in ((E.from_store, E.from_bin, 1), (E.to_store, E.to_bin, -1))
    ]


def _sum(column: Any, condition: Any = None) -> Any:
    sum_ = func.sum(column) if condition is None else func.sum(column).filter(condition)
    return cast(func.coalesce(sum_, 0), BigInteger)
