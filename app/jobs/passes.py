"""Every minute: passes whose last day is past give back what was taken ahead for them."""

from app.db import identity, passes
from app.db.lane import Lane
from app.db.unit import Database, clock
from app.domain.draft import Draft
from app.domain.ledger import Outcome
from app.domain.passes import expire_pass


async def expire_passes(db: Database, _lane: Lane[Draft, Outcome]) -> None:
    """Of every tenant, by the clock of the store that sold each."""
    for tenant in await identity.tenants(db):
        async with db.read(tenant) as session:
            over = await passes.over(session, tenant, clock())
        for id in over:
            await expire_pass(db, tenant, id)
