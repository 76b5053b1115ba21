"""Health: jobs that fail, and what the nightly audit found."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import Integer
from sqlalchemy.orm import Mapped, mapped_column

from app.db.core.table import Table, key, made_at


class JobFailure(Table):
    """A job that has failed for a tenant since `failed_since`; deleted once it succeeds or is
    dropped.

    `error` is the class of the latest error, and its text for operators.
    """

    __tablename__ = "job_failures"
    tenant_id: Mapped[UUID] = key()
    job: Mapped[str] = mapped_column(primary_key=True)
    failures: Mapped[int] = mapped_column(Integer)
    failed_since: Mapped[datetime] = made_at()
    failed_at: Mapped[datetime] = made_at()
    error: Mapped[str]


class AuditResult(Table):
    """How many breaches the latest audit of a tenant's ledger found, and which invariants."""

    __tablename__ = "audit_results"
    tenant_id: Mapped[UUID] = key()
    audited_at: Mapped[datetime]
    breaches: Mapped[int] = mapped_column(Integer)
    invariants: Mapped[list[str]]
