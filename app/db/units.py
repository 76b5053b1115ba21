"""A product's own units (a case, a bottle) and their sizes."""

from collections.abc import Collection, Sequence
from uuid import UUID

from sqlalchemy import delete, select

from app.db.core.snapshot import AnySession
from app.db.core.statement import among
from app.db.core.unit import Unit
from app.db.tables import ProductUnit


async def units_of(
    session: AnySession, tenant: UUID, products: Collection[UUID]
) -> Sequence[ProductUnit]:
    """The products' own units, the largest first."""
    query = (
        select(ProductUnit)
        .where(ProductUnit.tenant_id == tenant, among(ProductUnit.product_id, products))
        .order_by(ProductUnit.product_id, ProductUnit.size.desc(), ProductUnit.name)
    )
    return (await session.scalars(query)).all()


async def sizes(
    session: AnySession, tenant: UUID, products: Collection[UUID]
) -> dict[UUID, dict[str, int]]:
    """Base units in each of the products' own units."""
    by_product: dict[UUID, dict[str, int]] = {}
    for row in await units_of(session, tenant, products):
        by_product.setdefault(row.product_id, {})[row.name] = row.size
    return by_product


async def replace(unit: Unit, product: UUID, sizes: dict[str, int]) -> None:
    """Replace the product's own units."""
    await unit.session.execute(
        delete(ProductUnit).where(
            ProductUnit.tenant_id == unit.tenant, ProductUnit.product_id == product
        )
    )
    for name, size in sizes.items():
        unit.session.add(
            ProductUnit(tenant_id=unit.tenant, product_id=product, name=name, size=size)
        )
    await unit.session.flush()
