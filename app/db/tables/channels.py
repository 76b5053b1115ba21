"""Channels: the rules that limit what each may sell, their shops, listings and messages."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, Integer, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from app.db.core.table import Table, key, made_at, to


class ChannelRule(Table):
    """Limits on the sale of a product by a channel in a store; the most specific rule wins.

    Without a product, or without a store, it applies to all of them. A null column sets no limit.
    `buffer` and `quota` (per day of the store) are in base units.
    """

    __tablename__ = "channel_rules"
    tenant_id: Mapped[UUID] = key()
    id: Mapped[UUID] = key()
    channel: Mapped[str]
    product_id: Mapped[UUID | None]
    store_id: Mapped[UUID | None]
    days_left: Mapped[int | None] = mapped_column(Integer)
    buffer: Mapped[int | None]
    quota: Mapped[int | None]
    paused: Mapped[bool | None]
    __table_args__ = (
        to("products", "product_id"),
        to("stores", "store_id"),
        CheckConstraint("days_left >= 0", name="days_left"),
        CheckConstraint("buffer >= 0", name="buffer"),
        CheckConstraint("quota >= 0", name="quota"),
        UniqueConstraint(
            "tenant_id",
            "channel",
            "product_id",
            "store_id",
            name="uq_channel_rules_subject",
            postgresql_nulls_not_distinct=True,
        ),
    )


class ChannelLink(Table):
    """A store's account in a channel's shop; `sealed` are its secrets, encrypted.

    `revision` is the store's revision that was pushed in full. Until `leased_until` one process has
    the lease to push.
    """

    __tablename__ = "channel_links"
    tenant_id: Mapped[UUID] = key()
    id: Mapped[UUID] = key()
    store_id: Mapped[UUID]
    channel: Mapped[str]
    app_id: Mapped[str]
    sealed: Mapped[bytes]
    revision: Mapped[int] = mapped_column(server_default="-1")
    leased_until: Mapped[datetime | None]
    connected_by: Mapped[UUID]
    connected_at: Mapped[datetime] = made_at()
    ended_at: Mapped[datetime | None]
    __table_args__ = (
        to("stores", "store_id"),
        CheckConstraint("channel in ('WECHAT', 'DOUYIN')", name="channel"),
        Index(
            "uq_channel_links_open",
            "tenant_id",
            "store_id",
            "channel",
            unique=True,
            postgresql_where=text("ended_at is null"),
        ),
    )


class Listing(Table):
    """Mapping of a product to a shop's SKU; `item` is the shop's product that the SKU belongs to.

    `pushed` is the stock pushed last, in whole units, at the store's `pushed_revision`. A failed
    push is retried at `next_at`; a DEAD one only after `retryChannel`.
    """

    __tablename__ = "listings"
    tenant_id: Mapped[UUID] = key()
    id: Mapped[UUID] = key()
    link_id: Mapped[UUID]
    product_id: Mapped[UUID]
    sku: Mapped[str]
    item: Mapped[str] = mapped_column(server_default="")
    state: Mapped[str] = mapped_column(server_default="NEW")
    pushed: Mapped[int | None]
    pushed_revision: Mapped[int] = mapped_column(server_default="-1")
    pushed_at: Mapped[datetime | None]
    attempts: Mapped[int] = mapped_column(Integer, server_default="0")
    next_at: Mapped[datetime | None]
    error: Mapped[str | None]
    __table_args__ = (
        to("channel_links", "link_id"),
        to("products", "product_id"),
        UniqueConstraint("tenant_id", "link_id", "sku"),
        CheckConstraint("state in ('NEW', 'PUSHED', 'WAITING', 'DEAD')", name="state"),
        Index("ix_listings_product", "tenant_id", "product_id"),
    )


class ShopMessage(Table):
    """A shop's message about one of its orders: stored before it is answered, processed after."""

    __tablename__ = "shop_messages"
    tenant_id: Mapped[UUID] = key()
    link_id: Mapped[UUID] = key()
    id: Mapped[str] = mapped_column(primary_key=True)
    order_number: Mapped[str]
    state: Mapped[str] = mapped_column(server_default="WAITING")
    attempts: Mapped[int] = mapped_column(Integer, server_default="0")
    next_at: Mapped[datetime] = made_at()
    error: Mapped[str | None]
    received_at: Mapped[datetime] = made_at()
    __table_args__ = (
        to("channel_links", "link_id"),
        CheckConstraint("state in ('WAITING', 'DONE', 'DEAD')", name="state"),
        Index(
            "ix_shop_messages_due",
            "tenant_id",
            "next_at",
            postgresql_where=text("state = 'WAITING'"),
        ),
    )
