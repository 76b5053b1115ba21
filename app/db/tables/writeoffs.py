"""Write-offs: goods to discard, with their requester and approver."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, Integer, text
from sqlalchemy.orm import Mapped, mapped_column

from app.db.core.table import Table, key, made_at, to


class WriteOff(Table):
    """Goods in quarantine until another member of staff approves them as waste."""

    __tablename__ = "write_offs"
    tenant_id: Mapped[UUID] = key()
    id: Mapped[UUID] = key()
    store_id: Mapped[UUID]
    state: Mapped[str] = mapped_column(server_default="REQUESTED")
    reason: Mapped[str]
    note: Mapped[str | None]
    photo_urls: Mapped[list[str]] = mapped_column(server_default=text("'{}'"))
    requested_by: Mapped[UUID]
    requested_at: Mapped[datetime] = made_at()
    decided_by: Mapped[UUID | None]
    decided_at: Mapped[datetime | None]
    decision_note: Mapped[str | None]
    __table_args__ = (
        to("stores", "store_id"),
        CheckConstraint("state in ('REQUESTED', 'APPROVED', 'REJECTED')", name="state"),
        CheckConstraint("(state = 'REQUESTED') = (decided_by is null)", name="decided"),
        # Four eyes: the requester never approves, even if the code above is wrong.
        CheckConstraint("state <> 'APPROVED' or decided_by <> requested_by", name="approver"),
        Index("ix_write_offs_store", "tenant_id", "store_id", "id"),
        Index(
            "ix_write_offs_open",
            "tenant_id",
            "store_id",
            "id",
            postgresql_where=text("state = 'REQUESTED'"),
        ),
    )

    @property
    def stores(self) -> tuple[UUID, ...]:
        return (self.store_id,)


class WriteOffLine(Table):
    """Base units of one batch, and the bin they were in at the time of the request.

    `zone` is where in the store they lay, null if it was not named.
    """

    __tablename__ = "write_off_lines"
    tenant_id: Mapped[UUID] = key()
    write_off_id: Mapped[UUID] = key()
    line: Mapped[int] = mapped_column(Integer, primary_key=True)
    product_id: Mapped[UUID]
    batch_id: Mapped[UUID | None]
    source: Mapped[str]
    quantity: Mapped[int]
    scale: Mapped[int]
    zone: Mapped[str | None]
    __table_args__ = (
        to("write_offs", "write_off_id"),
        to("products", "product_id"),
        to("batches", "batch_id"),
        CheckConstraint("source in ('shelf', 'quarantine')", name="source"),
        CheckConstraint("quantity > 0", name="quantity"),
    )


class WriteOffLimit(Table):
    """The largest cost that a role may approve, or book without a second person, in 1/10000 yuan;
    null: no limit."""

    __tablename__ = "write_off_limits"
    tenant_id: Mapped[UUID] = key()
    role: Mapped[str] = mapped_column(primary_key=True)
    amount: Mapped[int | None]
    set_by: Mapped[UUID | None]
    set_at: Mapped[datetime | None]
    __table_args__ = (
        CheckConstraint("role in ('CASHIER', 'MANAGER', 'PURCHASER')", name="role"),
        CheckConstraint("amount >= 0", name="amount"),
    )
