"""A worker that writes one tenant's imports, as a process that a test kills."""

import asyncio
from collections.abc import Collection
from contextlib import AbstractContextManager
from multiprocessing.process import BaseProcess
from typing import Any
from uuid import UUID

from app.db.core.lane import Lane
from app.db.core.unit import Database
from app.domain.catalog.cookbook import Cookbook
from app.domain.imports.commits import run_imports
from app.domain.ledger.post import PostDrafts
from app.domain.movements.record import Books
from tests.support.killed import running


async def unheard(_: UUID, __: Collection[UUID] | Any) -> None:
    """This process has no followers."""


def importer(tenant: UUID, url: str) -> AbstractContextManager[BaseProcess]:
    """A worker of the tenant; killed at the end at the latest."""
    return running(work, tenant, url)


def work(tenant: UUID, url: str) -> None:
    async def run() -> None:
        db, lane = Database(url, unheard), Lane(url, PostDrafts(), unheard)
        await run_imports(Books(db, lane, Cookbook(db)), tenant)

    asyncio.run(run())
