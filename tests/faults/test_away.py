"""A process whose database is not there answers UNAVAILABLE on every transport."""

import json
from collections.abc import AsyncIterator
from dataclasses import replace
from uuid import uuid4

import pytest
from websockets.exceptions import ConnectionClosed

from app.run.embedded import Urls
from tests.api.conftest import asking, chain, fresh, served
from tests.support.api import Desk, mutation
from tests.support.identity import VIEWER, Asking
from tests.support.live import FEED, dialled

__all__ = ["asking", "chain", "fresh"]

UNAVAILABLE = {"code": "UNAVAILABLE", "retryAfter": 2}
STOREFRONT = '{ storefront(store: "any") { products { nodes { name } } } }'


@pytest.fixture
async def away(urls: Urls) -> AsyncIterator[Asking]:
    """A server without a database; nothing listens on port 1."""
    nowhere = "postgresql://kucun_app:x@127.0.0.1:1/kucun"
    async with served(replace(urls, database=nowhere)) as asking:
        yield asking


@pytest.mark.parametrize("signed_in", [True, False])
async def test_queries_and_mutations(fresh: Desk, away: Asking, signed_in: bool) -> None:
    token = fresh.owner if signed_in else None
    order = {
        "key": str(uuid4()),
        "store": "any",
        "channel": "WECHAT",
        "contact": "13800138000",
        "lines": [{"productId": str(uuid4()), "quantity": "1"}],
    }
    for text, variables in (
        (VIEWER if signed_in else STOREFRONT, {}),
        (mutation("placeOrder"), {"input": order}),
    ):
        answer = await away.raw(text, token, **variables)
        assert [error["extensions"] for error in answer["errors"]] == [UNAVAILABLE], answer


async def test_a_feed_over_server_sent_events(fresh: Desk, away: Asking) -> None:
    response = await away.http.post(
        "/graphql",
        json={"query": FEED, "variables": {"store": fresh.store}},
        headers={"authorization": f"Bearer {fresh.owner}", "accept": "text/event-stream"},
    )
    [data] = [line[6:] for line in response.text.splitlines() if line.startswith("data: {")]
    assert [error["extensions"] for error in json.loads(data)["errors"]] == [UNAVAILABLE]


async def test_a_websocket_is_asked_to_connect_again(fresh: Desk, away: Asking) -> None:
    with pytest.raises(ConnectionClosed) as closed:
        async with dialled(str(away.http.base_url), fresh.owner):
            raise AssertionError("it was acknowledged")
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 1013


async def test_a_guests_feed_over_a_websocket(away: Asking) -> None:
    feed = '{ menuFeed(store: "any") { __typename } }'
    async with dialled(str(away.http.base_url)) as line:
        await line.subscribe(f"subscription {feed}")
        message = await line.receive(10)
        [error] = message["payload"] if message["type"] == "error" else message["payload"]["errors"]
        assert error["extensions"] == UNAVAILABLE


async def test_it_is_alive_and_not_ready(asking: Asking, away: Asking) -> None:
    assert (await asking.http.get("/readyz")).json() == {"database": True, "bus": True}
    response = await away.http.get("/readyz")
    assert response.status_code == 503
    assert response.json()["database"] is False
    assert (await away.http.get("/healthz")).status_code == 200
