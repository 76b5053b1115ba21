"""Channel sync: push stock to connected channels, and process their messages."""

import asyncio
from functools import partial
from uuid import UUID

from app.db import identity
from app.domain.channels.accounts import Shops
from app.domain.channels.sync import follow_orders, push_stock
from app.domain.movements.record import Books
from app.jobs.rounds import Rounds

PAUSE_SECONDS = 0.5


async def serve_shops(books: Books, shops: Shops) -> None:
    """Run twice a second until cancelled; a failure delays its tenant only."""
    await rounds(books, shops).run(PAUSE_SECONDS)


def rounds(books: Books, shops: Shops) -> Rounds:
    """The rounds over the tenants with a connected channel."""
    connected = partial(identity.tenants, books.db, "shop")
    return Rounds(books.db, "shops", connected, partial(_serve, books, shops))


async def _serve(books: Books, shops: Shops, tenant: UUID) -> None:
    outcomes = await asyncio.gather(
        push_stock(books.db, shops, tenant),
        follow_orders(books, shops, tenant),
        # An error in one of the two does not cancel the other.
        return_exceptions=True,
    )
    for outcome in outcomes:
        if isinstance(outcome, Exception):
            raise outcome
