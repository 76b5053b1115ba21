"""Alerts: conditions that staff should know of, from the first finding to the recovery."""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, Computed, Index, Integer, text
from sqlalchemy.orm import Mapped, mapped_column

from app.db.core.table import Table, key, made_at, to

RULES = (
    "rule in ('LOW_STOCK', 'OUT_OF_STOCK', 'NEAR_EXPIRY', 'EXPIRED', 'SLOW_MOVING', 'DISCREPANCY', "
    "'DISH_UNAVAILABLE', 'TRANSFER_WAITING', 'WRITE_OFF_WAITING', 'PURCHASE_WAITING', "
    "'EXPECTED_NOT_ARRIVED', 'AUDIT_DRIFT')"
)
SUBJECT = "coalesce(document_id, batch_id, product_id)"
URGENCY = (
    "case rule when 'AUDIT_DRIFT' then 0 when 'EXPIRED' then 0 when 'OUT_OF_STOCK' then 1"
    " when 'DISH_UNAVAILABLE' then 2"
    " when 'DISCREPANCY' then 3 when 'NEAR_EXPIRY' then case when tier <= 7 then 4"
    " when tier <= 15 then 6 else 8 end when 'LOW_STOCK' then 5 when 'EXPECTED_NOT_ARRIVED' then 7"
    " when 'SLOW_MOVING' then 10 else 9 end"
)


class Alert(Table):
    """A finding of a rule about a product, a batch or a document of a store.

    `quantity` is in base units: the stock on the shelf, or for DISCREPANCY what was sold beyond the
    books. AUDIT_DRIFT is the exception: `quantity` is the number of breaches, and `document_id` the
    id of the chain. `threshold` is the reorder point, or what a slow mover sold. `tier` is the
    stage of near expiry in days, or the window of a slow mover in days. `due_on` is the last day of
    sale. `movement_id` is the latest movement behind the alert, `order_ids` are the orders whose
    goods may be missing, and `cause_id` is the ingredient that a dish lacks. An alert is `closed`
    once its subject has recovered; the next finding opens a new alert (I11).
    """

    __tablename__ = "alerts"
    tenant_id: Mapped[UUID] = key()
    id: Mapped[UUID] = key()
    rule: Mapped[str]
    store_id: Mapped[UUID]
    product_id: Mapped[UUID | None]
    batch_id: Mapped[UUID | None]
    document_id: Mapped[UUID | None]
    cause_id: Mapped[UUID | None]
    subject_id: Mapped[UUID] = mapped_column(Computed(SUBJECT, persisted=True))
    urgency: Mapped[int] = mapped_column(Integer, Computed(URGENCY, persisted=True))
    state: Mapped[str] = mapped_column(server_default="OPEN")
    quantity: Mapped[int | None]
    scale: Mapped[int | None]
    threshold: Mapped[int | None]
    tier: Mapped[int | None] = mapped_column(Integer)
    due_on: Mapped[date] = mapped_column(server_default=text("'infinity'"))
    movement_id: Mapped[UUID | None]
    order_ids: Mapped[list[UUID]] = mapped_column(server_default=text("'{}'"))
    raised_at: Mapped[datetime] = made_at()
    acknowledged_at: Mapped[datetime | None]
    acknowledged_by: Mapped[UUID | None]
    resolved_at: Mapped[datetime | None]
    resolved_by: Mapped[UUID | None]
    snoozed_until: Mapped[datetime | None]
    closed: Mapped[bool] = mapped_column(server_default=text("false"))
    notified_at: Mapped[datetime | None]
    escalations: Mapped[int] = mapped_column(Integer, server_default="0")
    __table_args__ = (
        to("stores", "store_id"),
        to("products", "product_id"),
        CheckConstraint(RULES, name="rule"),
        CheckConstraint("state in ('OPEN', 'ACKNOWLEDGED', 'RESOLVED')", name="state"),
        CheckConstraint("(state = 'RESOLVED') = (resolved_at is not null)", name="resolved"),
        Index("ix_alerts_store", "tenant_id", "store_id", "id"),
        Index("ix_alerts_urgency", "tenant_id", "store_id", "urgency", "due_on", "id"),
        Index(
            "ix_alerts_product",
            "tenant_id",
            "product_id",
            "store_id",
            postgresql_where=text("state <> 'RESOLVED'"),
        ),
        Index(
            "ix_alerts_unnotified",
            "tenant_id",
            "id",
            postgresql_where=text(
                "state = 'OPEN' AND (notified_at IS NULL OR notified_at < raised_at)"
            ),
        ),
        # I11: at most one alert per rule and subject is not closed.
        Index(
            "uq_alerts_open",
            "tenant_id",
            "store_id",
            "rule",
            "subject_id",
            unique=True,
            postgresql_where=text("NOT closed"),
        ),
    )
