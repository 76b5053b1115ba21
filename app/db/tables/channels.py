"""What each channel may sell of the one stock."""

from uuid import UUID

from sqlalchemy import CheckConstraint, Integer, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.db.table import Table, key, to


class ChannelRule(Table):
    """What a channel may sell of a product in a store; the most specific that says it wins.

    Without a product, or without a store, it is about all of them. What is null is not said
    here. `buffer` and `quota` (a day of the store) are in base units.
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
