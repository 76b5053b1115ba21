"""Roots of the feed topic: subscriptions."""

from collections.abc import AsyncIterable
from uuid import UUID

import strawberry
from strawberry.types import Info

from app.db import identity
from app.db.tables import Direction
from app.domain import access
from app.domain.access import Can
from app.domain.errors import Malformed
from app.domain.rules.texts import clean
from app.resolvers.menu import sees_stock
from app.resolvers.roots import root
from app.schema import feed as types
from app.schema.catalog import Channel, named
from app.schema.scalars import Revision

MOST_PRODUCTS = 200


@strawberry.type
class FeedSubscription:
    @root(
        Can.SEE_STOCK,
        types.StoreFeed,
        subscription=True,
        description="Everything that happens in a store, within a second. 门店实时库存",
    )
    async def store_feed(
        self, info: Info, store_id: UUID, after: Revision | None = None
    ) -> AsyncIterable[object]:
        viewer = info.context.viewer
        access.at(viewer, Can.SEE_STOCK, store_id)
        return info.context.app.hub.follow(viewer.tenant, store_id, after)

    @root(
        Can.BROWSE,
        types.AvailabilityChange,
        subscription=True,
        description="Labels of products as customers of a store see them. 实时标签",
    )
    async def availability_feed(
        self, info: Info, store: str, product_ids: list[UUID], channel: Channel | None = None
    ) -> AsyncIterable[object]:
        if not 1 <= len(product_ids) <= MOST_PRODUCTS:
            raise Malformed(f"productIds: from 1 to {MOST_PRODUCTS} are needed")
        found = await _store(info, store)
        asked = found.tenant_id, found.subject_id, product_ids, named(channel)
        return info.context.app.hub.follow_labels(*asked)

    @root(
        Can.BROWSE,
        types.MenuChange,
        subscription=True,
        description="Dishes and services of a store, told again when a shared ingredient moves: "
        "every number for its staff, labels for customers. 实时菜单",
    )
    async def menu_feed(
        self, info: Info, store: str, channel: Channel | None = None
    ) -> AsyncIterable[object]:
        found = await _store(info, store)
        exact = sees_stock(info, found.tenant_id, found.subject_id)
        asked = found.tenant_id, found.subject_id, exact, named(channel)
        return info.context.app.hub.follow_menu(*asked)


async def _store(info: Info, store: str) -> Direction:
    code = clean(store, "store", 100, required=True)
    found = await identity.direct(info.context.app.db, "store", code)
    if found is None:
        raise Malformed(f"store: no store has the code {code!r}")
    return found
