"""The value of stock: now from the levels, at a past moment from the checkpoints of whole days and
later entries."""

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
    literal,
    select,
    true,
    union_all,
)

from app.db.categories import subtree
from app.db.checkpoint_days import days_of, first_uncovered, parts_of, sums_of
from app.db.checkpoints import AT, KNOWN_AT, TENANT
from app.db.core.snapshot import AnySession, planned_each_time
from app.db.core.statement import among
from app.db.flow_reports import Key
from app.db.tables import Checkpoint, Entry, Level, Movement, Product
from app.domain.rules.kinds import ON_HAND_BINS, PHYSICAL_BINS

C, E, M, L, P = (t.__table__.c for t in (Checkpoint, Entry, Movement, Level, Product))
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
    if moment is None:
        bound: dict[str, Any] = {}
        source = _present(tenant, filter, group)
    else:
        bound = {"tenant": tenant, "at": moment[0], "known_at": moment[1]}
        first = await first_uncovered(session, tenant)
        past = _past_stores if group == "STORE" and filter.category_id is None else _past_levels
        source = past(tenant, filter, group, first)
    held = source.subquery("held")
    value, levels = (cast(func.sum(held.c[name]), BigInteger) for name in ("value", "levels"))
    on_hand = cast(func.sum(held.c.on_hand), BigInteger)
    query = (
        select(held.c.key, value, on_hand, levels, func.max(held.c.scale))
        .group_by(held.c.key)
        .having((value != 0) | (levels != 0))
        .order_by(value.desc(), held.c.key)
    )
    rows: Any = await planned_each_time(session).execute(query, bound)
    return [(row[0], StockValue(*row[1:])) for row in rows]


def _present(tenant: UUID, filter: StockFilter, group: str) -> Any:
    on_hand = L.shelf + L.reserved + L.quarantine
    key = KEYS[group].label("key")
    columns = key, L.value, on_hand.label("on_hand"), _one_if(on_hand != 0), L.scale
    return of_levels(tenant, filter, *columns)


def _past_stores(tenant: UUID, filter: StockFilter, _: str, first: UUID) -> Any:
    """SQL: the sums of each store's whole days, and what later entries changed."""
    days = days_of(tenant, filter.stores)
    whole = sums_of(days)
    names = "value", "on_hand", "levels"
    kept = select(whole.c.store_id.label("key"), *(whole.c[name] for name in names))
    moved = _moved(days, filter.stores, first)
    base = _base(moved, whole)
    on_hand = func.coalesce(base.c.on_hand, 0)
    levels = _one_if(on_hand + moved.c.on_hand != 0) - _one_if(on_hand != 0)
    later = (
        select(moved.c.store_id, moved.c.value, moved.c.on_hand, levels.label("levels"))
        .select_from(moved)
        .join(whole, whole.c.store_id == moved.c.store_id, isouter=True)
        .join(base, true(), isouter=True)
    )
    parts = union_all(kept, later).subquery("parts")
    return select(parts, literal(1).label("scale"))


def _past_levels(tenant: UUID, filter: StockFilter, group: str, first: UUID) -> Any:
    """SQL: what each level held at its last checkpoint of its store's whole days, and what later
    entries changed."""
    key = KEYS[group].label("key")
    levels = of_levels(tenant, filter, L.store_id, L.product_id, key, L.scale).cte("chosen")
    days = days_of(tenant, filter.stores)
    whole = sums_of(days)
    moved = _moved(days, filter.stores, first)
    base = _base(levels, whole)
    same = and_(moved.c.store_id == levels.c.store_id, moved.c.product_id == levels.c.product_id)
    value, on_hand = (
        func.coalesce(base.c[name], 0) + func.coalesce(moved.c[name], 0)
        for name in ("value", "on_hand")
    )
    columns = value.label("value"), on_hand.label("on_hand"), _one_if(on_hand != 0)
    return (
        select(levels.c.key, *columns, levels.c.scale)
        .select_from(levels)
        .join(whole, whole.c.store_id == levels.c.store_id, isouter=True)
        .join(base, true(), isouter=True)
        .join(moved, same, isouter=True)
    )


