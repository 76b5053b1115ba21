"""Checkpoint days: how checkpoints are written and added up by store and day, and which entries
checkpoints do not have yet."""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import (
    BigInteger,
    Text,
    and_,
    bindparam,
    cast,
    column,
    func,
    literal,
    select,
)
from sqlalchemy.dialects.postgresql import JSONB, insert

from app.db.checkpoints import AT, KNOWN_AT, TENANT
from app.db.core.audit_checkpoints import DAYS_OF_CHECKPOINTS, TOTALS_OF_BALANCES
from app.db.core.postgres import connect
from app.db.core.snapshot import AnySession
from app.db.core.statement import Statement, among, arrays, rows
from app.db.core.unit import Unit
from app.db.days import day_began, first_movement_id, store_day
from app.db.tables import Checkpoint, CheckpointDay, CheckpointMark, Store

C, D, K = (table.__table__.c for table in (Checkpoint, CheckpointDay, CheckpointMark))
NAMES = [each.name for each in C if each.name not in ("tenant_id", "balances")]
MOST_ZONES_APART = timedelta(hours=26)
"""How much earlier a day begins in one time zone than in another, at most: a store may have got
another one since its checkpoints of today."""


def _write() -> Statement:
    """Inserts checkpoints, and adds those that were inserted to the days of their stores."""
    given: Any = rows("checkpoint", *(C[name] for name in NAMES), column("balances", Text()))
    values = select(TENANT, *(given.c[name] for name in NAMES), cast(given.c.balances, JSONB))
    inserted: Any = insert(Checkpoint).from_select(["tenant_id", *NAMES, "balances"], values)
    kept = inserted.on_conflict_do_nothing().returning(*(C[name] for name in NAMES)).cte("kept")
    before: Any = Checkpoint.__table__.alias("before")
    same = and_(
        before.c.tenant_id == TENANT,
        before.c.store_id == kept.c.store_id,
        before.c.product_id == kept.c.product_id,
        before.c.seq == kept.c.since_seq,
    )
    changes = {
        "on_hand": func.sum(kept.c.on_hand - func.coalesce(before.c.on_hand, 0)),
        "value": func.sum(kept.c.value - func.coalesce(before.c.value, 0)),
        "levels": func.count().filter(kept.c.on_hand != 0)
        - func.count().filter(before.c.on_hand != 0),
    }
    firsts = {name: func.min(kept.c[name]) for name in ("first_at", "first_known")}
    lasts = {name: func.max(kept.c[name]) for name in ("last_at", "last_known")}
    key = kept.c.store_id, kept.c.day
    days = (
        select(TENANT, *key, *changes.values(), *firsts.values(), *lasts.values())
        .select_from(kept)
        .join(before, same, isouter=True)
        .group_by(*key)
        # I4: two jobs that run at once lock the rows in the same order.
        .order_by(*key)
    )
    names = ["tenant_id", "store_id", "day", *changes, *firsts, *lasts]
    new = insert(CheckpointDay).from_select(names, days)
    return Statement(
        new.on_conflict_do_update(
            index_elements=["tenant_id", "store_id", "day"],
            set_={name: D[name] + new.excluded[name] for name in changes}
            | {name: func.least(D[name], new.excluded[name]) for name in firsts}
            | {name: func.greatest(D[name], new.excluded[name]) for name in lasts},
        )
    )


WRITE = _write()


async def write(unit: Unit, kept: Sequence[Checkpoint]) -> None:
    """Write checkpoints; one that another process has just written is left as it is."""
    records = [
        (*(getattr(row, name) for name in NAMES), orjson.dumps(row.balances).decode())
        for row in kept
    ]
    given = arrays("checkpoint", [*NAMES, "balances"], records)
    await WRITE.fetch(unit.raw, tenant=unit.tenant, **given)


def _mark() -> Statement:
    """Sets until when checkpoints have everything, after a run began at `started` that wrote all
    checkpoints that were due at `now`."""
    moments = (bindparam(name, type_=K.covered_until.type) for name in ("now", "started"))
    now, started = moments
    began = func.min(day_began(store_day(Store.timezone, now), Store.timezone))
    until = func.least(began, started) - literal(MOST_ZONES_APART)
    covered = select(TENANT, until).where(Store.tenant_id == TENANT).having(func.count() > 0)
    new = insert(CheckpointMark).from_select(["tenant_id", "covered_until"], covered)
    latest = func.greatest(K.covered_until, new.excluded.covered_until)
    return Statement(
        new.on_conflict_do_update(index_elements=["tenant_id"], set_={"covered_until": latest})
    )


