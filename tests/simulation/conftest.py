"""A chain with a random history."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from random import Random

import pytest

from app.domain.movements.checkpoints import keep_checkpoints
from tests.support.report_world import MOVES, World
from tests.support.shop import Shop


@pytest.fixture
async def world(shop: Shop, seed: str, request: pytest.FixtureRequest) -> AsyncIterator[World]:
    world = World(shop, Random(f"{seed} {request.node.name}"))
    await world.set_up()
    for step in range(MOVES):
        await world.step()
        if step % 30 == 29:
            later = datetime.now(UTC) + timedelta(days=step // 30)
            await keep_checkpoints(shop.db, shop.tenant, later)
    yield world
    await world.receive_transit()
