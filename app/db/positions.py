"""Positions of levels in their history, and the entries that changed what they have on hand."""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import and_, bindparam, case, func, select, tuple_, union_all

from app.db.core.snapshot import AnySession
from app.db.core.statement import among, arrays, rows
from app.db.tables import (
    BatchLevel,
    Entry,
    Level,
    Movement,
    Stocktake,
    StocktakeLine,
    StocktakeVariance,
    ZoneCount,
)
from app.domain.rules.kinds import CONSUMING_BINS, ON_HAND_BINS

E, M, L = (table.__table__.c for table in (Entry, Movement, Level))


class Position(NamedTuple):
    """A level's state at one position: the quantities in its bins, in base units."""

    seq: int
    on_hand: int
    reserved: int
    quarantine: int
    transit: int
    value: int
    unit_cost: int | None


class EntryStep(NamedTuple):
    """An entry that changed what a level has on hand: a `Step` of `domain.rules.counting`."""

    seq: int
    change: int
    batch_id: UUID | None
    movement_id: UUID
    occurred_at: datetime
    dated: bool
    zone: str | None


async def positions(
    session: AnySession, tenant: UUID, store: UUID, products: Collection[UUID]
) -> dict[UUID, Position]:
    """The present position of each product's level in the store; one row is one moment."""
    on_hand = Level.shelf + Level.reserved + Level.quarantine
    columns = (Level.reserved, Level.quarantine, Level.transit, Level.value, Level.unit_cost)
    query: Any = select(Level.product_id, Level.version, on_hand, *columns).where(
        Level.tenant_id == tenant, Level.store_id == store, among(Level.product_id, products)
    )
    return {row[0]: Position(*row[1:]) for row in await session.execute(query)}


async def batches_on_hand(
    session: AnySession, tenant: UUID, store: UUID, products: Collection[UUID]
) -> dict[UUID, dict[UUID, int]]:
    """Base units on hand of each batch of these products in the store, in FEFO order."""
    H = BatchLevel
    query = (
        select(H.product_id, H.batch_id, H.shelf + H.reserved + H.quarantine)
        .where(H.tenant_id == tenant, H.store_id == store, among(H.product_id, products))
        .order_by(H.product_id, H.expires_on, H.batch_id)
    )
    held: dict[UUID, dict[UUID, int]] = {}
    for product, batch, quantity in await session.execute(query):
        held.setdefault(product, {})[batch] = quantity
    return held


def _steps(store: Any) -> Any:
    """SQL: the entries of these levels after a position, each with its change of the on-hand
    quantity."""
    keys = rows("since", L.product_id, L.version)

    def on_hand(bin: Any) -> Any:
        return case((bin.in_(ON_HAND_BINS), E.quantity), else_=0)

    stays = case((E.to_store == E.from_store, on_hand(E.to_bin)), else_=0)
    sides = (
        (E.from_store, E.from_seq, stays - on_hand(E.from_bin)),
        (E.to_store, E.to_seq, on_hand(E.to_bin)),
    )
    return union_all(
        *(
            select(
                E.product_id,
                seq.label("seq"),
                change.label("change"),
                E.batch_id,
                M.id.label("movement_id"),
                M.occurred_at,
                M.dated,
                # The zone is one of the movement's own store.
                case((M.store_id == store, E.zone)).label("zone"),
                M.recorded_at,
            )
            .select_from(keys)
            .join(
                Entry.__table__,
                and_(
                    E.tenant_id == bindparam("tenant", type_=E.tenant_id.type),
                    side == store,
                    E.product_id == keys.c.product_id,
                    seq > keys.c.version,
                ),
            )
            .join(Movement.__table__, and_(M.tenant_id == E.tenant_id, M.id == E.movement_id))
            for side, seq, change in sides
        )
    ).subquery("steps")


STORE = bindparam("store", type_=L.store_id.type)
STEPS = _steps(STORE)
CHANGES = (
    select(*(STEPS.c[name] for name in ("product_id", *EntryStep._fields)))
    .where(STEPS.c.change != 0)
    .order_by(STEPS.c.product_id, STEPS.c.seq)
)


async def steps_since(
    session: AnySession, tenant: UUID, store: UUID, since: Mapping[UUID, int]
) -> dict[UUID, list[EntryStep]]:
    """The entries after each product's position that changed what it has on hand."""
    if not since:
        return {}
    keys = arrays("since", ["product_id", "version"], list(since.items()))
    steps: dict[UUID, list[EntryStep]] = {}
    for row in await session.execute(CHANGES, {"tenant": tenant, "store": store, **keys}):
        steps.setdefault(row[0], []).append(EntryStep(*row[1:]))
    return steps


