"""The root of the storefront, open to everyone."""

import strawberry
from strawberry.types import Info

from app.domain.access import Can
from app.resolvers.menu import public_store
from app.resolvers.roots import root
from app.schema import storefront as types
from app.schema.arguments import StoreCode
from app.schema.catalog import RulesOf
from app.schema.window import as_window


@strawberry.type
class StorefrontQuery:
    @root(
        Can.BROWSE,
        types.Storefront | None,
        description="Return the storefront of a store by its public code, without signing in; "
        "null if no store has this code. 店铺前台",
    )
    async def storefront(
        self, info: Info, store: StoreCode, channel: RulesOf = None
    ) -> types.Storefront | None:
        row = await public_store(info, store)
        if row is not None:
            info.context.public_stores.add((row.tenant_id, row.id))
        return row and types.Storefront(store=as_window(row), channel=channel)
