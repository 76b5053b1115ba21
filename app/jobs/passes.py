"""Every minute: passes whose last day is past give back what was taken ahead for them."""

from app.db import identity
from app.db.core.lane import Lane
from app.db.core.unit import Database
from app.domain.documents.passes import expire
from app.domain.ledger.draft import Draft
from app.domain.ledger.post import Outcome


async def expire_passes(db: Database, _lane: Lane[Draft, Outcome]) -> None:
    """Of every tenant, by the clock of the store that sold each."""
    for tenant in await identity.tenants(db):
        await expire(db, tenant)
