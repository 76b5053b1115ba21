"""Sealing again: secrets and addresses of a former secret are sealed with the present one."""

from uuid import UUID

import structlog

from app.db.core.unit import Database
from app.db.core.vault import Unopened
from app.db.seals import SEALS, sealed_by_another

log = structlog.get_logger()


async def seal_again(db: Database, tenant: UUID) -> None:
    """Seal the tenant's secrets, addresses and phones of staff with the present secret; run twice
    or at once, each is sealed once. What no secret opens stays as it is."""
    for seal in SEALS:
        async with db.unit(tenant) as unit:
            for row in await sealed_by_another(unit, seal, db.vault.kid):
                id = seal.id_of(row)
                try:
                    text = db.vault.open(tenant, id, getattr(row, seal.column))
                except Unopened:
                    log.error("secret.unopened", tenant=str(tenant), table=seal.table.__tablename__)
                    continue
                setattr(row, seal.column, db.vault.seal(tenant, id, text))
