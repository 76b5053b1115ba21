"""Every minute: what was sold out by hand yesterday is on the menu again."""

from app.db import identity
from app.db.lane import Lane
from app.db.unit import Database
from app.domain.draft import Draft
from app.domain.ledger import Outcome
from app.domain.menu import reopen


async def open_menus(db: Database, _lane: Lane[Draft, Outcome]) -> None:
    """Every tenant's stores, at each store's own midnight."""
    for tenant in await identity.tenants(db):
        await reopen(db, tenant)
