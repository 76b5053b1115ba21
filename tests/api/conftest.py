"""Two instances of the app on one database, called over HTTP."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import httpx2
import pytest
import uvicorn
from starlette.applications import Starlette

from app.db.core.lane import Lane
from app.db.core.unit import Database
from app.domain.catalog.cookbook import Cookbook
from app.domain.channels.accounts import Shops
from app.domain.movements.record import Books
from app.domain.reports.exports import ExportFiles
from app.main import create_app
from app.platforms.image_store import Bucket, open_store
from app.run.embedded import Urls
from app.settings import Settings
from app.web.server import configure
from tests.conftest import SECRET as KEY
from tests.support.api import Desk, a_desk
from tests.support.http_server import http_server
from tests.support.identity import Asking, Chain, a_chain, from_own_address
from tests.support.mall import Mall
from tests.support.mini_program import APP, SECRET, MiniProgram
from tests.support.phones import SET_APP, Phones, providers_of
from tests.support.sms_server import SmsServer
from tests.support.trade import Trade, connected
from tests.support.web import UNLIMITED


@asynccontextmanager
async def running(app: Starlette) -> AsyncIterator[Asking]:
    """The application behind uvicorn, with the options of `kucun serve`."""
    server = uvicorn.Server(configure(app, port=0))
    serving = asyncio.create_task(server.serve())
    while not server.started:
        assert not serving.done(), serving
        await asyncio.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    async with httpx2.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=30) as http:
        yield Asking(http)
    server.should_exit = True
    await serving


@asynccontextmanager
async def served(urls: Urls, **more: Any) -> AsyncIterator[Asking]:
    config: dict[str, Any] = {
        "database_url": urls.database,
        "redis_url": urls.redis,
        "secret": KEY,
        **UNLIMITED,
        **more,
    }
    async with running(create_app(Settings(**config, jobs=False))) as asking:
        yield asking


@pytest.fixture(scope="session")
async def asking(urls: Urls, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Asking]:
    async with served(urls, data=tmp_path_factory.mktemp("data")) as client:
        yield client


@pytest.fixture(scope="session")
async def elsewhere(urls: Urls) -> AsyncIterator[Asking]:
    """Another server on the same database, with caches of its own."""
    async with served(urls) as client:
        yield client


@pytest.fixture
async def afar(asking: Asking) -> AsyncIterator[Asking]:
    """A client whose wrong passwords count for an address of its own."""
    async with from_own_address(asking) as client:
        yield client


@pytest.fixture
async def chain(db: Database, asking: Asking) -> Chain:
    return await a_chain(db, asking)


@pytest.fixture
async def stranger(db: Database, asking: Asking) -> Chain:
    """Another tenant."""
    return await a_chain(db, asking)


SIGNED_IN: dict[str, tuple[float, Desk]] = {}
"""Desks that many tests share, each with the time of its sign-in."""
FRESH_SECONDS = 600
"""Access tokens last 15 minutes; a slow run of all tests takes longer."""


async def signed_in(name: str, db: Database, asking: Asking) -> Desk:
    """The shared desk of this name, or a new one when its tokens would soon expire."""
    since, desk = SIGNED_IN.get(name, (0.0, None))
    if desk is None or time.monotonic() - since > FRESH_SECONDS:
        desk = await a_desk(await a_chain(db, asking))
        SIGNED_IN[name] = time.monotonic(), desk
    return desk


@pytest.fixture
async def outsider(db: Database, asking: Asking) -> Desk:
    """A desk of another tenant."""
    return await signed_in("outsider", db, asking)


@pytest.fixture
async def desk(db: Database, asking: Asking) -> Desk:
    """The same people for many tests, before any of their products is cached."""
    return replace(await signed_in("desk", db, asking), products={})


@pytest.fixture
async def fresh(chain: Chain) -> Desk:
    """A desk of a new tenant, for tests that read all rows of a tenant."""
    return await a_desk(chain)


@pytest.fixture
def mall() -> Iterator[Mall]:
    with http_server() as server:
        yield Mall(server)


@pytest.fixture
async def trade(urls: Urls, db: Database, lane: Lane, mall: Mall) -> AsyncIterator[Trade]:
    where: Any = {"douyin_url": mall.url, "wechat_url": mall.url}
    async with served(urls, **where) as asking:
        desk = await a_desk(await a_chain(db, asking))
        shops = Shops(Settings(secret=KEY, **where))
        links = await connected(desk)
        yield Trade(desk, mall, Books(db, lane, Cookbook(db)), shops, links)
        await shops.close()


@pytest.fixture
def mini() -> Iterator[MiniProgram]:
    with http_server() as server:
        yield MiniProgram(server)


@pytest.fixture
def sms() -> Iterator[SmsServer]:
    with http_server() as server:
        yield SmsServer(server)


@pytest.fixture
async def phones(
    urls: Urls, db: Database, mini: MiniProgram, sms: SmsServer
) -> AsyncIterator[Phones]:
    """A chain with mini-programs; its messages go to local servers."""
    where: Any = {"wechat_url": mini.url, "douyin_login_url": mini.url}
    where |= {"aliyun_sms_url": sms.url, "tencent_sms_url": sms.url}
    hosts = "127.0.0.1,localhost"
    async with (
        served(urls, **where, private_hosts=hosts) as asking,
        providers_of(**where) as providers,
    ):
        phones = Phones(await a_desk(await a_chain(db, asking)), mini, db, providers)
        for channel in ("WECHAT", "DOUYIN"):
            app = {"channel": channel, "appId": APP, "secret": SECRET}
            await phones.do(SET_APP, phones.desk.owner, **app)
        yield phones


@pytest.fixture
def books(db: Database, lane: Lane) -> Books:
    return Books(db, lane, Cookbook(db))


@pytest.fixture(scope="module")
async def office(
    urls: Urls, db: Database, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[tuple[Desk, ExportFiles]]:
    """A desk whose server and worker share a folder of files."""
    data = tmp_path_factory.mktemp("exports")
    async with served(urls, data=data) as asking:
        desk = await a_desk(await a_chain(db, asking))
        yield desk, ExportFiles(open_store("", data / "exports", Bucket("", "", "", "")), KEY)