def _base(levels: Any, whole: Any) -> Any:
    """SQL: the last checkpoint of each of these levels in its store's whole days."""
    return (
        select(C.on_hand, C.value)
        .where(C.tenant_id == TENANT, C.store_id == levels.c.store_id)
        .where(C.product_id == levels.c.product_id, C.day <= whole.c.until)
        .order_by(C.seq.desc())
        .limit(1)
        .lateral("base")
    )


def _moved(days: Any, stores: Collection[UUID], first: UUID) -> Any:
    """SQL: what entries after the whole days changed in each level that they touched."""
    changes = union_all(*_changes(parts_of(days)), *_uncovered(stores, first)).subquery("changes")
    level = changes.c.store_id, changes.c.product_id
    sums = (
        cast(func.sum(changes.c[name]), BigInteger).label(name) for name in ("value", "on_hand")
    )
    return select(*level, *sums).group_by(*level).cte("moved")


def _in(bins: Sequence[str], bin: Any, amount: Any) -> Any:
    """SQL: the amount if the bin is one of these, else 0."""
    return case((bin.in_(bins), amount), else_=0)


SAME_STORE = E.to_store == E.from_store


def _left(bins: Sequence[str], amount: Any) -> Any:
    """SQL: what an entry changes in the level that it leaves. A move inside one level has its
    position on that side."""
    return case((SAME_STORE, _in(bins, E.to_bin, amount)), else_=0) - _in(bins, E.from_bin, amount)


def _entered(bins: Sequence[str], amount: Any) -> Any:
    """SQL: what an entry changes in the level that it enters."""
    return _in(bins, E.to_bin, amount)


def _side(store: Any, seq: Any, amount: Any) -> tuple[Any, Any, Any, Any]:
    """SQL: one side of an entry: its store, its position, and what it changes there."""
    value = cast(amount(PHYSICAL_BINS, func.coalesce(E.cost, 0)), BigInteger)
    on_hand = cast(amount(ON_HAND_BINS, E.quantity), BigInteger)
    return store, seq, value.label("value"), on_hand.label("on_hand")


SIDES = (
    _side(E.from_store, E.from_seq, _left),
    _side(E.to_store, E.to_seq, _entered),
)
OF_ENTRY = and_(M.tenant_id == E.tenant_id, M.id == E.movement_id)
KNOWN = and_(M.occurred_at <= AT, M.recorded_at <= KNOWN_AT)


def _changes(ranges: Any) -> list[Any]:
    """SQL: what the entries of these ranges that had happened changed."""
    return [
        select(ranges.c.store_id, ranges.c.product_id, value, on_hand)
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
        .join(Movement.__table__, OF_ENTRY)
        .where(KNOWN)
        for store, seq, value, on_hand in SIDES
    ]


def _uncovered(stores: Collection[UUID], first: UUID) -> list[Any]:
    """SQL: what the entries without a checkpoint changed; their movements begin with this id."""
    return [
        select(store.label("store_id"), E.product_id, value, on_hand)
        .join_from(Movement.__table__, Entry.__table__, OF_ENTRY)
        .where(M.tenant_id == TENANT, M.id >= first, E.tenant_id == TENANT, KNOWN)
        .where(E.movement_id >= first, among(store, stores), seq > _covered(store))
        for store, seq, value, on_hand in SIDES
    ]


def _covered(store: Any) -> Any:
    """SQL: the position of the last checkpoint of an entry's level; 0 without one."""
    theirs = C.tenant_id == TENANT, C.store_id == store, C.product_id == E.product_id
    last = select(func.max(C.seq)).where(*theirs).correlate(Entry.__table__).scalar_subquery()
    return func.coalesce(last, 0)


def _one_if(condition: Any) -> Any:
    return case((condition, 1), else_=0).label("levels")
