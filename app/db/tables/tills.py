"""Tills: the devices of a store, each with receipt numbers of its own."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import UniqueConstraint
from sqlalchemy.orm import Mapped

from app.db.core.table import Table, key, made_at, to


class Till(Table):
    """A device that sells; `device_id` is the device's own, unique in the store.

    `seen_at` is when it last registered or uploaded sales, to about a minute.
    """

    __tablename__ = "tills"
    tenant_id: Mapped[UUID] = key()
    id: Mapped[UUID] = key()
    store_id: Mapped[UUID]
    device_id: Mapped[str]
    name: Mapped[str]
    registered_by: Mapped[UUID]
    registered_at: Mapped[datetime] = made_at()
    retired_at: Mapped[datetime | None]
    seen_at: Mapped[datetime | None]
    __table_args__ = (
        UniqueConstraint("tenant_id", "store_id", "device_id"),
        to("stores", "store_id"),
    )
