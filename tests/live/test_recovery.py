"""Feeds recover from errors that were not foreseen, and one bad follower harms no other."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import pytest
from structlog.testing import capture_logs

from app.db.core.unit import Database
from app.db.tables import Store
from app.domain.catalog.menu import Board
from app.domain.feed import Change, DocumentChange, Event, Resync
from app.live import board as boards
from app.live import documents
from app.live.board import StoreBoard
from app.live.documents import DocumentFeed, Topic
from app.live.follower import Follower, Place, Source, single
from app.live.menu import Key, Menu
from tests.support.identity import eventually

TENANT = uuid4()
STORE = Store(tenant_id=TENANT, id=uuid4(), few_threshold=5)


class Quiet(Source):
    """A source that publishes only what the test gives it."""

    async def start(self) -> None: ...

    async def present(self) -> Event:
        return Resync(tenant=TENANT, revision=1)


def following(source: Quiet) -> Follower:
    return Follower(Place(lambda: source, single(Quiet.present)))


def forgotten() -> None: ...


def changed(revision: int, document: UUID | None = None) -> Change:
    return Change(
        tenant=TENANT,
        from_revision=revision - 1,
        revision=revision,
        at=datetime.now(UTC),
        levels=[],
        documents=frozenset() if document is None else frozenset({document}),
    )


async def until(holds: Callable[[], object]) -> None:
    await eventually(lambda: true(holds), 3)


async def true(holds: Callable[[], object]) -> object:
    await asyncio.sleep(0.01)
    return holds()


async def test_a_follower_that_raises_is_closed_and_the_others_get_the_event() -> None:
    source = Quiet(forgotten)
    received: list[int] = []
    errors: list[BaseException] = []

    def deliver(number: int) -> Callable[[Event], None]:
        def receive(_: Event) -> None:
            if number == 2:
                raise ZeroDivisionError
            received.append(number)

        return receive

    followers = [following(source) for _ in range(5)]
    for number, follower in enumerate(followers):
        await follower.first()
        follower.direct(deliver(number), errors.append)
    with capture_logs() as logs:
        source.publish(changed(2))
        source.publish(changed(3))
    assert sorted(received) == sorted([0, 1, 3, 4] * 2)
    assert [type(error) for error in errors] == [ZeroDivisionError]
    assert [line["event"] for line in logs] == ["follower.failed"]
    assert source.followers == {*followers} - {followers[2]}


async def test_a_reader_whose_events_do_not_merge_is_ended() -> None:
    source = Quiet(forgotten)
    stream = following(source).__aiter__()
    await anext(stream)
    source.publish(DocumentChange(tenant=TENANT, revision=2, rows={}))
    source.publish(changed(3))
    source.publish(DocumentChange(tenant=TENANT, revision=4, rows={}))
    async with asyncio.timeout(1):
        assert [event async for event in stream] == []


def menu_of(source: Quiet, key: Key) -> Menu:
    """A menu on a board of its own that follows the source."""
    cookbook: Any = None
    board = StoreBoard(cookbook, key.board, following(source), forgotten)
    return Menu(key, lambda: board, forgotten)


async def test_a_menu_is_read_again_after_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    reads = 0

    async def board(*_: object) -> Board:
        nonlocal reads
        reads += 1
        if reads in (2, 3):
            raise KeyError("an unforeseen row")
        return Board({}, {}, {}, {}, STORE, reads)

    monkeypatch.setattr(boards, "board", board)
    source = Quiet(forgotten)
    menu = menu_of(source, Key(TENANT, uuid4(), None, None, True))
    reader = Follower(Place(lambda: menu, single(Menu.now)))
    await reader.first()
    with capture_logs() as logs:
        source.publish(Resync(tenant=TENANT, revision=10))
        await until(lambda: reads == 4)
        # It listens again: the next reason to read is heard.
        await asyncio.sleep(0)
        source.publish(Resync(tenant=TENANT, revision=11))
        await until(lambda: reads == 5)
    assert [line["event"] for line in logs] == ["menu.failing"]
    reader.close()
    assert not source.followers


async def test_a_menu_is_read_again_when_an_event_cannot_be_applied(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    reads = 0

    async def board(*_: object) -> Board:
        nonlocal reads
        reads += 1
        return Board({}, {}, {}, {}, STORE, 1)

    def stale(*_: object) -> bool:
        raise KeyError("an unforeseen level")

    monkeypatch.setattr(boards, "board", board)
    monkeypatch.setattr(StoreBoard, "_outdated", stale)
    source = Quiet(forgotten)
    menu = menu_of(source, Key(TENANT, uuid4(), None, None))
    reader = Follower(Place(lambda: menu, single(Menu.now)))
    await reader.first()
    with capture_logs() as logs:
        source.publish(changed(2))
        await until(lambda: reads == 2)
    assert [line["event"] for line in logs] == ["menu.failing"]
    reader.close()


class Row:
    """A document with an id."""

    def __init__(self, id: UUID) -> None:
        self.id = id


async def test_documents_missed_by_a_failing_read_are_read_again(db: Database) -> None:
    reads: list[frozenset[UUID]] = []

    async def by_id(_session: object, _tenant: UUID, ids: Any) -> list[Row]:
        reads.append(frozenset(ids))
        if len(reads) < 3:
            raise KeyError("an unforeseen row")
        return [Row(id) for id in ids]

    async def none_open(*_: object) -> list[Row]:
        return []

    topic = Topic(name="toys", by_id=by_id, open=none_open)
    source, store, document, later = Quiet(forgotten), uuid4(), uuid4(), uuid4()
    key = documents.Key(TENANT, topic, (store,))
    feed = DocumentFeed(db, key, {store: following(source)}, forgotten)
    stream = Follower(Place(lambda: feed, DocumentFeed.opening)).__aiter__()
    await anext(stream)
    with capture_logs() as logs:
        source.publish(changed(2, document))
        await until(lambda: reads)
        source.publish(changed(3, later))
        async with asyncio.timeout(3):
            event = await anext(stream)
    assert isinstance(event, DocumentChange)
    assert event.rows.keys() == {document, later}
    assert reads[0] == {document}
    assert [line["event"] for line in logs] == ["documents.failing"]
    await stream.aclose()


def sizes(events: list[Event]) -> list[tuple[int, bool]]:
    return [(len(each.rows), each.has_more) for each in events if isinstance(each, DocumentChange)]


async def test_after_a_resync_all_open_documents_are_published_in_pages(
    db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(documents, "PAGE", 2)
    rows = sorted((Row(uuid4()) for _ in range(5)), key=lambda row: row.id)

    async def by_id(*_: object) -> list[Row]:
        return []

    async def open_rows(
        _session: object, _tenant: UUID, _stores: object, after: UUID | None, limit: int
    ) -> list[Row]:
        return [row for row in rows if after is None or row.id > after][:limit]

    topic = Topic(name="toys", by_id=by_id, open=open_rows)
    source, store = Quiet(forgotten), uuid4()
    key = documents.Key(TENANT, topic, (store,))
    feed = DocumentFeed(db, key, {store: following(source)}, forgotten)
    reader = Follower(Place(lambda: feed, DocumentFeed.opening))
    opening = [event async for event in reader.opening()]
    pages: list[Event] = []
    reader.direct(pages.append)
    source.publish(Resync(tenant=TENANT, revision=9))
    await until(lambda: len(pages) == 3)
    for events in (opening, pages):
        assert [
            (len(event.rows), event.has_more)
            for event in events
            if isinstance(event, DocumentChange)
        ] == [
            (2, True),
            (2, True),
            (1, False),
        ]
    reader.close()
