"""The moment at which a level last received goods, read from the ledger after a reversal."""

from collections.abc import Collection

from sqlalchemy import Uuid, and_, bindparam, exists, func, or_, select, update

from app.db.core.statement import Statement
from app.db.core.unit import Unit
from app.db.levels import Pair, bind_levels, level_keys
from app.db.tables import Entry, Level, Movement

TENANT = bindparam("tenant", type_=Uuid())
E, L, M = (table.__table__.c for table in (Entry, Level, Movement))


def _rereading() -> Statement:
    keys = level_keys()
    reversals = Movement.__table__.alias("reversal")
    undone = exists().where(reversals.c.tenant_id == M.tenant_id, reversals.c.reverses_id == M.id)
    kept = or_(E.to_bin == "shelf", E.came_expired)
    shipped = and_(E.from_bin == "transit", E.from_store == E.to_store, kept)
    last = (
        select(func.max(M.occurred_at))
        .join_from(
            Entry.__table__,
            Movement.__table__,
            and_(M.tenant_id == E.tenant_id, M.id == E.movement_id),
        )
        .where(E.tenant_id == TENANT, E.to_store == L.store_id, E.product_id == L.product_id)
        .where(or_(E.from_bin == "supplier", shipped), M.kind != "REVERSAL", ~undone)
        .correlate(Level.__table__)
        .scalar_subquery()
    )
    mine = (L.tenant_id == TENANT, L.store_id == keys.c.store_id)
    return Statement(
        update(Level).values(received_at=last).where(*mine, L.product_id == keys.c.product_id)
    )


REREAD = _rereading()


async def reread_last_receipts(unit: Unit, levels: Collection[Pair]) -> None:
    """Set `received_at` of these locked levels to their latest receipt that is not reversed."""
    await REREAD.fetch(unit.raw, tenant=unit.tenant, **bind_levels(levels))
