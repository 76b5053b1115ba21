"""Transfers between stores, from the request to the last receipt."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, Integer, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from app.db.core.table import Table, key, made_at, to

STATES = "('REQUESTED', 'REJECTED', 'APPROVED', 'SHIPPED', 'PARTIAL', 'RECEIVED', 'CANCELLED')"


class Transfer(Table):
    """Goods for `to_store`: requested, approved with a source store, shipped, and received in
    parts.

    `requested_by` is null for a transfer that head office created without a request. `return_of`
    is the transfer whose goods this one returns.
    """

    __tablename__ = "transfers"
    tenant_id: Mapped[UUID] = key()
    id: Mapped[UUID] = key()
    from_store: Mapped[UUID | None]
    to_store: Mapped[UUID]
    state: Mapped[str]
    note: Mapped[str | None]
    reason: Mapped[str | None]
    return_of: Mapped[UUID | None]
    requested_by: Mapped[UUID | None]
    approved_by: Mapped[UUID | None]
    approved_at: Mapped[datetime | None]
    shipped_by: Mapped[UUID | None]
    shipped_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    created_at: Mapped[datetime] = made_at()
    __table_args__ = (
        to("stores", "from_store"),
        to("stores", "to_store"),
        to("transfers", "return_of"),
        CheckConstraint(f"state in {STATES}", name="state"),
        CheckConstraint("from_store <> to_store", name="stores"),
        CheckConstraint(
            "from_store is not null or state in ('REQUESTED', 'REJECTED', 'CANCELLED')",
            name="from_store",
        ),
        Index("ix_transfers_to", "tenant_id", "to_store", "id"),
        Index("ix_transfers_from", "tenant_id", "from_store", "id"),
        Index(
            "ix_transfers_return",
            "tenant_id",
            "return_of",
            postgresql_where=text("return_of is not null"),
        ),
    )

    @property
    def stores(self) -> tuple[UUID, ...]:
        return tuple(store for store in (self.to_store, self.from_store) if store)


class TransferLine(Table):
    """Quantities of one product, in base units.

    I10: shipped = received + damaged + lost + returned + in transit.
    """

    __tablename__ = "transfer_lines"
    tenant_id: Mapped[UUID] = key()
    transfer_id: Mapped[UUID] = key()
    line: Mapped[int] = mapped_column(Integer, primary_key=True)
    product_id: Mapped[UUID]
    scale: Mapped[int]
    requested: Mapped[int] = mapped_column(server_default="0")
    approved: Mapped[int] = mapped_column(server_default="0")
    shipped: Mapped[int] = mapped_column(server_default="0")
    received: Mapped[int] = mapped_column(server_default="0")
    damaged: Mapped[int] = mapped_column(server_default="0")
    lost: Mapped[int] = mapped_column(server_default="0")
    returned: Mapped[int] = mapped_column(server_default="0")
    reason: Mapped[str | None]
    __table_args__ = (
        to("transfers", "transfer_id"),
        to("products", "product_id"),
        UniqueConstraint("tenant_id", "transfer_id", "product_id"),
        CheckConstraint("least(requested, approved, shipped) >= 0", name="quantities"),
        CheckConstraint("least(received, damaged, lost, returned) >= 0", name="arrivals"),
        CheckConstraint("shipped >= received + damaged + lost + returned", name="shipped"),
    )

    in_transit = property(
        lambda self: self.shipped - self.received - self.damaged - self.lost - self.returned
    )
