"""Every minute: passes whose last day is past give back what was taken ahead for them."""

from app.db import identity
from app.db.lane import Lane
from app.db.unit import Database
from app.domain.draft import Draft
from app.domain.ledger import Outcome
from app.domain.passes import expire


async def expire_passes(db: Database, _lane: Lane[Draft, Outcome]) -> None:
    """Of every tenant, by the clock of the store that sold each."""
    for tenant in await identity.tenants(db):
        await expire(db, tenant)
