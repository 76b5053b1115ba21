"""Roots of the feed topic: subscriptions."""

from collections.abc import AsyncIterable, Sequence
from typing import Annotated, Any
from uuid import UUID

import strawberry
from strawberry.types import Info

from app.db.tables import Direction
from app.domain import access
from app.domain.access import Can
from app.domain.errors import Malformed
from app.resolvers.menu import public_place, sees_stock
from app.resolvers.roots import root
from app.schema import feed as types
from app.schema.arguments import StoreCode, StoreIds, at_most
from app.schema.catalog import RulesOf, named
from app.schema.scalars import Revision
from app.schema.topics import ORDERS, STOCKTAKES, TOPICS, DocumentTopic

MOST_PRODUCTS = 200


def store_feed(topics: Sequence[DocumentTopic]) -> Any:
    """The root that follows a store, with a field per topic in its events."""

    @root(
        Can.SEE_STOCK,
        types.store_feed(topics),
        subscription=True,
        description="Follow a store's stock and documents; a change arrives within a second. "
        "门店实时库存",
    )
    async def store_feed(
        self: Any,
        info: Info,
        store_id: Annotated[UUID, strawberry.argument(description="ID of the store to follow.")],
        after: Annotated[
            Revision | None,
            strawberry.argument(
                description="Revision of the last event that you have; the feed resumes behind it. "
                "If omitted, the feed starts with a snapshot."
            ),
        ] = None,
    ) -> AsyncIterable[object]:
        viewer = info.context.viewer
        access.at(viewer, Can.SEE_STOCK, store_id)
        return info.context.app.hub.follow(viewer.tenant, store_id, after)

    return store_feed


def document_feed(topic: DocumentTopic) -> Any:
    """The root that follows a topic's documents in some stores."""

    @root(
        topic.can,
        types.document_change(topic),
        subscription=True,
        description=f"Follow {topic.title.lower()} of these stores, or of all your stores: open "
        f"ones first, the oldest first, then those that change. 实时{topic.chinese}",
    )
    async def document_feed(
        self: Any, info: Info, store_ids: StoreIds = None
    ) -> AsyncIterable[object]:
        viewer = info.context.viewer
        stores = access.some(viewer, topic.can, store_ids)
        return info.context.app.hub.follow_documents(topic, viewer.tenant, stores)

    return document_feed


def subscriptions(topics: Sequence[DocumentTopic]) -> type:
    """The store feed and a feed per topic; feeds that follow one document too are with their
    topic."""
    own = (ORDERS, STOCKTAKES)
    roots = {topic.feed: document_feed(topic) for topic in topics if topic not in own}
    return strawberry.type(type("Subscriptions", (), {"store_feed": store_feed(topics), **roots}))


TopicsSubscription = subscriptions(TOPICS)


@strawberry.type
class FeedSubscription:
    @root(
        Can.BROWSE,
        types.AvailabilityChange,
        subscription=True,
        description="Follow the labels that customers of a store see. The first event contains all "
        "products asked for. 实时标签",
    )
    async def availability_feed(
        self,
        info: Info,
        store: StoreCode,
        product_ids: Annotated[
            list[UUID],
            strawberry.argument(
                description="IDs of the products to follow.", metadata=at_most(MOST_PRODUCTS)
            ),
        ],
        channel: RulesOf = None,
    ) -> AsyncIterable[object]:
        if not 1 <= len(product_ids) <= MOST_PRODUCTS:
            raise Malformed(
                "productIds",
                f"商品须为 1 至 {MOST_PRODUCTS} 种",
                f"Products: give 1 to {MOST_PRODUCTS}.",
            )
        place = await _place(info, store)
        return info.context.app.hub.follow_labels(
            place.tenant_id, place.subject_id, product_ids, named(channel)
        )

    @root(
        Can.BROWSE,
        types.MenuChange,
        subscription=True,
        description="Follow the dishes and services of a store, including changes by shared "
        "ingredients. Staff see exact quantities, customers see labels. 实时菜单",
    )
    async def menu_feed(
        self, info: Info, store: StoreCode, channel: RulesOf = None
    ) -> AsyncIterable[object]:
        place = await _place(info, store)
        where = place.tenant_id, place.subject_id
        return info.context.app.hub.follow_menu(*where, sees_stock(info, place), named(channel))


async def _place(info: Info, code: str) -> Direction:
    place = await public_place(info, code)
    if place is None:
        raise Malformed("store", f"没有编码为 {code} 的门店", f"No store has the code {code!r}.")
    return place
