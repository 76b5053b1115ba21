"""Revisions of stores, and what changed at each."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import Index, func, text
from sqlalchemy.orm import Mapped, mapped_column

from app.db.core.table import Table, key, to


class Feed(Table):
    """A store's revision: the number of commits that touched it (I6)."""

    __tablename__ = "feeds"
    tenant_id: Mapped[UUID] = key()
    store_id: Mapped[UUID] = key()
    revision: Mapped[int] = mapped_column(server_default="0")
    __table_args__ = (to("stores", "store_id"), {"postgresql_with": {"fillfactor": 50}})


class Change(Table):
    """Ids of the products and documents that one revision of a store touched."""

    __tablename__ = "changes"
    tenant_id: Mapped[UUID] = key()
    store_id: Mapped[UUID] = key()
    revision: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[datetime] = mapped_column(server_default=func.clock_timestamp())
    product_ids: Mapped[list[UUID]]
    document_ids: Mapped[list[UUID]] = mapped_column(server_default=text("'{}'"))
    __table_args__ = (Index("ix_changes_at", "tenant_id", "store_id", "at"),)
