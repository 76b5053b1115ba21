"""Terminals recover within a second from a dead bus, a dead server and broken connections."""

import asyncio
import contextlib
import os
import random
import signal
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import httpx2
import pytest

from app.db import feed
from app.live.socket import Socket
from app.run.embedded import Engines, Urls
from app.run.engines import free_port
from tests.api.conftest import served
from tests.conftest import SECRET
from tests.live.test_feed import same
from tests.support.identity import Asking, eventually
from tests.support.live import FEED, Terminal, dialled, watching
from tests.support.shop import Shop


@pytest.fixture
def valkey(tmp_path: Path) -> Iterator[Engines]:
    """A Valkey server for one test, which the test may kill."""
    for folder in (tmp_path, *tmp_path.parents[:3]):
        folder.chmod(0o711)
    with Engines(tmp_path / "data", postgres=False) as engines:
        yield engines


@pytest.fixture
async def apart(urls: Urls, valkey: Engines) -> AsyncIterator[Asking]:
    """An instance of the app on a bus of its own, which the test may kill."""
    alone = Urls(urls.database, urls.owner, valkey.urls().redis)
    async with served(alone) as asking:
        yield asking


async def test_without_the_bus_terminals_converge_by_the_poll(
    open_shop: Shop, apart: Asking, valkey: Engines
) -> None:
    shop = open_shop
    await shop.receive("米", 100)
    async with watching(str(apart.http.base_url), shop.token, shop.store) as terminal:
        os.kill(valkey.valkey.pid, signal.SIGKILL)
        for _ in range(3):
            await shop.sell("米", 1)
            await same(terminal, shop)
        await eventually(lambda: revived(valkey))
        await shop.sell("米", 1)
        await same(terminal, shop)


async def revived(engines: Engines) -> bool:
    await asyncio.sleep(0.05)
    return bool(engines.revive())


@contextmanager
def a_process(urls: Urls, port: int) -> Iterator[subprocess.Popen[bytes]]:
    env = {
        **os.environ,
        "KUCUN_DATABASE_URL": urls.database,
        "KUCUN_REDIS_URL": urls.redis,
        "KUCUN_SECRET": SECRET,
    }
    options = ["--factory", "--port", str(port), "--ws", "app.live.protocol:Protocol"]
    command = [sys.executable, "-m", "uvicorn", "app.main:create_app", *options]
    process = subprocess.Popen(command, env=env)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


@asynccontextmanager
async def ready(urls: Urls, port: int) -> AsyncIterator[subprocess.Popen[bytes]]:
    with a_process(urls, port) as process:
        async with httpx2.AsyncClient() as http:
            await eventually(lambda: answers(http, f"http://127.0.0.1:{port}/readyz"), 30)
        yield process


async def answers(http: httpx2.AsyncClient, url: str) -> bool:
    try:
        return (await http.get(url)).status_code == 200
    except httpx2.TransportError:
        return False


async def test_a_killed_server_loses_nothing(open_shop: Shop, urls: Urls) -> None:
    shop, port = open_shop, free_port()
    await shop.receive("米", 100)
    address = f"http://127.0.0.1:{port}"
    async with (
        ready(urls, port) as process,
        watching(address, shop.token, shop.store) as terminal,
    ):
        await shop.sell("米", 1)
        await terminal.hear()
        process.kill()
        await terminal.line.socket.wait_closed()
    await shop.sell("米", 1)
    # The terminal connects to another process and resumes after its last revision.
    async with dialled(shop.base_url, shop.token) as line:
        terminal.line = line
        await terminal.follow(after=terminal.revision)
        await same(terminal, shop)


async def test_lines_cut_at_random(open_shop: Shop) -> None:
    shop = open_shop
    await shop.receive("米", 1000)
    terminal = None
    selling = asyncio.create_task(sell_slowly(shop, 60))
    rng = random.Random(7)
    while not selling.done():
        async with dialled(shop.base_url, shop.token) as line:
            if terminal is None:
                terminal = Terminal(line, shop.store)
                await terminal.follow()
            else:
                terminal.line = line
                await terminal.follow(after=terminal.revision)
            for _ in range(rng.randrange(4)):
                # The last sale may have been delivered already.
                with contextlib.suppress(TimeoutError):
                    await terminal.hear(0.2)
            line.socket.transport.abort()
    async with dialled(shop.base_url, shop.token) as line:
        assert terminal is not None
        terminal.line = line
        await terminal.follow(after=terminal.revision)
        await same(terminal, shop)


async def sell_slowly(shop: Shop, times: int) -> None:
    for _ in range(times):
        await shop.sell("米", 1)
        await asyncio.sleep(0.02)


def narrow(base_url: str) -> socket.socket:
    """A connection with a small receive buffer."""
    address = urlsplit(base_url)
    connection = socket.socket()
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8192)
    connection.connect((address.hostname, address.port))
    connection.setblocking(False)
    return connection


async def test_a_stuck_reader_is_cut_off_and_delays_no_other(open_shop: Shop) -> None:
    shop = open_shop
    names = [f"商品{i}" for i in range(120)]
    for name in names:
        await shop.receive(name, 1000)
    async with (
        dialled(shop.base_url, shop.token, max_queue=1, sock=narrow(shop.base_url)) as stuck,
        watching(shop.base_url, shop.token, shop.store) as terminal,
    ):
        for number in range(20):
            await stuck.subscribe(FEED, id=str(number), store=str(shop.store))
        stuck.socket.transport.pause_reading()
        held = len(Socket.open)
        began = time.monotonic()
        while len(Socket.open) == held:
            assert time.monotonic() - began < 12, "the server did not close the connection"
            for name in names[::10]:
                await shop.sell(name, 1)
            await terminal.reach(await feed.head(shop.db, shop.tenant, shop.store), 1)
        assert time.monotonic() - began > 4
        await same(terminal, shop)
