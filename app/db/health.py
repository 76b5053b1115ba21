"""Health of a tenant: failing jobs, the latest audit, unsent deliveries, and revisions."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import DateTime, Text, column, delete, func, select, table
from sqlalchemy.dialects.postgresql import insert

from app.db.core.audit import INVARIANTS
from app.db.core.snapshot import AnySession
from app.db.core.tally import JOB_FAILURES
from app.db.core.unit import Database, Unit
from app.db.tables import AuditResult, Delivery, Feed, JobFailure

F, R = JobFailure, AuditResult
ERROR_MAX = 500
SCHEDULE = table(
    "pgqueuer_schedules",
    column("entrypoint", Text()),
    column("last_run", DateTime(timezone=True)),
    column("next_run", DateTime(timezone=True)),
    schema="jobs",
)
"""pgqueuer's table of schedules."""


async def record_failure(db: Database, tenant: UUID, job: str, error: Exception) -> None:
    """Count a failed run of the job for the tenant."""
    JOB_FAILURES[job] += 1
    new = insert(F).values(
        tenant_id=tenant, job=job, failures=1, error=f"{type(error).__name__}: {error}"[:ERROR_MAX]
    )
    again = {
        "failures": F.failures + 1,
        "failed_at": func.now(),
        "error": new.excluded.error,
    }
    async with db.unit(tenant) as unit:
        await unit.session.execute(
            new.on_conflict_do_update(index_elements=["tenant_id", "job"], set_=again)
        )


async def drop_failure(db: Database, tenant: UUID, job: str) -> bool:
    """Delete the job's failure for the tenant. Returns whether there was one."""
    async with db.unit(tenant) as unit:
        dropped = await unit.session.execute(
            delete(F).where(F.tenant_id == tenant, F.job == job).returning(F.job)
        )
        return dropped.first() is not None


async def failures(session: AnySession, tenant: UUID) -> Sequence[JobFailure]:
    """The jobs that fail for the tenant, by name."""
    query = select(F).where(F.tenant_id == tenant).order_by(F.job)
    return (await session.scalars(query)).all()


class ScheduleRow(NamedTuple):
    """When a job ran last and runs next, for all tenants."""

    job: str
    last_run_at: datetime | None
    next_run_at: datetime | None


async def schedule(session: AnySession) -> list[ScheduleRow]:
    """The scheduled jobs, by name; empty until a process that runs jobs has started."""
    rows = await session.execute(select(*SCHEDULE.c).order_by(SCHEDULE.c.entrypoint))
    return [ScheduleRow(*row) for row in rows]


async def audit_tenant(unit: Unit) -> AuditResult:
    """Check every invariant for the unit's tenant and keep the result.

    Row-level security limits each query to the tenant's rows; each query is one snapshot.
    """
    await unit.raw.execute("SET LOCAL statement_timeout = 0")
    numbers: dict[str, int] = {}
    for name, query in INVARIANTS.items():
        if rows := await unit.raw.fetch(f"{query} LIMIT 100", timeout=None):
            numbers[name] = len(rows)
    result = AuditResult(
        tenant_id=unit.tenant,
        audited_at=unit.now,
        breaches=sum(numbers.values()),
        invariants=list(numbers),
    )
    await unit.session.merge(result)
    return result


async def audit_result(session: AnySession, tenant: UUID) -> AuditResult | None:
    """The latest audit of the tenant; None before the first."""
    return (await session.scalars(select(R).where(R.tenant_id == tenant))).first()


class Unsent(NamedTuple):
    """A tenant's deliveries: how many wait and since when, and how many are DEAD."""

    pending: int
    dead: int
    oldest: datetime | None


async def unsent(session: AnySession, tenant: UUID) -> Unsent:
    D = Delivery
    pending, dead = D.state == "PENDING", D.state == "DEAD"
    query = select(
        func.count().filter(pending),
        func.count().filter(dead),
        func.min(D.created_at).filter(pending),
    ).where(D.tenant_id == tenant, D.state.in_(("PENDING", "DEAD")))
    [row] = list(await session.execute(query))
    return Unsent(*row)


async def revisions(session: AnySession, tenant: UUID) -> dict[UUID, int]:
    """The revision of each store."""
    query = select(Feed.store_id, Feed.revision).where(Feed.tenant_id == tenant)
    return {store: revision for store, revision in await session.execute(query)}
