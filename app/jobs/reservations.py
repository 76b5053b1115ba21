"""Every minute: orders whose time is over give up what they hold.

Those who read or sell do not wait for it, and those who watch a store settle it at once.
"""

from app.db import identity
from app.db.lane import Lane
from app.db.unit import Database
from app.domain.draft import Draft
from app.domain.holds import settle
from app.domain.ledger import Outcome


async def settle_holds(db: Database, _lane: Lane[Draft, Outcome]) -> None:
    """Of every tenant."""
    for tenant in await identity.tenants(db):
        await settle(db, tenant)
