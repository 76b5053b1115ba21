"""The runner: runs due jobs in `kucun work`; of several workers one does each run."""

import asyncio
from functools import partial

import structlog

from app.db.core import jobs
from app.db.core.lane import Lane
from app.db.core.postgres import is_away
from app.db.core.unit import Database
from app.domain.ledger.draft import Draft
from app.domain.ledger.post import Outcome
from app.jobs import (
    audit,
    checkpoints,
    contacts,
    expiry,
    menu,
    monthly,
    passes,
    report_sums,
    reservations,
    retention,
    stocktakes,
)
from app.jobs.tenants import Job

log = structlog.get_logger()

# Midnight falls on a full minute in every time zone; a missed run is made up at the next minute.
SCHEDULE: dict[str, tuple[str, Job]] = {
    "expire": ("* * * * *", expiry.expire),
    "open_menus": ("* * * * *", menu.open_menus),
    "expire_passes": ("* * * * *", passes.expire_passes),
    "seal_contacts": ("*/10 * * * *", contacts.seal_contacts),
    "end_overdue_orders": ("* * * * *", reservations.end_overdue_orders),
    "resume_interrupted": ("* * * * *", stocktakes.resume_interrupted),
    "request_monthly": ("*/10 * * * *", monthly.request_monthly),
    "keep_sums": ("*/10 * * * *", report_sums.keep_sums),
    "keep_checkpoints": ("7 * * * *", checkpoints.keep_checkpoints),
    "trim": ("23 * * * *", retention.trim),
    # 03:40 in China, when stores are closed.
    "audit": ("40 19 * * *", audit.audit),
}
RETRY_SECONDS = 2.0


async def work(url: str, db: Database, lane: Lane[Draft, Outcome]) -> None:
    """Run until cancelled: wait for a database that is away, and retry a failed job when due."""
    while True:
        try:
            with db.outage.watched():
                async with jobs.scheduler(url) as scheduler:
                    for name, (when, job) in SCHEDULE.items():
                        scheduler.schedule(name, when)(partial(_run, name, job, db, lane))
                    await scheduler.run()
        except Exception as error:
            if not is_away(error):
                log.warning("jobs.lost", error=error)
        await asyncio.sleep(RETRY_SECONDS)


async def _run(
    name: str, job: Job, db: Database, lane: Lane[Draft, Outcome], _schedule: object
) -> None:
    try:
        await job(db, lane)
    except Exception as error:
        # An outage of the database has its own log line; the job runs again when it is next due.
        if not is_away(error):
            log.error("job.failed", job=name, exc_info=error)
