"""Images that nothing uses are deleted after a week, and no link of a product breaks."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import asyncpg
import pytest

from app.db import images as rows
from app.db.core.unit import Database
from app.domain.catalog.unused_images import UNUSED_KEPT, delete_unused
from app.platforms.image_store import Bucket, ImageStore, open_store
from app.run.embedded import Urls
from tests.api.conftest import served
from tests.api.test_images import PNG, PRODUCT, REQUEST, put
from tests.support.api import Desk
from tests.support.identity import Asking


@dataclass
class Album:
    """A server with a folder of images, and the job that deletes those of its chain."""

    asking: Asking
    desk: Desk
    db: Database
    store: ImageStore
    owner: Any

    async def uploaded(self, key: str | None = None) -> str:
        """The link to a new image."""
        input = {"key": key or str(uuid4()), "contentType": "image/png", "size": len(PNG)}
        upload = await self.asking(REQUEST, self.desk.owner, input=input)
        assert await put(self.asking, upload) == 201
        return upload["imageUrl"]

    async def shown(self, link: str) -> bool:
        return (await self.asking.http.get(link)).status_code == 200

    async def use(self, link: str | None) -> Any:
        """The answer to giving the product this image."""
        product = await self.desk.product("米")
        input = {"key": str(uuid4()), "productId": product, "imageUrl": link}
        return await self.asking.raw(PRODUCT, self.desk.owner, input=input)

    async def week(self) -> None:
        """A week passes."""
        await self.owner.execute(
            "UPDATE images SET unused_since = unused_since - $1::interval", UNUSED_KEPT
        )

    async def run(self) -> None:
        await delete_unused(self.db, self.store, self.desk.chain.founded.store.tenant_id)


@pytest.fixture
async def album(urls: Urls, db: Database, fresh: Desk, tmp_path: Path) -> AsyncIterator[Album]:
    store = open_store("", tmp_path / "images", Bucket("", "", "", ""))
    owner = await asyncpg.connect(urls.owner)
    async with served(urls, data=tmp_path) as asking:
        yield Album(asking, fresh, db, store, owner)
    await owner.close()


async def test_unused_images_are_deleted_after_a_week(album: Album) -> None:
    key = str(uuid4())
    forgotten, first, second = [await album.uploaded(each) for each in (key, None, None)]
    assert "errors" not in await album.use(first)
    await album.run()
    await album.week()
    # The first is replaced only now: its week begins.
    assert "errors" not in await album.use(second)
    await album.run()
    seen = [await album.shown(link) for link in (forgotten, first, second)]
    assert seen == [False, True, True]
    refused = await album.use(forgotten)
    assert refused["errors"][0]["extensions"]["code"] == "BAD_INPUT"
    await album.week()
    await album.run()
    assert [await album.shown(link) for link in (first, second)] == [False, True]
    # The same request gives the same address once more.
    assert await album.uploaded(key) == forgotten
    assert "errors" not in await album.use(forgotten)


async def test_an_image_that_is_being_deleted_is_not_taken(album: Album) -> None:
    """Also when the process dies after the file is gone: the next run goes on."""
    link = await album.uploaded()
    await album.week()
    async with album.db.unit(album.desk.chain.founded.store.tenant_id) as unit:
        assert await rows.mark_unused(unit, unit.now) == [link.rpartition("/")[2]]
    await album.store.delete(link.partition("/images/")[2])
    assert (await album.use(link))["errors"][0]["extensions"]["code"] == "BAD_INPUT"
    await album.run()
    assert await album.owner.fetch("SELECT FROM images WHERE removing") == []


async def test_a_product_takes_an_image_while_it_is_deleted(album: Album) -> None:
    """Either the product is refused, or it shows an image that stays."""
    for _ in range(12):
        link = await album.uploaded()
        await album.week()
        answer, *_ = await asyncio.gather(album.use(link), *(album.run() for _ in range(2)))
        assert await album.shown(link) == ("errors" not in answer), answer
        await album.run()
        assert await album.shown(link) == ("errors" not in answer), answer
