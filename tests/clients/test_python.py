"""Python's gql client as it comes from PyPI, over HTTP and WebSocket, against a live server."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from typing import Any
from uuid import uuid4

import pytest
from gql import Client
from gql.client import AsyncClientSession as Session
from gql.graphql_request import GraphQLRequest
from gql.transport.aiohttp import AIOHTTPTransport
from gql.transport.exceptions import TransportConnectionFailed, TransportQueryError
from gql.transport.websockets import WebsocketsTransport

from tests.clients.conftest import Shopfront
from tests.support.live import FEED

STORES = "query Stores { stores { id name } }"
SELL = """
mutation Sell($input: SellInput!) {
  sell(input: $input) { __typename ... on Movement { id } ... on Problem { code message } }
}
"""
MISTAKE = 'query Mistake { product(id: "not an id") { name } }'


def over_http(shopfront: Shopfront) -> Client:
    headers = {"authorization": f"Bearer {shopfront.token}"}
    return Client(transport=AIOHTTPTransport(f"{shopfront.url}/graphql", headers=headers))


def over_websocket(shopfront: Shopfront, token: str | None = None) -> Client:
    transport = WebsocketsTransport(
        f"{shopfront.url.replace('http', 'ws', 1)}/graphql",
        init_payload={"authorization": f"Bearer {token or shopfront.token}"},
    )
    return Client(transport=transport)


TRANSPORTS = {"HTTP": over_http, "WebSocket": over_websocket}


async def run(session: Session, query: str, **variables: Any) -> Any:
    """The only root field of the answer. Raises TransportQueryError for GraphQL errors."""
    answer = await session.execute(GraphQLRequest(query, variable_values=variables))
    (value,) = answer.values()
    return value


def sale(shopfront: Shopfront, quantity: str = "1", store: int = 0) -> dict[str, Any]:
    lines = [{"productId": shopfront.product, "quantity": quantity}]
    return {"key": str(uuid4()), "storeId": shopfront.stores[store], "lines": lines}


@asynccontextmanager
async def following(session: Session, **variables: Any) -> AsyncIterator[AsyncIterator[Any]]:
    """The events of a store's feed, in order."""
    request = GraphQLRequest(FEED, variable_values=variables)
    async with aclosing(session.subscribe(request)) as answers:
        yield (answer["storeFeed"] async for answer in answers)


async def next_event(events: AsyncIterator[Any]) -> Any:
    async with asyncio.timeout(5):
        return await anext(events)


def codes(error: TransportQueryError) -> list[str]:
    return [each["extensions"]["code"] for each in error.errors or ()]


@pytest.mark.parametrize("transport", TRANSPORTS)
async def test_queries_and_mutations(shopfront: Shopfront, transport: str) -> None:
    async with TRANSPORTS[transport](shopfront) as session:
        assert len(await run(session, STORES)) == 2
        sold = await run(session, SELL, input=sale(shopfront))
        assert sold["__typename"] == "Movement"
        refused = await run(session, SELL, input=sale(shopfront, "999999"))
        assert refused["code"] == "OUT_OF_STOCK"
        with pytest.raises(TransportQueryError) as caught:
            await run(session, MISTAKE)
        assert codes(caught.value) == ["BAD_INPUT"]


async def test_several_feeds_on_one_socket(shopfront: Shopfront) -> None:
    async with over_websocket(shopfront) as session:
        one, two = shopfront.stores
        async with following(session, store=one) as first, following(session, store=two) as second:
            for events in (first, second):
                assert (await next_event(events))["__typename"] == "StoreSnapshot"
            for number, events in enumerate((first, second)):
                await run(session, SELL, input=sale(shopfront, store=number))
                [level] = (await next_event(events))["levels"]
                assert level["onHand"] == "999"


async def test_an_error_of_a_feed_leaves_the_socket_open(shopfront: Shopfront) -> None:
    async with over_websocket(shopfront) as session:
        async with following(session, store=str(uuid4())) as events:
            with pytest.raises(TransportQueryError) as caught:
                await next_event(events)
        assert codes(caught.value) == ["BAD_INPUT"]
        assert len(await run(session, STORES)) == 2


async def test_a_feed_resumes_after_a_lost_connection(shopfront: Shopfront) -> None:
    store = shopfront.stores[0]
    async with (
        over_websocket(shopfront) as session,
        following(session, store=store) as events,
    ):
        revision = (await next_event(events))["revision"]
    async with over_http(shopfront) as session:
        await run(session, SELL, input=sale(shopfront))
    async with (
        over_websocket(shopfront) as session,
        following(session, store=store, after=revision) as events,
    ):
        change = await next_event(events)
    assert change["__typename"] == "StoreChange"
    assert change["fromRevision"] == revision


async def test_a_bad_token(shopfront: Shopfront) -> None:
    with pytest.raises(TransportConnectionFailed) as closed:
        async with over_websocket(shopfront, "nonsense"):
            pass
    assert "4403" in str(closed.value.__cause__)
