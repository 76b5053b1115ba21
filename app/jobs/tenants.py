"""The loop over tenants that every job shares: one tenant's failure does not stop the others."""

import functools
from collections.abc import Awaitable, Callable
from uuid import UUID

import structlog

from app.db import health, identity
from app.db.core.lane import Lane
from app.db.core.postgres import is_away
from app.db.core.unit import Database
from app.domain.ledger.draft import Draft
from app.domain.ledger.post import Outcome

log = structlog.get_logger()

Job = Callable[[Database, Lane[Draft, Outcome]], Awaitable[None]]
TenantJob = Callable[[Database, Lane[Draft, Outcome], UUID], Awaitable[None]]


def for_every_tenant(job: TenantJob) -> Job:
    """The job for every tenant that has a store, one after the other.

    An error is logged and recorded with the tenant until a run succeeds, and the next tenant is
    served. Raises the error of a database that is away.
    """
    succeeded: set[UUID] = set()

    @functools.wraps(job)
    async def run(db: Database, lane: Lane[Draft, Outcome]) -> None:
        for tenant in await identity.tenants(db):
            try:
                await job(db, lane, tenant)
                # Another process may have recorded a failure before this one has run the job.
                if tenant not in succeeded:
                    await health.drop_failure(db, tenant, job.__name__)
                    succeeded.add(tenant)
            except Exception as error:
                if is_away(error):
                    raise
                succeeded.discard(tenant)
                log.error("job.failed", job=job.__name__, tenant=str(tenant), exc_info=error)
                await health.record_failure(db, tenant, job.__name__, error)

    return run
