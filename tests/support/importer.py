"""A worker that writes one tenant's imports, as a process that a test kills."""

import asyncio
import subprocess
import sys
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID

from app.db.core.lane import Lane
from app.db.core.unit import Database
from app.domain.catalog.cookbook import Cookbook
from app.domain.imports.commits import run_imports
from app.domain.ledger.post import PostDrafts
from app.domain.movements.record import Books


async def unheard(_: UUID, __: Collection[UUID] | Any) -> None:
    """This process has no followers."""


@contextmanager
def importer(tenant: UUID, url: str) -> Iterator[subprocess.Popen[bytes]]:
    """A worker of the tenant; killed at the end at the latest."""
    command = [sys.executable, "-m", "tests.support.importer", str(tenant), url]
    process = subprocess.Popen(command)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


async def main(tenant: UUID, url: str) -> None:
    db, lane = Database(url, unheard), Lane(url, PostDrafts(), unheard)
    await run_imports(Books(db, lane, Cookbook(db)), tenant)


if __name__ == "__main__":
    asyncio.run(main(UUID(sys.argv[1]), sys.argv[2]))
