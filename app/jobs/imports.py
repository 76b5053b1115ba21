"""Imports: write the rows that wait, one import at a time for each tenant."""

from functools import partial

from app.db import identity
from app.domain.imports.commits import run_imports
from app.domain.movements.record import Books
from app.jobs.rounds import Rounds

PAUSE_SECONDS = 1.0


async def serve_imports(books: Books) -> None:
    """Run every second until cancelled; a failure delays its tenant only."""

    tenants = partial(identity.tenants, books.db)
    await Rounds(books.db, "imports", tenants, partial(run_imports, books)).run(PAUSE_SECONDS)
