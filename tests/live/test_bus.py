"""The bus delivers every nudge while its server runs, and reports when it may have missed some."""

import asyncio
import os
import random
import signal
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from redis.asyncio import Redis

from app.db.core.bus import Bus
from app.run.embedded import Engines
from tests.support.identity import eventually

Heard = list[tuple[UUID | None, UUID | None]]
MISSED = (None, None)


@pytest.fixture
def valkey(tmp_path: Path) -> Iterator[Engines]:
    """A Valkey server for one test, which the test may kill."""
    for folder in (tmp_path, *tmp_path.parents[:3]):
        folder.chmod(0o711)
    with Engines(tmp_path / "data", postgres=False) as engines:
        yield engines


@pytest.fixture
async def pair(valkey: Engines) -> AsyncIterator[tuple[Bus, Bus, Heard]]:
    """Two buses, as of two processes, and the list of nudges that the second receives."""
    heard: Heard = []
    url = valkey.urls().redis
    one, two = Bus(url), Bus(url)
    two.listen(lambda tenant, store: heard.append((tenant, store)))
    await one.start()
    await two.start()
    await eventually(lambda: value_of(one.connected and two.connected))
    yield one, two, heard
    await one.stop()
    await two.stop()


async def value_of(value: object) -> object:
    return value


async def nudged(one: Bus, heard: Heard) -> None:
    """Wait until a nudge of the first bus arrives at the second."""
    pair = uuid4(), uuid4()

    async def arrives() -> bool:
        await one.nudge(pair[0], [pair[1]])
        await asyncio.sleep(0.02)
        return pair in heard

    await eventually(arrives)


async def test_the_first_nudge_arrives(pair: tuple[Bus, Bus, Heard]) -> None:
    one, _, heard = pair
    tenant, stores = uuid4(), [uuid4() for _ in range(3)]
    await one.nudge(tenant, stores)
    await eventually(lambda: value_of({(tenant, s) for s in stores} <= set(heard)))
    # They are coalesced into one message, which names each store once.
    assert len([each for each in heard if each != MISSED]) == 3


async def test_a_bus_tells_its_own_process_at_once(pair: tuple[Bus, Bus, Heard]) -> None:
    _, two, heard = pair
    mine = uuid4(), uuid4()
    await two.nudge(mine[0], [mine[1]])
    assert heard[-1] == mine
    await asyncio.sleep(0.1)
    assert heard.count(mine) == 1


async def test_it_comes_back_after_kill_and_restart(
    pair: tuple[Bus, Bus, Heard], valkey: Engines
) -> None:
    one, two, heard = pair
    os.kill(valkey.valkey.pid, signal.SIGKILL)
    await eventually(lambda: value_of(not two.connected))
    for _ in range(50):
        # A writer does not wait or fail while the server is down.
        await asyncio.wait_for(one.nudge(uuid4(), [uuid4()]), 0.1)
    heard.clear()
    await eventually(lambda: value_of(valkey.revive() or two.connected))
    await eventually(lambda: value_of(MISSED in heard))
    await nudged(one, heard)


async def test_it_notices_a_server_that_is_stopped(
    pair: tuple[Bus, Bus, Heard], valkey: Engines
) -> None:
    one, two, heard = pair
    os.kill(valkey.valkey.pid, signal.SIGSTOP)
    try:
        for _ in range(60):
            if not two.connected:
                break
            await asyncio.sleep(0.1)
        assert not two.connected
    finally:
        os.kill(valkey.valkey.pid, signal.SIGCONT)
    heard.clear()
    await eventually(lambda: value_of(MISSED in heard))
    await nudged(one, heard)


async def test_it_survives_being_thrown_out(pair: tuple[Bus, Bus, Heard], valkey: Engines) -> None:
    one, _, heard = pair
    heard.clear()
    admin = Redis.from_url(valkey.urls().redis)
    assert await admin.client_kill_filter(_type="pubsub") >= 1
    await admin.aclose()
    await eventually(lambda: value_of(MISSED in heard))
    await nudged(one, heard)


async def test_garbage_is_passed_over(pair: tuple[Bus, Bus, Heard], valkey: Engines) -> None:
    one, _, heard = pair
    client = Redis.from_url(valkey.urls().redis)
    for garbage in ("", "x", "a:b,c", "a:" + "0" * 64, "a:" + "\x00" * 64, b"\xff\xfe", b"a:\xff"):
        await client.publish("kucun:nudges", garbage)
    await client.aclose()
    await nudged(one, heard)


async def test_it_stops_whatever_it_is_doing(valkey: Engines) -> None:
    """The client sends with `wait_for`, which may swallow a cancellation before Python 3.12."""
    rng = random.Random(3)
    for _ in range(60):
        bus = Bus(valkey.urls().redis)
        await bus.start()
        await asyncio.sleep(rng.random() * 0.003)
        await bus.nudge(uuid4(), [uuid4()])
        for _ in range(rng.randrange(30)):
            await asyncio.sleep(0)
        await asyncio.wait_for(bus.stop(), 5)


async def test_it_starts_without_a_server_and_finds_it_later(valkey: Engines) -> None:
    os.kill(valkey.valkey.pid, signal.SIGKILL)
    one, two = Bus(valkey.urls().redis), Bus(valkey.urls().redis)
    heard: Heard = []
    two.listen(lambda tenant, store: heard.append((tenant, store)))
    async with asyncio.timeout(1):
        await one.start()
        await two.start()
    try:
        assert not two.connected
        await eventually(lambda: value_of(valkey.revive() or two.connected))
        await eventually(lambda: value_of(MISSED in heard))
        await nudged(one, heard)
    finally:
        await one.stop()
        await two.stop()
