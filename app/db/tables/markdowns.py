"""Markdowns: lower prices of batches that expire soon."""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, Integer
from sqlalchemy.orm import Mapped, mapped_column

from app.db.core.table import Table, key, made_at, to


class Markdown(Table):
    """The percent off a product's own price for a batch in a store, until the day `until` ends.

    `ends_at` is the midnight in the store's zone that ends this day.
    """

    __tablename__ = "markdowns"
    tenant_id: Mapped[UUID] = key()
    store_id: Mapped[UUID] = key()
    product_id: Mapped[UUID] = key()
    batch_id: Mapped[UUID] = key()
    percent: Mapped[int] = mapped_column(Integer)
    until: Mapped[date]
    ends_at: Mapped[datetime]
    set_by: Mapped[UUID]
    set_at: Mapped[datetime] = made_at()
    __table_args__ = (
        to("stores", "store_id"),
        to("products", "product_id"),
        to("batches", "batch_id"),
        CheckConstraint("percent between 1 and 99", name="percent"),
    )
