"""The runner: does what is due, in `kucun serve` and in `kucun work`, in as many as there are."""

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial

import structlog

from app.db.core import jobs
from app.db.core.lane import Lane
from app.db.core.unit import Database
from app.domain.ledger.draft import Draft
from app.domain.ledger.post import Outcome
from app.jobs import expiry, menu, passes, reservations

log = structlog.get_logger()

Job = Callable[[Database, Lane[Draft, Outcome]], Awaitable[None]]

# Midnight comes to every time zone on a minute; what was missed is done at the next one.
SCHEDULE: dict[str, tuple[str, Job]] = {
    "expire": ("* * * * *", expiry.expire),
    "open_menus": ("* * * * *", menu.open_menus),
    "expire_passes": ("* * * * *", passes.expire_passes),
    "settle_holds": ("* * * * *", reservations.end_overdue_orders),
}
RETRY_SECONDS = 2.0


async def work(url: str, db: Database, lane: Lane[Draft, Outcome]) -> None:
    """For ever: a database that goes away is waited for, a job that fails is tried when due."""
    while True:
        try:
            async with jobs.scheduler(url) as scheduler:
                for name, (when, job) in SCHEDULE.items():
                    scheduler.schedule(name, when)(partial(_run, name, job, db, lane))
                await scheduler.run()
        except Exception as error:
            log.warning("jobs.lost", error=repr(error))
        await asyncio.sleep(RETRY_SECONDS)


async def _run(
    name: str, job: Job, db: Database, lane: Lane[Draft, Outcome], _schedule: object
) -> None:
    try:
        await job(db, lane)
    except Exception as error:
        log.error("job.failed", job=name, exc_info=error)
