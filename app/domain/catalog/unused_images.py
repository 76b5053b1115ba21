"""Images that nothing uses are deleted after some days; the links of others never break."""

from datetime import timedelta
from uuid import UUID

from app.db import images as rows
from app.db.core.unit import Database
from app.platforms.image_store import ImageStore

UNUSED_KEPT = timedelta(days=7)
"""How long an image is kept that no product and no write-off uses, from its request or from the
hour in which its last use ended."""


async def delete_unused(db: Database, store: ImageStore, tenant: UUID) -> None:
    """Delete the tenant's images that have been unused too long; their links lead nowhere then.

    An image is marked before its file is deleted, so that nothing uses it again when the process
    dies in between; the next run goes on. Raises Unavailable.
    """
    async with db.unit(tenant) as unit:
        await rows.note_uses(unit)
    async with db.unit(tenant) as unit:
        names = await rows.mark_unused(unit, unit.now - UNUSED_KEPT)
    for name in names:
        async with db.unit(tenant) as unit:
            if await rows.lock_removing(unit, name):
                await store.delete(f"{tenant}/{name}")
                await rows.remove(unit, name)
