"""The seeded world that the walk reads, on a database of its own."""

from collections.abc import AsyncIterator

import pytest

from app.db.core.unit import Database
from app.run.embedded import Urls
from tests.api.conftest import served
from tests.conftest import VAULT, Cloning, unheard
from tests.security.world import World, a_world


@pytest.fixture(scope="module")
async def walked(clone: Cloning) -> Urls:
    """A database for each file: mutations of one do not change the rows that another looks for."""
    return await clone()


@pytest.fixture(scope="module")
async def world(walked: Urls) -> AsyncIterator[World]:
    db = Database(walked.database, unheard, vault=VAULT)
    # The whole walk opens thousands of feeds a minute from one address.
    async with served(walked, connections_per_address=10**6, feeds_per_address=10**6) as asking:
        yield await a_world(db, asking)
    await db.close()
