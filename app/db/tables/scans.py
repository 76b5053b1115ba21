"""Scan sessions: what several phones scan for one receipt, or for the opening stock of a store."""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from app.db.core.table import Table, key, made_at, to


class ScanSession(Table):
    """Scans that become one receipt or opening stock. `version` counts their changes;
    `movement_ids` are the movements that were posted. `scans_deleted`: too old to have scans."""

    __tablename__ = "scan_sessions"
    tenant_id: Mapped[UUID] = key()
    id: Mapped[UUID] = key()
    store_id: Mapped[UUID]
    purpose: Mapped[str]
    state: Mapped[str] = mapped_column(server_default="OPEN")
    note: Mapped[str | None]
    version: Mapped[int] = mapped_column(server_default="0")
    opened_by: Mapped[UUID]
    opened_at: Mapped[datetime] = made_at()
    ended_by: Mapped[UUID | None]
    ended_at: Mapped[datetime | None]
    movement_ids: Mapped[list[UUID]] = mapped_column(server_default="{}")
    scans_deleted: Mapped[bool] = mapped_column(server_default="false")
    __table_args__ = (
        to("stores", "store_id"),
        CheckConstraint("purpose in ('OPENING', 'RECEIPT')", name="purpose"),
        CheckConstraint("state in ('OPEN', 'COMMITTED', 'CANCELLED')", name="state"),
        CheckConstraint("(ended_at is null) = (state = 'OPEN')", name="ended"),
        Index("ix_scan_sessions_store", "tenant_id", "store_id", "id"),
        Index(
            "ix_scan_sessions_with_scans",
            "tenant_id",
            "ended_at",
            postgresql_where=text("NOT scans_deleted AND ended_at IS NOT NULL"),
        ),
    )

    @property
    def stores(self) -> tuple[UUID, ...]:
        return (self.store_id,)


class Scan(Table):
    """A scan: `base` units of a product, or a code that names none with what was entered
    (`amount` in `unit`, or `packs`, as decimal digits). `unit_cost` is in 1/10000 yuan."""

    __tablename__ = "scans"
    tenant_id: Mapped[UUID] = key()
    id: Mapped[UUID] = key()
    session_id: Mapped[UUID]
    store_id: Mapped[UUID]
    code: Mapped[str | None]
    product_id: Mapped[UUID | None]
    base: Mapped[int | None]
    scale: Mapped[int | None]
    amount: Mapped[str | None]
    packs: Mapped[str | None]
    unit: Mapped[str | None]
    batch_no: Mapped[str | None]
    expires_on: Mapped[date | None]
    produced_on: Mapped[date | None]
    unit_cost: Mapped[int | None]
    scanned_by: Mapped[UUID]
    scanned_at: Mapped[datetime] = made_at()
    corrected_by: Mapped[UUID | None]
    removed_at: Mapped[datetime | None]
    __table_args__ = (
        to("scan_sessions", "session_id"),
        to("products", "product_id"),
        CheckConstraint("base > 0", name="base"),
        CheckConstraint("(product_id is null) = (base is null)", name="product"),
        CheckConstraint("product_id is not null or code is not null", name="code"),
        Index("ix_scans_session", "tenant_id", "session_id", "id"),
    )
