"""Roots of the units topic."""

import strawberry
from strawberry.types import Info

from app.db.tables import Product
from app.domain.access import Can
from app.domain.catalog import units
from app.domain.catalog.units import Pack
from app.resolvers.roots import root
from app.schema import units as types
from app.schema.catalog_changes import ProductResult


@strawberry.type
class UnitsMutation:
    @root(
        Can.EDIT_CATALOG,
        ProductResult,
        description="Replace the product's other units and their conversions. 设置单位换算",
    )
    async def set_units(self, info: Info, input: types.SetUnitsInput) -> Product:
        context = info.context
        packs = [Pack(each.name, each.quantity, each.of) for each in input.units]
        return await units.set_units(
            context.app.db,
            context.viewer,
            input.key,
            input.product_id,
            packs,
            input.display_unit,
            input.opened_unit,
        )