RECENT = 500
"""How many of a level's last entries are searched for the position at which a count began."""


def _first_after() -> Any:
    moments = rows("moments", L.product_id, L.counted_at)
    return (
        select(STEPS.c.product_id, moments.c.counted_at, func.min(STEPS.c.seq))
        .join(moments, moments.c.product_id == STEPS.c.product_id)
        .where(STEPS.c.recorded_at > moments.c.counted_at)
        .group_by(STEPS.c.product_id, moments.c.counted_at)
    )


FIRST_AFTER = _first_after()


async def positions_at(
    session: AnySession,
    tenant: UUID,
    store: UUID,
    now: Mapping[UUID, Position],
    moments: Collection[tuple[UUID, datetime]],
) -> dict[tuple[UUID, datetime], int]:
    """The position that a product's level had at each of these moments; `now` are the present ones.

    A moment before the last RECENT entries has the position before those.
    """
    products = {product for product, _ in moments}
    since = [(product, max(0, now[product].seq - RECENT)) for product in products]
    parameters = arrays("since", ["product_id", "version"], since)
    parameters |= arrays("moments", ["product_id", "counted_at"], list(moments))
    query: Any = await session.execute(
        FIRST_AFTER, {"tenant": tenant, "store": store, **parameters}
    )
    first = {(product, at): seq for product, at, seq in query}
    return {
        (product, at): first.get((product, at), now[product].seq + 1) - 1 for product, at in moments
    }


LATEST = 1000
"""How many entries after the position of a closed count are searched for late sales."""


def _late_sales(tenant: UUID, lines: Collection[tuple[UUID, UUID]], gained: bool) -> Any:
    """SQL: sales that happened before the counts of these lines and were recorded after them. Those
    recorded before the variances were posted; if `gained`, those recorded later, whose goods were
    booked in from `variance`."""
    S, N, V, Z = Stocktake, StocktakeLine, StocktakeVariance, ZoneCount
    store, seq = (E.to_store, E.to_seq) if gained else (E.from_store, E.from_seq)
    bins = (
        (E.from_bin == "variance", E.to_bin == "shelf", M.recorded_at > N.posted_at)
        if gained
        else (E.from_bin == "shelf", E.to_bin.in_(CONSUMING_BINS), M.recorded_at <= N.posted_at)
    )
    line = V.stocktake_id, V.product_id
    zone = and_(
        Z.tenant_id == V.tenant_id,
        Z.store_id == S.store_id,
        Z.product_id == V.product_id,
        Z.zone == E.zone,
    )
    own = and_(
        E.tenant_id == V.tenant_id,
        store == S.store_id,
        E.product_id == V.product_id,
        seq.between(V.seq + 1, V.seq + LATEST),
    )
    return (
        select(
            *line,
            seq.label("seq"),
            (-E.quantity).label("change"),
            E.batch_id,
            M.id.label("movement_id"),
            M.occurred_at,
            M.dated,
            E.zone,
        )
        .join(S, and_(S.tenant_id == V.tenant_id, S.id == V.stocktake_id))
        .join(N, and_(N.tenant_id == V.tenant_id, N.stocktake_id == V.stocktake_id))
        .join(Entry, own)
        .join(Movement, and_(M.tenant_id == E.tenant_id, M.id == E.movement_id))
        .outerjoin(Z, zone)
        .where(V.tenant_id == tenant, V.part == 1, N.product_id == V.product_id, M.dated, *bins)
        .where(M.occurred_at < func.greatest(V.counted_at, Z.counted_at))
        .where(tuple_(*line).in_(list(lines)))
    )


async def late_sales(
    session: AnySession, tenant: UUID, lines: Collection[tuple[UUID, UUID]]
) -> dict[tuple[UUID, UUID], list[EntryStep]]:
    """The sales of these posted lines (stocktake, product) that happened before their counts and
    were recorded after them, so that their goods are deducted once: by the sale or by the
    variance."""
    parts = [_late_sales(tenant, lines, gained) for gained in (False, True)]
    rows = union_all(*parts).subquery("late")
    sales: dict[tuple[UUID, UUID], list[EntryStep]] = {line: [] for line in lines}
    query: Any = await session.execute(select(rows).order_by(rows.c.seq))
    for stocktake, product, *step in query:
        sales[stocktake, product].append(EntryStep(*step))
    return sales
