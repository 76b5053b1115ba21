"""Exports: make the files that wait, one export at a time for each tenant."""

from functools import partial
from uuid import UUID

from app.db import identity
from app.db.core.unit import Database
from app.domain.reports.export_run import run_exports
from app.domain.reports.exports import ExportFiles
from app.jobs.rounds import Rounds

PAUSE_SECONDS = 1.0


async def serve_exports(db: Database, files: ExportFiles) -> None:
    """Run every second until cancelled; a failure delays its tenant only."""

    async def serve(tenant: UUID) -> None:
        await run_exports(db, files, tenant)

    await Rounds(db, "exports", partial(identity.tenants, db), serve).run(PAUSE_SECONDS)