MARK = _mark()


async def mark(unit: Unit, now: datetime, started: datetime) -> None:
    """Note that all checkpoints that were due at `now` are written.

    A level with a checkpoint of its store's day lacks only entries that were recorded on that day.
    """
    await MARK.fetch(unit.raw, tenant=unit.tenant, now=now, started=started)


async def first_uncovered(session: AnySession, tenant: UUID) -> UUID:
    """The smallest id of a movement of which checkpoints may lack an entry."""
    until = await session.scalar(select(K.covered_until).where(K.tenant_id == tenant))
    return UUID(int=0) if until is None else first_movement_id(until)


def days_of(tenant: UUID, stores: Collection[UUID]) -> Any:
    """SQL: the checkpoint days of these stores, each with whether all entries up to it had happened
    at AT and were recorded by KNOWN_AT."""
    span: dict[str, Any] = {"partition_by": D.store_id, "order_by": D.day}
    whole = and_(
        func.max(D.last_at).over(**span) <= AT, func.max(D.last_known).over(**span) <= KNOWN_AT
    )
    query = select(CheckpointDay.__table__, whole.label("is_whole"))
    return query.where(D.tenant_id == tenant, among(D.store_id, stores)).cte("days")


def sums_of(days: Any) -> Any:
    """SQL: for each store the sums of its whole days, and the last of them; both null without
    one."""
    sums = (
        cast(func.sum(days.c[name]).filter(days.c.is_whole), BigInteger).label(name)
        for name in ("on_hand", "value", "levels")
    )
    until = func.max(days.c.day).filter(days.c.is_whole).label("until")
    return select(days.c.store_id, until, *sums).group_by(days.c.store_id).cte("whole")


def parts_of(days: Any) -> Any:
    """SQL: the ranges of the checkpoints of later days that may have entries that had happened at
    AT and were recorded by KNOWN_AT."""
    C = Checkpoint.__table__.c
    moments = (each <= limit for each, limit in ((C.first_at, AT), (C.first_known, KNOWN_AT)))
    of_day = and_(C.tenant_id == TENANT, C.store_id == days.c.store_id, C.day == days.c.day)
    ends = C.since_seq.label("after_seq"), C.seq.label("until_seq")
    return (
        select(C.store_id, C.product_id, *ends)
        .join_from(days, Checkpoint.__table__, of_day)
        .where(~days.c.is_whole, days.c.first_at <= AT, days.c.first_known <= KNOWN_AT, *moments)
        .cte("parts")
    )


REBUILD = f"""
    INSERT INTO checkpoint_days (tenant_id, store_id, day, on_hand, value, levels, first_at,
        last_at, first_known, last_known)
    {DAYS_OF_CHECKPOINTS}
"""
TOTALS = f"""
    UPDATE checkpoints c SET on_hand = t.on_hand, value = t.value
    FROM ({TOTALS_OF_BALANCES}) t
    WHERE (t.tenant_id, t.store_id, t.product_id, t.seq)
        = (c.tenant_id, c.store_id, c.product_id, c.seq)
    AND (t.on_hand, t.value) IS DISTINCT FROM (c.on_hand, c.value)
"""


async def rebuild(owner_url: str) -> int:
    """Add the checkpoints up again by store and day, connected as the owner of the schema.

    Returns the number of rows. Which entries checkpoints have is noted again by the next run of
    their job; until then the past is read from all entries.
    """
    raw = await connect(owner_url)
    try:
        async with raw.transaction():
            await raw.execute("LOCK TABLE checkpoints, checkpoint_days IN SHARE ROW EXCLUSIVE MODE")
            await raw.execute("SET LOCAL row_security = off")
            await raw.execute(TOTALS)
            await raw.execute("DELETE FROM checkpoint_days")
            await raw.execute("DELETE FROM checkpoint_marks")
            return int((await raw.execute(REBUILD)).split()[-1])
    finally:
        await raw.close()
