"""The value of stock: now from the levels, at a past moment from checkpoints and later entries."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    and_,
    case,
    cast,
    func,
    select,
    true,
    union_all,
)

from app.db.categories import subtree
from app.db.checkpoints import AT, KNOWN_AT, TENANT, balances_in, bases_of, unread_of
from app.db.core.snapshot import AnySession, planned_each_time
from app.db.core.statement import among
from app.db.flow_reports import Key
from app.db.tables import Entry, Level, Movement, Product
from app.domain.rules.kinds import ON_HAND_BINS, PHYSICAL_BINS

E, M, L, P = (table.__table__.c for table in (Entry, Movement, Level, Product))
OF_PRODUCT = and_(P.tenant_id == L.tenant_id, P.id == L.product_id)
KEYS: dict[str, Any] = {"STORE": L.store_id, "CATEGORY": P.category_id, "PRODUCT": L.product_id}
"""The keys by which stock can be grouped."""


class StockFilter(NamedTuple):
    """Which levels are summed: of these stores, and of a category with those below it."""

    stores: Collection[UUID]
    category_id: UUID | None = None


class StockValue(NamedTuple):
    """The value of levels in 1/10000 yuan, their quantity on hand in base units of `scale`, which
    is meaningful for one product only, and the number of levels that hold goods."""

    value: int = 0
    on_hand: int = 0
    levels: int = 0
    scale: int = 1


def of_levels(tenant: UUID, filter: StockFilter, *columns: Any) -> Any:
    """SQL: these columns of the levels that the filter chooses, and of their products."""
    query = (
        select(*columns)
        .join_from(Level.__table__, Product.__table__, OF_PRODUCT)
        .where(L.tenant_id == tenant, among(L.store_id, filter.stores))
    )
    if filter.category_id is not None:
        query = query.where(P.category_id.in_(subtree(tenant, filter.category_id)))
    return query


async def values(
    session: AnySession,
    tenant: UUID,
    filter: StockFilter,
    group: str,
    moment: tuple[datetime, datetime] | None = None,
) -> list[tuple[Key, StockValue]]:
    """Stock by key that is not empty, the largest value first.

    `moment` is the past moment, and the time up to which movements count as recorded; None: now.
    The session must be a snapshot.
    """
    source = _past(tenant, filter, group) if moment else _present(tenant, filter, group)
    held = source.subquery("held")
    value = func.sum(held.c.value)
    query = (
        select(
            held.c.key,
            cast(value, BigInteger),
            cast(func.sum(held.c.on_hand), BigInteger),
            func.count().filter(held.c.on_hand != 0),
            func.max(held.c.scale),
        )
        .group_by(held.c.key)
        .having(func.bool_or((held.c.value != 0) | (held.c.on_hand != 0)))
        .order_by(value.desc(), held.c.key)
    )
    at, known_at = moment or (None, None)
    bound = {"tenant": tenant, "at": at, "known_at": known_at} if moment else {}
    rows: Any = await planned_each_time(session).execute(query, bound)
    return [(row[0], StockValue(*row[1:])) for row in rows]


def _present(tenant: UUID, filter: StockFilter, group: str) -> Any:
    on_hand = L.shelf + L.reserved + L.quarantine
    key = KEYS[group].label("key")
    return of_levels(tenant, filter, key, L.value, on_hand.label("on_hand"), L.scale)


def _past(tenant: UUID, filter: StockFilter, group: str) -> Any:
    """SQL: what each level held at the moment, as in `history.balances`."""
    key = KEYS[group].label("key")
    columns = L.store_id, L.product_id, L.version, key, L.scale
    levels = of_levels(tenant, filter, *columns).cte("chosen")
    bases = bases_of(levels)
    kept = balances_in(bases)
    of_bases = select(
        bases.c.store_id,
        bases.c.product_id,
        kept.c.value,
        _in(ON_HAND_BINS, kept.c.bin, kept.c.quantity).label("on_hand"),
    ).join_from(bases, kept, true())
    since = unread_of(bases).cte("since")
    parts = union_all(of_bases, *_changes(since)).subquery("parts")
    sums = (
        select(
            parts.c.store_id,
            parts.c.product_id,
            func.sum(parts.c.value).label("value"),
            func.sum(parts.c.on_hand).label("on_hand"),
        )
        .group_by(parts.c.store_id, parts.c.product_id)
        .subquery("sums")
    )
    same = and_(sums.c.store_id == levels.c.store_id, sums.c.product_id == levels.c.product_id)
    return select(levels.c.key, sums.c.value, sums.c.on_hand, levels.c.scale).join_from(
        levels, sums, same
    )


def _changes(ranges: Any) -> list[Any]:
    """SQL: what the entries of these ranges that had happened changed, by the side of the level
    that has the position. A move inside one level has it in the `from` columns."""
    inside = E.to_store == E.from_store

    def left(bins: Sequence[str], amount: Any) -> Any:
        return case((inside, _in(bins, E.to_bin, amount)), else_=0) - _in(bins, E.from_bin, amount)

    cost = func.coalesce(E.cost, 0)
    sides = (
        (E.from_store, E.from_seq, left(PHYSICAL_BINS, cost), left(ON_HAND_BINS, E.quantity)),
        (
            E.to_store,
            E.to_seq,
            _in(PHYSICAL_BINS, E.to_bin, cost),
            _in(ON_HAND_BINS, E.to_bin, E.quantity),
        ),
    )
    return [
        select(
            ranges.c.store_id,
            ranges.c.product_id,
            cast(value, BigInteger).label("value"),
            cast(on_hand, BigInteger).label("on_hand"),
        )
        .select_from(ranges)
        .join(
            Entry.__table__,
            and_(
                E.tenant_id == TENANT,
                store == ranges.c.store_id,
                E.product_id == ranges.c.product_id,
                seq > ranges.c.after_seq,
                seq <= ranges.c.until_seq,
            ),
        )
        .join(Movement.__table__, and_(M.tenant_id == E.tenant_id, M.id == E.movement_id))
        .where(M.occurred_at <= AT, M.recorded_at <= KNOWN_AT)
        for store, seq, value, on_hand in sides
    ]


def _in(bins: Sequence[str], bin: Any, amount: Any) -> Any:
    """SQL: the amount if the bin is one of these, else 0."""
    return case((bin.in_(bins), amount), else_=0)
