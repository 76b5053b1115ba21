"""Sums of stock for the overview: kept for each store, and refreshed after changes."""

import asyncio
from uuid import UUID

from app.db import report_sums as rows
from app.db.core.unit import Database
from app.db.updates import wait_for_commits

REST = 1.0
"""Seconds of rest for each second that a store took, so that sales have their turn."""


async def keep_sums(db: Database, tenant: UUID) -> None:
    """Keep the sums of each store that has changed, or whose day has."""
    loop = asyncio.get_running_loop()
    async with db.snapshot() as snapshot:
        at = await wait_for_commits(db, tenant, snapshot)
    async with db.read(tenant) as session:
        stores = await rows.stores_of(session, tenant)
    async with db.unit(tenant) as unit:
        await rows.still_current(unit, stores.others, at)
    for store in stores.due:
        started = loop.time()
        async with db.unit(tenant) as unit:
            await rows.keep_sums(unit, store, at)
        await asyncio.sleep(REST * (loop.time() - started))
