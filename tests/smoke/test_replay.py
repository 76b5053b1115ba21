"""Real baskets through a real server: all posted, nothing twice, the audit clean."""

from collections import Counter
from pathlib import Path

import asyncpg
import pytest

from app.embedded import Urls
from app.replay.dataset import Story, load
from app.replay.run import replay
from app.settings import Settings
from tests.api.conftest import SECRET, served


@pytest.fixture(scope="module")
def story() -> Story:
    return load(stores=1, baskets=40)


def test_every_odd_row_has_a_decision(story: Story) -> None:
    assert len(story.baskets) == 40
    assert all(quantity > 0 for basket in story.baskets for _, quantity in basket.lines)
    assert sorted(story.baskets, key=lambda basket: (basket.at, basket.id)) == story.baskets
    known = {good.id for good in story.goods}
    assert {product for basket in story.baskets for product, _ in basket.lines} == known
    assert sum(story.decisions.values()) > 0


async def test_replayed_twice_it_is_booked_once(
    urls: Urls, story: Story, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = Settings(
        database_url=urls.database,
        owner_url=urls.owner,
        redis_url=urls.redis,
        secret=SECRET,
        data=tmp_path,
    )
    async with served(urls) as asking:
        address = str(asking.http.base_url)
        assert await replay(settings, address, story, "replay-test")
        first = capsys.readouterr().out
        assert await replay(settings, address, story, "replay-test")
        again = capsys.readouterr().out
    assert "posted: 40 " in first
    assert "posted: 40 " in again
    # Whatever was opened has been sold, once.
    assert await left(urls) == Counter()


async def left(urls: Urls) -> Counter[str]:
    owner = await asyncpg.connect(urls.owner)
    found = await owner.fetch(
        "select product_id::text, shelf from levels join tenants using (tenant_id)"
        " where name = 'replay-test' and shelf <> 0"
    )
    await owner.close()
    return Counter(dict(map(tuple, found)))
