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
from app.schema.catalog import Availability, Product
from app.schema.edges import edge
from app.schema.menu import MenuDish
from app.schema.scalars import Revision, seen
from app.schema.stock import Level
from app.schema.topics import DocumentTopic
from app.schema.window import window

T = TypeVar("T", bound=type)


def open_documents(topic: DocumentTopic) -> Any:
    """The field of a snapshot: the store's open documents, none without the permission."""

    async def resolve(root: strawberry.Parent[feed.Snapshot], info: Info) -> list[Any]:
        if not seen(info, topic.can):
            return []
        return await info.context.loaders.open_documents(topic).load(root.store)

    return strawberry.field(
        resolver=resolve,
        graphql_type=list[topic.type],
        description=f"{topic.title} that are open, the oldest first. {topic.chinese}",
    )


def changed_documents(topic: DocumentTopic) -> Any:
    """The field of a change: the documents it names, none without the permission."""

    async def resolve(root: strawberry.Parent[feed.Change], info: Info) -> list[Any]:
        # An API key may be limited to the stock alone.
        if not root.documents or not seen(info, topic.can):
            return []
        rows = await info.context.loaders.documents(topic).load_many(sorted(root.documents))
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
        description="The documents as they are now: replace your copies with them.",
    )
    setattr(Documents, topic.name, field)
    return window(
        feed.DocumentChange,
        name=topic.event,
        description=f"{topic.title} that changed; at first those that are open, the oldest "
        f"first, at most 200 in one event. {topic.chinese}变动",
    )(Documents)


@window(
    feed.Resync,
    description="The missed changes are not kept: subscribe again without `after`. 重新同步",
)
class Resync:
    revision: Revision = strawberry.field(description="The store's revision now.")


def store_feed(topics: Sequence[DocumentTopic]) -> Any:
    """The union of a store feed's events, with a field per topic."""

    @window(feed.Snapshot, description="The store as it is: the first event of a feed. 快照")
    @with_fields(topics, open_documents)
    class StoreSnapshot:
        revision: Revision = strawberry.field(
            description="The store's revision: keep it, and resume with `after`."
        )
        levels: list[Level] = strawberry.field(description="Stock of every product. 库存")

    @window(feed.Change, description="What changed in the store, with current values. 变动")
    @with_fields(topics, changed_documents)
    class StoreChange:
        from_revision: Revision = strawberry.field(
            description="The feed has already sent everything up to this revision."
        )
        revision: Revision = strawberry.field(
            description="The store's revision: keep it, and resume with `after`."
        )
        at: datetime = strawberry.field(description="When the last of these changes was committed.")
        levels: list[Level] = strawberry.field(
            description="Absolute values: replace your copies; repeats are harmless. 库存"
        )

    return Annotated[
        StoreSnapshot | StoreChange | Resync,
        strawberry.union(
            "StoreFeed",
            description="First a snapshot, or the changes since `after`; then every change.",
        ),
    ]


@window(Serving, description="One product as customers see it. 可售标签")
class ProductAvailability:
    id: UUID = strawberry.field(name="productId")
    product: Product = edge("products", "id")
    availability: Availability


@window(feed.AvailabilityChange, description="Products whose label changed; all of them at first.")
class AvailabilityChange:
    revision: Revision

    @strawberry.field(
        graphql_type=list[ProductAvailability],
        description="Labels as they are now: replace your copies with them.",
    )
    def products(self, root: strawberry.Parent[feed.AvailabilityChange]) -> list[Serving]:
        return list(root.shown.values())


@window(feed.MenuChange, description="Dishes that changed; all of them at first. 菜单变动")
class MenuChange:
    revision: Revision
    gone: list[UUID] = strawberry.field(description="Products no longer on the menu. 下架")

    @strawberry.field(
        graphql_type=list[MenuDish],
        description="Dishes as they are now: replace your copies with them.",
    )
    def dishes(self, root: strawberry.Parent[feed.MenuChange]) -> list[Serving]:
        return list(root.shown.values())
