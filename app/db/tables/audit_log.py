"""The audit log: what people with privileges did. It is separate from the ledger."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Index
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from app.db.core.table import Table, key, to


class AuditRecord(Table):
    """One privileged act. Rows are only ever added.

    `store_id` is null for an act that concerns the whole chain. `address` is the IP address the
    request came from, null when there was none.
    """

    __tablename__ = "audit_log"
    tenant_id: Mapped[UUID] = key()
    id: Mapped[UUID] = key()
    act: Mapped[str]
    actor_id: Mapped[UUID]
    role: Mapped[str]
    subject: Mapped[str]
    subject_id: Mapped[UUID]
    store_id: Mapped[UUID | None]
    details: Mapped[dict[str, Any]] = mapped_column(JSONB)
    address: Mapped[str | None]
    at: Mapped[datetime]
    __table_args__ = (
        to("stores", "store_id"),
        Index("ix_audit_log_store", "tenant_id", "store_id", "id"),
    )
