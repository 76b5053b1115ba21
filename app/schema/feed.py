"""Events of subscriptions."""

from collections.abc import Callable, Sequence
from datetime import datetime
from functools import cache
from typing import Annotated, Any, TypeVar
from uuid import UUID

import strawberry
from strawberry.types import Info

from app.domain import feed
from app.domain.catalog.menu import Serving
from app.schema.boundary import EVERY, OF_ROOT
from app.schema.catalog import Availability, Product
from app.schema.edges import edge
from app.schema.menu import MenuDish
from app.schema.scalars import Revision
from app.schema.stock import Level
from app.schema.storefront import LowerPrice, lower_price
from app.schema.topics import DocumentTopic
from app.schema.window import window

T = TypeVar("T", bound=type)


def open_documents(topic: DocumentTopic) -> Any:
    """The field of a snapshot: the store's open documents, none without the permission."""

    async def resolve(root: strawberry.Parent[feed.Snapshot], info: Info) -> list[Any]:
        return await info.context.loaders_of(root).open_documents(topic).load(root.store)

    return strawberry.field(
        resolver=resolve,
        graphql_type=list[topic.type],
        description=f"{topic.title} that are open, the oldest first. {topic.chinese}",
    )


def changed_documents(topic: DocumentTopic) -> Any:
    """The field of a change: the documents that changed, none without the permission."""

    async def resolve(root: strawberry.Parent[feed.Change], info: Info) -> list[Any]:
        if not root.documents:
            return []
        rows = (
            await info.context.loaders_of(root).documents(topic).load_many(sorted(root.documents))
        )
        return [row for row in rows if row is not None]

    return strawberry.field(
        resolver=resolve,
        graphql_type=list[topic.type],
        description=f"{topic.title} that changed, as they are now. {topic.chinese}",
    )


def with_fields(
    topics: Sequence[DocumentTopic], field: Callable[[DocumentTopic], Any]
) -> Callable[[T], T]:
    """Adds a field per topic to a class that becomes a GraphQL type."""

    def decorate(cls: T) -> T:
        for topic in topics:
            setattr(cls, topic.name, field(topic))
        return cls

    return decorate


@cache
def document_change(topic: DocumentTopic) -> Any:
    """The GraphQL type of the topic's own feed."""

    def rows(root: strawberry.Parent[feed.DocumentChange]) -> list[Any]:
        return list(root.rows.values())

    class Documents:
        has_more: bool = strawberry.field(
            description="More of the documents that were open at the start follow in the next "
            "event. 后面还有"
        )

    field = strawberry.field(
        resolver=rows,
        graphql_type=list[topic.type],
        description="The documents as they are now; replace your copies with them.",
        metadata=OF_ROOT,
    )
    setattr(Documents, topic.name, field)
    return window(
        feed.DocumentChange,
        public=EVERY,
        name=topic.event,
        description=f"{topic.title} that changed; at first those that are open, the oldest "
        f"first, at most 200 in one event. {topic.chinese}变动",
    )(Documents)


@window(
    feed.Resync,
    description="The requested changes have been deleted: subscribe again without `after`. "
    "重新同步",
)
class Resync:
    revision: Revision = strawberry.field(description="Current revision of the store. 门店版本")


def store_feed(topics: Sequence[DocumentTopic]) -> Any:
    """The union of a store feed's events, with a field per topic."""

    @window(
        feed.Snapshot, description="Current state of the store; the first event of a feed. 快照"
    )
    @with_fields(topics, open_documents)
    class StoreSnapshot:
        revision: Revision = strawberry.field(
            description="Revision of the store. Keep it, and pass it as `after` to resume. 门店版本"
        )
        levels: list[Level] = strawberry.field(description="Stock levels of every product. 库存")

    @window(
        feed.Change,
        description="Changes of the store since the previous event, with current values. 变动",
    )
    @with_fields(topics, changed_documents)
    class StoreChange:
        from_revision: Revision = strawberry.field(
            description="Revision up to which the feed has already sent every change. 起始版本"
        )
        revision: Revision = strawberry.field(
            description="Revision of the store. Keep it, and pass it as `after` to resume. 门店版本"
        )
        at: datetime = strawberry.field(description="Time of the latest of these commits. 提交时间")
        levels: list[Level] = strawberry.field(
            description="Stock levels that changed, with absolute values: replace your copies. 库存"
        )

    return Annotated[
        StoreSnapshot | StoreChange | Resync,
        strawberry.union(
            "StoreFeed",
            description="A snapshot or the changes since `after` first, then every later change.",
        ),
    ]


@window(Serving, public=EVERY, description="Availability of one product for customers. 可售标签")
class ProductAvailability:
    id: UUID = strawberry.field(name="productId", description="ID of the product.")
    product: Product = edge("products", "id", "Product that the label is for. 商品")
    availability: Availability = strawberry.field(
        description="Availability that customers see now. 可售标签"
    )

    @strawberry.field(
        description="Lower price of the goods that are sold next; null without one. 临期折扣"
    )
    def markdown(self, root: strawberry.Parent[Serving]) -> LowerPrice | None:
        return lower_price(root.dish.price, root.percent)


@window(
    feed.AvailabilityChange,
    public=EVERY,
    description="Products whose label changed; the first event contains all of them. 标签变动",
)
class AvailabilityChange:
    revision: Revision = strawberry.field(
        description="Revision of the store at this event. 门店版本"
    )
    gone: list[UUID] = strawberry.field(
        description="IDs of products that the store no longer lists. 下架"
    )

    @strawberry.field(
        graphql_type=list[ProductAvailability],
        description="Current labels: replace your copies with them. 可售标签",
    )
    def products(self, root: strawberry.Parent[feed.AvailabilityChange]) -> list[Serving]:
        return list(root.shown.values())


@window(
    feed.MenuChange,
    public=EVERY,
    description="Dishes that changed; the first event contains all of them. 菜单变动",
)
class MenuChange:
    revision: Revision = strawberry.field(
        description="Revision of the store at this event. 门店版本"
    )
    gone: list[UUID] = strawberry.field(
        description="IDs of products that are no longer on the menu. 下架"
    )

    @strawberry.field(
        graphql_type=list[MenuDish],
        description="Current dishes: replace your copies with them. 菜品",
    )
    def dishes(self, root: strawberry.Parent[feed.MenuChange]) -> list[Serving]:
        return list(root.shown.values())
