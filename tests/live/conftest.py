"""Fixtures of a chain's terminals, connected to two instances of the app."""

from collections.abc import AsyncIterator

import pytest

from app.db.core.bus import Bus
from app.db.core.lane import Lane
from app.db.core.unit import Database
from app.domain.ledger.post import PostDrafts
from app.run.embedded import Urls
from tests.api.conftest import asking, chain, elsewhere, stranger
from tests.support.identity import Chain
from tests.support.shop import Shop

__all__ = ["asking", "chain", "elsewhere", "stranger"]


@pytest.fixture(scope="session")
async def heard(urls: Urls) -> AsyncIterator[Lane]:
    """A lane whose commits are announced on the bus, as by a third process."""
    bus = Bus(urls.redis)
    await bus.start()
    lane = Lane(urls.database, PostDrafts(), bus.nudge)
    yield lane
    await lane.close()
    await bus.stop()


@pytest.fixture
def open_shop(db: Database, heard: Lane, chain: Chain) -> Shop:
    """The chain's store as a Shop; its owner's token opens feeds."""
    owner = chain.founded.owner.id
    base_url = str(chain.asking.http.base_url)
    tenant = chain.founded.store.tenant_id
    return Shop(db, heard, tenant, owner, chain.store, {}, base_url, chain.token)
