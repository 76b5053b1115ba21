"""The seeded world that the walk reads, on a database of its own."""

import time
from collections.abc import AsyncIterator
from copy import deepcopy
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from app.db.core.unit import Database
from app.run.embedded import Urls
from tests.api.conftest import served
from tests.conftest import VAULT, Cloning, unheard
from tests.security.world import World, a_world
from tests.support.identity import Asking

FRESH_SECONDS = 120
"""Access tokens last for 15 minutes, and all of the walk takes ten on a busy machine."""
# The whole walk opens thousands of feeds a minute from one address.
LIMITS: dict[str, Any] = {"connections_per_address": 10**6, "feeds_per_address": 10**6}


@dataclass
class Seeding:
    """Seeds a database once for several files, and again before its access tokens expire."""

    clone: Cloning
    since: float = field(default=-FRESH_SECONDS)
    urls: Urls | None = None
    world: World | None = None

    async def __call__(self) -> tuple[Urls, World]:
        if self.urls is None or self.world is None or time.monotonic() - self.since > FRESH_SECONDS:
            self.since, self.urls = time.monotonic(), await self.clone()
            db = Database(self.urls.database, unheard, vault=VAULT)
            async with served(self.urls, **LIMITS) as asking:
                self.world = await a_world(db, asking)
            await db.close()
        return self.urls, self.world


def at(world: World, asking: Asking) -> World:
    """The same world on another server, whose database is a clone."""
    desks = [
        replace(desk, chain=replace(desk.chain, asking=asking), products=dict(desk.products))
        for desk in world.desks
    ]
    return replace(world, asking=asking, desks=desks, places=deepcopy(world.places))


@pytest.fixture(scope="session")
def seeding(clone: Cloning) -> Seeding:
    return Seeding(clone)


@pytest.fixture(scope="module")
async def walked(clone: Cloning, seeding: Seeding) -> Urls:
    """A database for each file: mutations of one do not change the rows that another looks for."""
    urls, _ = await seeding()
    return await clone(urls)


@pytest.fixture(scope="module")
async def world(walked: Urls, seeding: Seeding) -> AsyncIterator[World]:
    _, world = await seeding()
    async with served(walked, **LIMITS) as asking:
        yield at(world, asking)
