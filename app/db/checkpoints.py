"""Checkpoints: the positions from which the history of a level is read, and the levels that need a
new one."""

from collections.abc import Collection, Sequence
from datetime import date, datetime
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    Text,
    and_,
    bindparam,
    column,
    func,
    literal,
    select,
    true,
    union_all,
)

from app.db.core.snapshot import AnySession
from app.db.core.statement import arrays, rows
from app.db.days import store_day
from app.db.levels import Pair, bind_levels, level_keys
from app.db.tables import Checkpoint, Level, Store

C = Checkpoint.__table__.c
TENANT = bindparam("tenant", type_=C.tenant_id.type)
AT = bindparam("at", type_=C.last_at.type)
KNOWN_AT = bindparam("known_at", type_=C.last_known.type)
END = 2**63 - 1
"""A position after every entry."""


class Range(NamedTuple):
    """The entries of a level after the position `after_seq`, up to `until_seq`."""

    store_id: UUID
    product_id: UUID
    after_seq: int
    until_seq: int


def ranges() -> Any:
    """A table of ranges that `bind_ranges` binds as an argument."""
    names = (column(name, BigInteger()) for name in ("after_seq", "until_seq"))
    return rows("ranges", C.store_id, C.product_id, *names)


def bind_ranges(values: Collection[Range]) -> dict[str, list[Any]]:
    """The arguments of a statement with `ranges`."""
    return arrays("ranges", list(Range._fields), list(values))


KEYS = level_keys()


def _newest(*conditions: Any, keys: Any = KEYS) -> Any:
    """SQL: the checkpoint of each key with the highest position that fulfils these conditions."""
    theirs = C.tenant_id == TENANT, C.store_id == keys.c.store_id, C.product_id == keys.c.product_id
    return (
        select(Checkpoint.__table__)
        .where(*theirs, *conditions)
        .order_by(C.seq.desc())
        .limit(1)
        .lateral("newest")
    )


def usable_of(keys: Any) -> Any:
    """SQL: the latest checkpoint of each of these levels all of whose entries had happened at AT
    and were recorded by KNOWN_AT."""
    return _newest(C.last_at <= AT, C.last_known <= KNOWN_AT, keys=keys)


def bases_of(keys: Any) -> Any:
    """SQL: these levels, each with the position and balances of its latest usable checkpoint; the
    position is 0 without one."""
    usable = usable_of(keys)
    seq = func.coalesce(usable.c.seq, 0).label("seq")
    bases = select(keys, seq, usable.c.balances).select_from(keys)
    return bases.join(usable, true(), isouter=True).cte("bases")


def balances_in(kept: Any) -> Any:
    """SQL: the balances of a checkpoint as a table."""
    columns = (
        column("batch_id", C.tenant_id.type),
        column("bin", Text()),
        column("quantity", BigInteger()),
        column("value", BigInteger()),
    )
    table = func.jsonb_to_recordset(kept.c.balances).table_valued(*columns, name="kept")
    return table.render_derived(with_types=True)


def unread_of(since: Any) -> Any:
    """SQL: the ranges after these positions that may have entries that had happened at AT and were
    recorded by KNOWN_AT."""
    theirs = and_(
        C.tenant_id == TENANT, C.store_id == since.c.store_id, C.product_id == since.c.product_id
    )
    level = since.c.store_id, since.c.product_id
    ends = C.since_seq.label("after_seq"), C.seq.label("until_seq")
    kept = select(*level, *ends).select_from(since).join(Checkpoint.__table__, theirs)
    # A part of the history is skipped when none of its entries had happened or none was recorded.
    parts = kept.where(C.seq > since.c.seq, C.first_at <= AT, C.first_known <= KNOWN_AT)
    latest = select(func.coalesce(func.max(C.seq), 0).label("seq")).where(theirs).lateral("latest")
    rest = select(*level, latest.c.seq, literal(END, BigInteger())).join_from(since, latest, true())
    return select(union_all(parts, rest).subquery("unread"))


class DueLevel(NamedTuple):
    """A level with movements after its last checkpoint, which is of an earlier day of the store."""

    store_id: UUID
    product_id: UUID
    version: int
    day: date


async def due_levels(
    session: AnySession, tenant: UUID, now: datetime, after: Pair | None, limit: int
) -> list[DueLevel]:
    """A page of the levels that need a checkpoint at this moment."""
    today = store_day(Store.timezone, literal(now, C.last_at.type))
    theirs = and_(
        C.tenant_id == Level.tenant_id,
        C.store_id == Level.store_id,
        C.product_id == Level.product_id,
    )
    newer = select(C.seq).where(theirs, (C.seq == Level.version) | (C.day >= today))
    query: Any = (
        select(Level.store_id, Level.product_id, Level.version, today)
        .join(Store, and_(Store.tenant_id == Level.tenant_id, Store.id == Level.store_id))
        .where(Level.tenant_id == tenant, Level.version > 0, ~newer.exists())
        .order_by(Level.store_id, Level.product_id)
        .limit(limit)
    )
    if after is not None:
        store, product = after
        behind = (Level.store_id == store) & (Level.product_id > product)
        query = query.where((Level.store_id > store) | behind)
    return [DueLevel(*row) for row in await session.execute(query)]


class Latest(NamedTuple):
    """The last checkpoint of a level."""

    store_id: UUID
    product_id: UUID
    seq: int
    last_at: datetime
    last_known: datetime
    balances: Sequence[dict[str, Any]]


_LAST = _newest()
LATEST = select(*(_LAST.c[name] for name in Latest._fields)).select_from(KEYS).join(_LAST, true())


async def latest(session: AnySession, tenant: UUID, pairs: Collection[Pair]) -> dict[Pair, Latest]:
    """The last checkpoint of each of these levels that has one."""
    kept = await session.execute(LATEST, {"tenant": tenant, **bind_levels(pairs)})
    last = [Latest(*row) for row in kept]
    return {(each.store_id, each.product_id): each for each in last}
