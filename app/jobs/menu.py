"""Every minute: what was sold out by hand yesterday is on the menu again."""

from app.db import identity
from app.db.core.lane import Lane
from app.db.core.unit import Database
from app.domain.catalog.menu import reopen
from app.domain.ledger.draft import Draft
from app.domain.ledger.post import Outcome


async def open_menus(db: Database, _lane: Lane[Draft, Outcome]) -> None:
    """Every tenant's stores, at each store's own midnight."""
    for tenant in await identity.tenants(db):
        await reopen(db, tenant)
