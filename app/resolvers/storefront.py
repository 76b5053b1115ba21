"""The root of the storefront, open to everyone."""

import strawberry
from strawberry.types import Info

from app.db import catalog, identity
from app.domain.access import Can
from app.domain.rules.texts import clean
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
        db = info.context.app.db
        found = await identity.direct(db, "store", clean(store, "store", 50, required=True))
        if found is None:
            return None
        async with db.read(found.tenant_id) as session:
            [row] = await identity.stores_by_id(session, found.tenant_id, [found.subject_id])
            categories = await catalog.categories(session, found.tenant_id)
        return types.Storefront(
            store=as_window(row), categories=as_window(categories), channel=channel
        )
