"""Operations on jobs for operators: list them, run one now, delete its failures."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from app.db import health, identity
from app.db.core.lane import Lane
from app.db.core.unit import Database
from app.db.core.vault import Vault
from app.domain.ledger.post import PostDrafts
from app.jobs.runner import SCHEDULE
from app.settings import Settings


@dataclass(frozen=True, slots=True)
class Failing:
    """A tenant for which a job fails: since when, how often, and the latest error."""

    tenant: UUID
    since: datetime
    failures: int
    error: str


@dataclass(frozen=True, slots=True)
class JobStatus:
    """A scheduled job: its last run, and the tenants for which it fails."""

    name: str
    when: str
    last_run_at: datetime | None
    failing: list[Failing]


@asynccontextmanager
async def opened(settings: Settings) -> AsyncGenerator[Database]:
    """The database of these settings; it is closed with the block."""
    db = Database(settings.database_url, _unheard, vault=Vault(settings.secret))
    try:
        yield db
    finally:
        await db.close()


async def _unheard(*_: object) -> None:
    """Send no nudge: followers find the change when they poll."""


async def list_jobs(settings: Settings) -> list[JobStatus]:
    """Every job of the schedule, by name."""
    failing: dict[str, list[Failing]] = {name: [] for name in SCHEDULE}
    async with opened(settings) as db:
        for tenant in await identity.tenants(db):
            async with db.read(tenant) as session:
                for row in await health.failures(session, tenant):
                    failure = Failing(tenant, row.failed_since, row.failures, row.error)
                    failing.setdefault(row.job, []).append(failure)
        async with db.read(None) as session:
            runs = {row.job: row.last_run_at for row in await health.schedule(session)}
    whens = {name: when for name, (when, _) in SCHEDULE.items()}
    return [
        JobStatus(name, whens.get(name, ""), runs.get(name), failures)
        for name, failures in sorted(failing.items())
    ]


async def retry_job(settings: Settings, name: str) -> list[UUID]:
    """Run the job now for every tenant. Returns the tenants for which it still fails."""
    _, job = SCHEDULE[name]
    async with opened(settings) as db:
        lane = Lane(settings.database_url, PostDrafts(), _unheard, outage=db.outage)
        try:
            await job(db, lane)
        finally:
            await lane.close()
        return [tenant for tenant, _ in await _failing(db, name)]


async def drop_failures(settings: Settings, name: str) -> int:
    """Delete the job's failures. Returns the number of tenants for which it had failed."""
    async with opened(settings) as db:
        failing = await _failing(db, name)
        return sum([await health.drop_failure(db, tenant, job) for tenant, job in failing])


async def _failing(db: Database, name: str) -> list[tuple[UUID, str]]:
    pairs: list[tuple[UUID, str]] = []
    for tenant in await identity.tenants(db):
        async with db.read(tenant) as session:
            rows = await health.failures(session, tenant)
        pairs += [(tenant, row.job) for row in rows if row.job == name]
    return pairs
