"""Reads of what imports compare their rows with."""

from collections.abc import Collection
from uuid import UUID

from sqlalchemy import and_, case, func, select

from app.db.core.snapshot import AnySession
from app.db.core.statement import among
from app.db.tables import Entry, Movement


async def openings(
    session: AnySession, tenant: UUID, store: UUID, products: Collection[UUID]
) -> dict[UUID, int]:
    """The opening stock of these products in the store that is not reversed, in base units."""
    signed = case((Entry.from_bin == "opening", Entry.quantity), else_=-Entry.quantity)
    query = (
        select(Entry.product_id, func.sum(signed))
        .join(
            Movement,
            and_(Movement.tenant_id == Entry.tenant_id, Movement.id == Entry.movement_id),
        )
        .where(
            Entry.tenant_id == tenant,
            Movement.store_id == store,
            among(Entry.product_id, products),
            (Entry.from_bin == "opening") | (Entry.to_bin == "opening"),
        )
        .group_by(Entry.product_id)
    )
    return {product: int(base) for product, base in await session.execute(query)}
