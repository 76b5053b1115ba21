"""Images that clients requested to upload."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from app.db.core.table import Table, key


class Image(Table):
    """An image below `/images/{tenant_id}/`, whose file exists once it was uploaded.

    `unused_since` is when it was requested, or when no use of it was left; None while it is used.
    An image that is `removing` cannot be used: its file may be deleted already.
    """

    __tablename__ = "images"
    tenant_id: Mapped[UUID] = key()
    name: Mapped[str] = mapped_column(primary_key=True)
    unused_since: Mapped[datetime | None]
    removing: Mapped[bool] = mapped_column(server_default=text("false"))
    __table_args__ = (
        CheckConstraint("unused_since is not null or not removing", name="removing"),
        Index(
            "ix_images_unused",
            "tenant_id",
            "unused_since",
            postgresql_where=text("unused_since is not null"),
        ),
    )
