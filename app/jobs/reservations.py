"""Every minute: orders whose time is over give up what they hold.

Those who read or sell do not wait for it, and those who watch a store settle it at once.
"""

from app.db import identity
from app.db.core.lane import Lane
from app.db.core.unit import Database
from app.domain.ledger.draft import Draft
from app.domain.ledger.post import Outcome
from app.domain.ledger.reservations import end_overdue


async def end_overdue_orders(db: Database, _lane: Lane[Draft, Outcome]) -> None:
    """Of every tenant."""
    for tenant in await identity.tenants(db):
        await end_overdue(db, tenant)
