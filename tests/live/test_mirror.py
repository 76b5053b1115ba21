"""The mirror: which answers are shared, and when they are dropped."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from uuid import UUID, uuid4

import pytest

from app.db.core.bus import Bus
from app.db.core.unit import Database
from app.live import mirror as mirrors
from app.live.mirror import ENTRY_BYTES, Computed, Mirror
from app.live.share import Answer
from app.run.embedded import Urls
from tests.live.test_bus import value_of
from tests.support.identity import eventually

TENANT, STORE, OTHER = uuid4(), uuid4(), uuid4()


@dataclass
class Reader:
    """Asks one question of a mirror; each computed answer has the number of its reading."""

    bus: Bus
    mirror: Mirror
    stores: frozenset[tuple[UUID, UUID]] = frozenset({(TENANT, STORE)})
    gate: asyncio.Event = field(default_factory=asyncio.Event)
    read: int = 0

    async def compute(self) -> Computed | None:
        self.read += 1
        number = self.read
        await self.gate.wait()
        return Computed(Answer(number=number), self.stores)

    async def ask(self, question: str = "page") -> int:
        answer = await self.mirror.answer(question.encode(), self.compute)
        assert answer is not None
        return answer["number"]


@pytest.fixture
async def reader(db: Database, urls: Urls) -> AsyncIterator[Reader]:
    bus = Bus(urls.redis)
    it = Reader(bus, Mirror(bus))
    await bus.start()
    await eventually(lambda: value_of(bus.connected))
    it.gate.set()
    yield it
    await bus.stop()


async def test_an_answer_is_kept_until_its_store_changes(reader: Reader) -> None:
    assert [await reader.ask(), await reader.ask()] == [1, 1]
    assert await reader.ask("another page") == 2
    await reader.bus.nudge(TENANT, [OTHER])
    assert await reader.ask() == 1
    await reader.bus.nudge(TENANT, [STORE])
    assert [await reader.ask(), await reader.ask()] == [3, 3]


async def test_a_change_of_another_process_drops_an_answer(reader: Reader, urls: Urls) -> None:
    assert await reader.ask() == 1
    other = Bus(urls.redis)
    await other.start()
    try:
        await eventually(lambda: value_of(other.connected))
        await other.nudge(TENANT, [STORE])

        async def read_again() -> bool:
            return await reader.ask() == 2

        await eventually(read_again)
    finally:
        await other.stop()


async def test_an_answer_that_was_being_read_when_its_store_changed_is_not_kept(
    reader: Reader,
) -> None:
    reader.gate.clear()
    early = asyncio.create_task(reader.ask())
    await asyncio.sleep(0)
    await reader.bus.nudge(TENANT, [STORE])
    # It arrives after the change, so it does not wait for the earlier reading.
    late = asyncio.create_task(reader.ask())
    await asyncio.sleep(0)
    reader.gate.set()
    assert [await early, await late] == [1, 2]
    assert await reader.ask() == 2


async def test_requests_at_once_share_one_reading(reader: Reader) -> None:
    reader.gate.clear()
    asking = [asyncio.create_task(reader.ask()) for _ in range(50)]
    await asyncio.sleep(0)
    asking[1].cancel()
    reader.gate.set()
    answers = await asyncio.gather(*asking, return_exceptions=True)
    assert [each for each in answers if isinstance(each, int)] == [1] * 49


async def test_requests_compute_for_themselves_when_the_shared_reading_fails(
    reader: Reader,
) -> None:
    reader.gate.clear()
    first = asyncio.create_task(reader.ask())
    await asyncio.sleep(0)

    async def unused() -> Computed | None:
        raise AssertionError("a second reading")

    second = asyncio.create_task(reader.mirror.answer(b"page", unused))
    await asyncio.sleep(0)
    first.cancel()
    assert await second is None


async def test_an_answer_is_used_for_a_second(
    reader: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mirrors, "SECONDS", 0.0)
    assert [await reader.ask(), await reader.ask()] == [1, 2]


async def test_nothing_is_kept_without_the_bus(reader: Reader) -> None:
    assert await reader.ask() == 1
    reader.bus._backend.connected = False
    assert [await reader.ask(), await reader.ask()] == [2, 3]


async def test_missed_nudges_drop_every_answer(reader: Reader) -> None:
    assert await reader.ask() == 1
    reader.mirror._on_change(None, None)
    assert await reader.ask() == 2


async def test_answers_are_bounded_by_bytes(reader: Reader) -> None:
    reader.mirror = Mirror(reader.bus, most_bytes=3 * (ENTRY_BYTES + len(Answer(number=1).json)))
    for question in "abcd":
        await reader.ask(question)
    assert [await reader.ask("d"), await reader.ask("b"), await reader.ask("a")] == [4, 2, 5]
