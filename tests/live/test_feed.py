"""Terminals over real websockets show the state of the database."""

import asyncio
import json
from typing import Any

from app.db import feed
from app.db.core.unit import Database
from app.domain.rules.kinds import Kind
from tests.support.identity import REMOVE, Asking, Chain
from tests.support.live import FEED, Terminal, dialled, watching
from tests.support.shop import Shop


async def same(terminal: Terminal, shop: Shop) -> None:
    """Verify that the terminal reaches the store's revision within a second and then equals a
    new snapshot."""
    await terminal.reach(await feed.head(shop.db, shop.tenant, shop.store), 1)
    async with watching(shop.base_url, shop.token, shop.store) as fresh:
        assert terminal.levels == fresh.levels
        assert terminal.revision == fresh.revision


async def test_a_sale_at_one_process_appears_at_the_other(
    open_shop: Shop, elsewhere: Asking
) -> None:
    shop = open_shop
    await shop.receive("米", 10)
    async with watching(str(elsewhere.http.base_url), shop.token, shop.store) as terminal:
        await shop.sell("米", 3)
        assert await terminal.hear(1) == "StoreChange"
        [level] = terminal.levels.values()
        assert (level["available"], level["status"]) == ("7", "NORMAL")
        await same(terminal, shop)


async def test_many_sales_converge(open_shop: Shop) -> None:
    shop = open_shop
    for name in ("米", "油", "盐"):
        await shop.receive(name, 1000)
    async with watching(shop.base_url, shop.token, shop.store) as terminal:
        await asyncio.gather(*(shop.do(Kind.SALE, (name, 1)) for name in ("米", "油", "盐") * 40))
        await same(terminal, shop)


async def test_resume_tells_only_what_changed(open_shop: Shop) -> None:
    shop = open_shop
    await shop.receive("米", 10)
    await shop.receive("油", 10)
    async with watching(shop.base_url, shop.token, shop.store) as terminal:
        kept = terminal.revision, dict(terminal.levels)
    await shop.sell("油", 4)
    async with dialled(shop.base_url, shop.token) as line:
        terminal = Terminal(line, shop.store)
        terminal.revision, terminal.levels = kept
        await line.subscribe(FEED, store=str(shop.store), after=str(kept[0]))
        event = await line.next()
        assert event["__typename"] == "StoreChange"
        assert [level["product"]["name"] for level in event["levels"]] == ["油"]
        assert event["fromRevision"] == str(kept[0])
    async with dialled(shop.base_url, shop.token) as line:
        terminal = Terminal(line, shop.store)
        terminal.revision, terminal.levels = kept
        await terminal.follow(after=kept[0])
        await same(terminal, shop)


async def test_an_unknown_revision_means_resync(open_shop: Shop) -> None:
    await open_shop.receive("米", 10)
    async with dialled(open_shop.base_url, open_shop.token) as line:
        await line.subscribe(FEED, store=str(open_shop.store), after="999999")
        assert (await line.next())["__typename"] == "Resync"


async def test_two_askers_share_one_execution(open_shop: Shop) -> None:
    """All subscribers receive the same bytes for one event."""
    shop = open_shop
    await shop.receive("米", 10)
    async with (
        dialled(shop.base_url, shop.token) as one,
        dialled(shop.base_url, shop.token) as two,
    ):
        for line in (one, two):
            await line.subscribe(FEED, store=str(shop.store), after=None)
            await line.next()
        await shop.sell("米", 1)
        first, second = await one.socket.recv(), await two.socket.recv()
        assert first == second
        assert json.loads(first)["payload"]["data"]["storeFeed"]["levels"][0]["available"] == "9"


async def test_foreign_and_absent_stores_look_the_same(open_shop: Shop, stranger: Chain) -> None:
    said = []
    for store in (stranger.store, open_shop.tenant):
        async with dialled(open_shop.base_url, open_shop.token) as line:
            await line.subscribe(FEED, store=str(store))
            message = await line.receive()
            assert message["type"] == "error", message
            [error] = message["payload"]
            assert error["extensions"]["code"] == "BAD_INPUT"
            said.append(error["message"].replace(str(store), "?"))
    assert said[0] == said[1]


async def test_following_needs_a_token(open_shop: Shop) -> None:
    async with dialled(open_shop.base_url) as line:
        await line.subscribe(FEED, store=str(open_shop.store))
        message = await line.receive()
        assert message["payload"][0]["extensions"]["code"] == "UNAUTHENTICATED"


async def test_revocation_reaches_an_open_socket_within_a_second(
    open_shop: Shop, chain: Chain
) -> None:
    person, tokens = await chain.hired()
    async with dialled(open_shop.base_url, tokens["accessToken"]) as line:
        await line.subscribe(FEED, store=str(chain.store))
        await line.next()
        await chain.do(REMOVE, staffId=person["id"])
        async with asyncio.timeout(1):
            await line.socket.wait_closed()
        assert line.socket.close_code == 4403


async def test_server_sent_events(open_shop: Shop, asking: Asking) -> None:
    shop = open_shop
    await shop.receive("米", 10)
    body = {"query": FEED, "variables": {"store": str(shop.store)}}
    headers = {"authorization": f"Bearer {shop.token}", "accept": "text/event-stream"}
    async with asking.http.stream("POST", "/graphql", json=body, headers=headers) as response:
        events = feed_events(response)
        assert (await anext(events))["__typename"] == "StoreSnapshot"
        await shop.sell("米", 1)
        change = await anext(events)
        assert change["levels"][0]["available"] == "9"


async def feed_events(response: Any):
    async for line in response.aiter_lines():
        if line.startswith("data:") and len(line) > 6:
            yield json.loads(line[5:])["data"]["storeFeed"]


async def test_an_unread_feed_is_merged(db: Database, open_shop: Shop) -> None:
    """A slow reader receives one change with the last values instead of a queue of changes."""
    shop = open_shop
    await shop.receive("米", 1000)
    async with dialled(shop.base_url, shop.token) as line:
        terminal = Terminal(line, shop.store)
        await terminal.follow()
        # The client does not read, and 300 changes are larger than its buffers.
        for _ in range(300):
            await shop.sell("米", 1)
        await same(terminal, shop)
        [level] = terminal.levels.values()
        assert level["available"] == "700"
