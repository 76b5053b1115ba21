"""Roots of the assortment."""

import strawberry
from strawberry.types import Info

from app.domain.access import Can
from app.domain.catalog.assortment import AssortmentRequest, set_assortment
from app.resolvers.roots import root
from app.schema import assortment as types
from app.schema.window import as_window


@strawberry.type
class AssortmentMutation:
    @root(
        Can.EDIT_CATALOG,
        types.AssortmentResult,
        description="List products in stores and channels, or no longer list them. Without an "
        "entry a product is listed in the stores that have stocked it. 设置上架范围",
    )
    async def set_assortment(self, info: Info, input: types.SetAssortmentInput):
        channels = None if input.channels is None else [each.name for each in input.channels]
        request = AssortmentRequest(
            input.key,
            input.product_ids,
            input.category_id,
            input.store_ids,
            channels,
            input.listed,
        )
        products = await set_assortment(info.context.app.db, info.context.viewer, request)
        return types.ChangedAssortment(products=as_window(products))
