"""For ever: shops are told what they may sell, and what they say is followed."""

import asyncio

import structlog

from app.db import identity
from app.domain.pushes import follow, tell
from app.domain.shops import Shops
from app.domain.stock import Books

log = structlog.get_logger()

PAUSE_SECONDS = 0.5


async def serve_shops(books: Books, shops: Shops) -> None:
    """Looks twice a second; a failure delays it, nothing ends it."""
    failing = False
    while True:
        try:
            await once(books, shops)
            failing = False
        except Exception as error:
            if not failing:
                log.warning("shops.failing", error=repr(error))
            failing = True
        await asyncio.sleep(PAUSE_SECONDS)


async def once(books: Books, shops: Shops) -> None:
    """Of every tenant that has a shop."""
    for tenant in await identity.tenants(books.db, "shop"):
        await tell(books.db, shops, tenant)
        await follow(books, shops, tenant)
