"""Exports: reports that a worker writes as files."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from app.db.core.table import Table, key, made_at, to


class ReportSubscription(Table):
    """A report that a member of staff receives each month.

    `stores` are those that were chosen; null for all. `choice` has the other arguments of the
    report, without a period. `month` is the first day of the month whose report was requested last.
    """

    __tablename__ = "report_subscriptions"
    tenant_id: Mapped[UUID] = key()
    id: Mapped[UUID] = key()
    staff_id: Mapped[UUID]
    report: Mapped[str]
    format: Mapped[str]
    language: Mapped[str]
    origin: Mapped[str]
    stores: Mapped[list[UUID] | None]
    choice: Mapped[dict[str, Any]] = mapped_column(JSONB)
    month: Mapped[date]
    created_at: Mapped[datetime] = made_at()
    ended_at: Mapped[datetime | None]
    __table_args__ = (
        to("staff", "staff_id"),
        CheckConstraint("format in ('XLSX', 'CSV')", name="format"),
        Index(
            "ix_report_subscriptions_due",
            "tenant_id",
            "month",
            postgresql_where=text("ended_at IS NULL"),
        ),
        Index("ix_report_subscriptions_staff_id", "tenant_id", "staff_id"),
    )


class Export(Table):
    """A report as it was requested, and the file of it.

    `stores` and `with_cost` are what the requester could see at that time; `choice` has the other
    arguments of the request. A worker that makes the file holds the row until `leased_until`;
    `attempts` is the number of its attempt, so that an earlier worker cannot finish it. `progress`
    is in percent.
    """

    __tablename__ = "exports"
    tenant_id: Mapped[UUID] = key()
    id: Mapped[UUID] = key()
    requested_by: Mapped[UUID]
    report: Mapped[str]
    format: Mapped[str]
    language: Mapped[str]
    origin: Mapped[str]
    stores: Mapped[list[UUID]]
    with_cost: Mapped[bool]
    choice: Mapped[dict[str, Any]] = mapped_column(JSONB)
    state: Mapped[str] = mapped_column(server_default="QUEUED")
    progress: Mapped[int] = mapped_column(server_default="0")
    rows: Mapped[int | None]
    size: Mapped[int | None]
    failure: Mapped[str | None]
    attempts: Mapped[int] = mapped_column(server_default="0")
    leased_until: Mapped[datetime | None]
    requested_at: Mapped[datetime] = made_at()
    finished_at: Mapped[datetime | None]
    expires_at: Mapped[datetime | None]
    subscription_id: Mapped[UUID | None]
    __table_args__ = (
        to("report_subscriptions", "subscription_id"),
        CheckConstraint(
            "state in ('QUEUED', 'RUNNING', 'READY', 'FAILED', 'EXPIRED')", name="state"
        ),
        CheckConstraint("format in ('XLSX', 'CSV', 'JSONL')", name="format"),
        CheckConstraint("(state = 'FAILED') = (failure is not null)", name="failure"),
        CheckConstraint("progress between 0 and 100", name="progress"),
        Index(
            "ix_exports_due",
            "tenant_id",
            "leased_until",
            postgresql_where=text("state in ('QUEUED', 'RUNNING')"),
        ),
        Index(
            "ix_exports_ready",
            "tenant_id",
            "expires_at",
            postgresql_where=text("state = 'READY'"),
        ),
        Index(
            "ix_exports_subscription_id",
            "tenant_id",
            "subscription_id",
            "id",
            postgresql_where=text("subscription_id IS NOT NULL"),
        ),
    )
