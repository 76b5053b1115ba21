"""Approvals: movements above a role's limit that wait for a second person."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from app.db.core.table import Table, key, made_at, to


class Approval(Table):
    """A movement as it was requested: it is recorded when another member of staff approves it.

    `lines` are the resolved lines. `value` and `role_limit` are in 1/10000 yuan.
    """

    __tablename__ = "approvals"
    tenant_id: Mapped[UUID] = key()
    id: Mapped[UUID] = key()
    store_id: Mapped[UUID]
    state: Mapped[str] = mapped_column(server_default="WAITING")
    kind: Mapped[str]
    lines: Mapped[list[Any]] = mapped_column(JSONB)
    reason: Mapped[str | None]
    note: Mapped[str | None]
    channel: Mapped[str | None]
    document: Mapped[str | None]
    till_id: Mapped[UUID | None]
    receipt_key: Mapped[UUID | None]
    receipt_content: Mapped[bytes | None]
    accept_shortage: Mapped[bool]
    occurred_at: Mapped[datetime]
    value: Mapped[int]
    role_limit: Mapped[int]
    requested_by: Mapped[UUID]
    requested_at: Mapped[datetime] = made_at()
    decided_by: Mapped[UUID | None]
    decided_at: Mapped[datetime | None]
    decision_note: Mapped[str | None]
    movement_id: Mapped[UUID | None]
    __table_args__ = (
        to("stores", "store_id"),
        to("movements", "movement_id"),
        CheckConstraint("state in ('WAITING', 'APPROVED', 'REJECTED')", name="state"),
        CheckConstraint("(state = 'WAITING') = (decided_by is null)", name="decided"),
        CheckConstraint("(state = 'APPROVED') = (movement_id is not null)", name="movement"),
        # Four eyes: the requester never approves, even if the code above is wrong.
        CheckConstraint("state <> 'APPROVED' or decided_by <> requested_by", name="approver"),
        Index("ix_approvals_store", "tenant_id", "store_id", "id"),
        Index(
            "ix_approvals_open",
            "tenant_id",
            "store_id",
            "id",
            postgresql_where=text("state = 'WAITING'"),
        ),
    )

    @property
    def stores(self) -> tuple[UUID, ...]:
        return (self.store_id,)
