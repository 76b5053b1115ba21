"""Alerts: findings that staff should check."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from app.db.core.table import Table, key, made_at, to


class Alert(Table):
    """A finding of a rule about a product in a store; one is open at a time (I11).

    `quantity` is the base units sold beyond the shelf, `movement_id` the latest sale that did so,
    and `order_ids` the orders whose goods it may have sold.
    """

    __tablename__ = "alerts"
    tenant_id: Mapped[UUID] = key()
    id: Mapped[UUID] = key()
    rule: Mapped[str]
    store_id: Mapped[UUID]
    product_id: Mapped[UUID]
    state: Mapped[str] = mapped_column(server_default="OPEN")
    quantity: Mapped[int]
    scale: Mapped[int]
    movement_id: Mapped[UUID]
    order_ids: Mapped[list[UUID]] = mapped_column(server_default=text("'{}'"))
    raised_at: Mapped[datetime] = made_at()
    acknowledged_at: Mapped[datetime | None]
    acknowledged_by: Mapped[UUID | None]
    __table_args__ = (
        to("stores", "store_id"),
        to("products", "product_id"),
        CheckConstraint("rule in ('DISCREPANCY')", name="rule"),
        CheckConstraint("state in ('OPEN', 'ACKNOWLEDGED')", name="state"),
        Index("ix_alerts_store", "tenant_id", "store_id", "id"),
        # I11: at most one open alert per rule and subject.
        Index(
            "uq_alerts_open",
            "tenant_id",
            "store_id",
            "product_id",
            "rule",
            unique=True,
            postgresql_where=text("state = 'OPEN'"),
        ),
    )
