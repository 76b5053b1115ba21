"""What a closing of a stocktake reads and writes: posted variances, and when goods were counted."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import Uuid, and_, bindparam, delete, func, select, update

from app.db.core.statement import Statement, among, arrays, rows
from app.db.core.unit import Database, Unit
from app.db.levels import Pair, bind_levels, level_keys
from app.db.stocktakes import OPEN, insertion
from app.db.tables import (
    Level,
    Stocktake,
    StocktakeCount,
    StocktakeLine,
    StocktakeVariance,
    ZoneCount,
)

S, L, C = Stocktake, StocktakeLine, StocktakeCount


async def pending_products(unit: Unit, row: Stocktake) -> list[UUID]:
    """The counted products of the stocktake whose variance is not posted yet, in its order."""
    counted = select(C.product_id).distinct().where(C.tenant_id == unit.tenant)
    counted = counted.where(C.stocktake_id == row.id, C.replaced_by.is_(None))
    lines = select(L.product_id).where(L.tenant_id == unit.tenant, L.stocktake_id == row.id)
    products = set((await unit.session.scalars(counted)).all())
    # Two reads and no join: its plan depends on statistics that a new stocktake does not have.
    pending = await unit.session.scalars(lines.where(L.posted_at.is_(None)).order_by(L.id))
    return [product for product in pending if product in products]


async def unposted(unit: Unit, row: Stocktake, products: Collection[UUID]) -> set[UUID]:
    """Those of these products whose variance is not posted yet."""
    query = select(L.product_id).where(L.tenant_id == unit.tenant, L.stocktake_id == row.id)
    query = query.where(among(L.product_id, products), L.posted_at.is_(None))
    return set((await unit.session.scalars(query)).all())


class VarianceRow(NamedTuple):
    """A posted variance as it is written; see `tables.StocktakeVariance`."""

    product_id: UUID
    part: int
    batch_id: UUID | None
    seq: int
    expected: int
    late: int
    counted: int
    counted_at: datetime


PUT_VARIANCES = insertion(StocktakeVariance, VarianceRow._fields)


async def put_variances(unit: Unit, row: Stocktake, variances: Sequence[VarianceRow]) -> None:
    new = arrays("new", list(VarianceRow._fields), variances)
    await PUT_VARIANCES.fetch(unit.raw, tenant=unit.tenant, stocktake=row.id, **new)


async def interrupted_closings(db: Database, tenant: UUID, before: datetime) -> Sequence[Stocktake]:
    """The stocktakes in CLOSING that posted their latest lines before this moment."""
    posted = (
        select(func.max(L.posted_at))
        .where(L.tenant_id == S.tenant_id, L.stocktake_id == S.id)
        .scalar_subquery()
    )
    query = (
        select(S)
        .where(S.tenant_id == tenant, OPEN, S.state == "CLOSING", posted < before)
        .order_by(S.id)
    )
    async with db.read(tenant) as session:
        return (await session.scalars(query)).all()


async def mark_posted(unit: Unit, row: Stocktake, products: Collection[UUID]) -> None:
    await unit.session.execute(
        update(L)
        .where(L.tenant_id == unit.tenant, L.stocktake_id == row.id)
        .where(among(L.product_id, products))
        .values(posted_at=unit.now)
        .execution_options(synchronize_session=False)
    )


class CountTimes(NamedTuple):
    """When the counts of a product were taken: the first, and the last if it was later. `zones` has
    the moments of zones that were counted at one moment, if the zones have different moments."""

    first: datetime
    last: datetime | None
    zones: Mapping[str, datetime]


async def mark_counted(unit: Unit, store: UUID, counted: Mapping[UUID, CountTimes]) -> None:
    """Record in the levels, which the unit has locked, when their goods were counted."""
    V = Level.__table__.c
    times = rows("times", V.product_id, V.counted_at, V.counted_until)
    query = (
        update(Level)
        .where(V.tenant_id == bindparam("tenant", type_=Uuid()))
        .where(V.store_id == bindparam("store", type_=Uuid()), V.product_id == times.c.product_id)
        .values(
            counted_at=func.greatest(V.counted_at, times.c.counted_at),
            counted_until=times.c.counted_until,
        )
        .execution_options(synchronize_session=False)
    )
    moments = [(product, each.first, each.last) for product, each in counted.items()]
    given = arrays("times", ["product_id", "counted_at", "counted_until"], moments)
    await unit.session.execute(query, {"tenant": unit.tenant, "store": store, **given})
    await _put_zone_counts(unit, store, counted)


async def _put_zone_counts(unit: Unit, store: UUID, counted: Mapping[UUID, CountTimes]) -> None:
    products = list(counted)
    await unit.session.execute(
        delete(ZoneCount)
        .where(ZoneCount.tenant_id == unit.tenant, ZoneCount.store_id == store)
        .where(among(ZoneCount.product_id, products))
        .execution_options(synchronize_session=False)
    )
    unit.session.add_all(
        ZoneCount(
            tenant_id=unit.tenant, store_id=store, product_id=product, zone=zone, counted_at=at
        )
        for product, each in counted.items()
        for zone, at in each.zones.items()
    )


Z = ZoneCount.__table__.c
_keys = level_keys()
ZONE_COUNTS = Statement(
    select(Z.store_id, Z.product_id, Z.zone, Z.counted_at).join_from(
        _keys,
        ZoneCount,
        and_(
            Z.tenant_id == bindparam("tenant", type_=Uuid()),
            Z.store_id == _keys.c.store_id,
            Z.product_id == _keys.c.product_id,
        ),
    )
)


async def zone_counts(
    unit: Unit, pairs: Collection[Pair]
) -> Sequence[tuple[UUID, UUID, str, datetime]]:
    """When the zones of these levels were counted: store, product, zone, moment."""
    records = await ZONE_COUNTS.fetch(unit.raw, tenant=unit.tenant, **bind_levels(pairs))
    return [(store, product, zone, at) for store, product, zone, at in records]


async def unmark_counted(unit: Unit, row: Stocktake) -> None:
    """Clear the count times of levels whose latest count is this stocktake."""
    V, H = StocktakeVariance, Level
    mine = and_(V.tenant_id == H.tenant_id, V.stocktake_id == row.id, V.product_id == H.product_id)
    await unit.session.execute(
        update(H)
        .where(H.tenant_id == unit.tenant, H.store_id == row.store_id)
        .where(select(V.part).where(mine, V.counted_at == H.counted_at).exists())
        .values(counted_at=None, counted_until=None)
        .execution_options(synchronize_session=False)
    )
