"""Images: delete unused ones, one tenant after the other."""

from functools import partial

from app.db import identity
from app.db.core.unit import Database
from app.domain.catalog.unused_images import delete_unused
from app.jobs.rounds import Rounds
from app.platforms.image_store import ImageStore

PAUSE_SECONDS = 3600.0


async def serve_images(db: Database, store: ImageStore) -> None:
    """Run every hour until cancelled; a failure delays its tenant only."""
    delete = partial(delete_unused, db, store)
    await Rounds(db, "images", partial(identity.tenants, db), delete).run(PAUSE_SECONDS)
