"""How an answer travels: JSON or events by what the client accepts, and one clear operation."""

import asyncio
import logging
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import httpx2
import orjson
import pytest
from structlog.testing import capture_logs

from app.web.endpoint import EventStream
from tests.support.api import Desk
from tests.support.identity import Asking, eventually
from tests.support.live import dialled

URQL = "application/graphql-response+json, application/json, text/event-stream, multipart/mixed"
FEED = "subscription($store: UUID!) { storeFeed(storeId: $store) { __typename } }"
CATEGORY = 'createCategory(input: {key: "%s", name: "%s"}) { __typename }'
CREATE = f"mutation Create {{ {CATEGORY} }} query Read {{ viewer {{ name }} }}"
CATEGORIES = "{ categories { name } }"


async def post(desk: Desk, query: str, accept: str, **payload: Any) -> httpx2.Response:
    headers = {"authorization": f"Bearer {desk.owner}", "accept": accept}
    body = {"query": query, **payload}
    return await desk.asking.http.post("/graphql", json=body, headers=headers)


async def first_event(desk: Desk, query: str, accept: str) -> tuple[str, str]:
    """The content type of a stream, and its text up to the end of the first event."""
    headers = {"authorization": f"Bearer {desk.owner}", "accept": accept}
    body = {"query": query, "variables": {"store": desk.store}}
    text = ""
    async with desk.asking.http.stream("POST", "/graphql", json=body, headers=headers) as response:
        async for part in response.aiter_text():
            text += part
            if "\n\n" in text or "\r\n\r\n" in text:
                break
        return response.headers["content-type"], text


@pytest.mark.parametrize(
    "accept", [URQL, "application/json, text/event-stream", "text/event-stream, */*", "*/*"]
)
async def test_a_query_is_answered_in_json(desk: Desk, accept: str) -> None:
    response = await post(desk, "{ viewer { name } }", accept)
    assert response.headers["content-type"] == "application/json"
    assert response.json()["data"]["viewer"]["name"]


@pytest.mark.parametrize("accept", ["text/event-stream", "Text/Event-Stream;q=0.9"])
async def test_a_query_is_an_event_when_nothing_else_is_accepted(desk: Desk, accept: str) -> None:
    response = await post(desk, "{ viewer { role } }", accept)
    assert response.headers["content-type"].startswith("text/event-stream")
    frame, _, end = response.text.removeprefix("event: next\ndata: ").partition("\n\n")
    assert orjson.loads(frame)["data"] == {"viewer": {"role": "OWNER"}}
    assert end == "event: complete\ndata: \n\n"


@pytest.mark.parametrize("accept", [URQL, "text/event-stream"])
async def test_a_subscription_is_a_stream_of_lines_that_end_in_lf(desk: Desk, accept: str) -> None:
    content_type, text = await first_event(desk, FEED, accept)
    assert content_type.startswith("text/event-stream")
    assert text.startswith('event: next\ndata: {"data":{"storeFeed":')
    assert "\r" not in text


def test_a_keep_alive_ends_in_lf() -> None:
    assert EventStream().heartbeat_message(str) == ": ping\n\n"


@pytest.mark.parametrize("accept", ["application/json", "*/*", "multipart/mixed"])
async def test_a_subscription_that_accepts_no_events_is_an_error(
    desk: Desk, accept: str, caplog: pytest.LogCaptureFixture
) -> None:
    with capture_logs() as logged:
        response = await post(desk, FEED, accept, variables={"store": desk.store})
    assert response.status_code == 200
    [error] = response.json()["errors"]
    assert error["extensions"]["code"] == "BAD_INPUT"
    assert "text/event-stream" in error["message"]
    assert logged == []
    assert records(caplog) == []


async def test_a_body_that_breaks_off_leaves_no_line_in_the_log(
    desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    url = desk.asking.http.base_url
    head = "POST /graphql HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    before = len(asyncio.all_tasks())
    with capture_logs() as logged:
        _, writer = await asyncio.open_connection(url.host, url.port)
        writer.write(f"{head}Content-Length: 1000\r\n\r\n{{".encode())
        # The server's task of this request begins, and ends when the client is gone.
        await eventually(lambda: compare_tasks(lambda count: count > before))
        writer.transport.abort()
        await eventually(lambda: compare_tasks(lambda count: count <= before))
    assert logged == []
    assert records(caplog) == []


async def compare_tasks(holds: Callable[[int], bool]) -> bool:
    await asyncio.sleep(0.01)
    return holds(len(asyncio.all_tasks()))


def records(caplog: pytest.LogCaptureFixture) -> list[str]:
    """What anything but the HTTP client logged."""
    return [
        record.getMessage()
        for record in caplog.records
        if record.levelno >= logging.WARNING and not record.name.startswith("httpx")
    ]


@pytest.mark.parametrize("name", [None, "Absent", 7, ["Read"]], ids=str)
async def test_an_operation_that_is_not_clear_does_not_run(desk: Desk, name: Any) -> None:
    category = f"分类{uuid4().hex}"
    body = {"query": CREATE % (uuid4(), category), "operationName": name}
    headers = {"authorization": f"Bearer {desk.owner}"}
    response = await desk.asking.http.post("/graphql", json=body, headers=headers)
    assert response.status_code == 200
    answer = response.json()
    assert answer["data"] is None
    [error] = answer["errors"]
    assert error["extensions"]["code"] == "BAD_INPUT"
    assert "operationName" in error["message"]
    assert category not in [each["name"] for each in await desk.ask(CATEGORIES)]


@pytest.mark.parametrize("name", [None, "Absent"])
async def test_an_operation_that_is_not_clear_does_not_run_on_a_socket(
    desk: Desk, name: str | None
) -> None:
    category = f"分类{uuid4().hex}"
    payload: dict[str, Any] = {"query": CREATE % (uuid4(), category)}
    if name is not None:
        payload["operationName"] = name
    async with dialled(str(desk.asking.http.base_url), desk.owner) as line:
        await line.send(id="1", type="subscribe", payload=payload)
        message = await line.receive()
    assert message["type"] == "error", message
    assert message["payload"][0]["extensions"]["code"] == "BAD_INPUT"
    assert category not in [each["name"] for each in await desk.ask(CATEGORIES)]


async def test_a_named_operation_of_several_runs(desk: Desk) -> None:
    category = f"分类{uuid4().hex}"
    query = CREATE % (uuid4(), category)
    response = await post(desk, query, "*/*", operationName="Read")
    assert response.json()["data"].keys() == {"viewer"}
    assert category not in [each["name"] for each in await desk.ask(CATEGORIES)]
    await post(desk, query, "*/*", operationName="Create")
    assert category in [each["name"] for each in await desk.ask(CATEGORIES)]


async def test_get_is_for_event_streams(asking: Asking) -> None:
    params = {"query": "{ __typename }"}
    headers = {"accept": "application/json"}
    assert (await asking.http.get("/graphql", params=params, headers=headers)).status_code == 405
    headers = {"accept": "text/event-stream"}
    response = await asking.http.get("/graphql", params=params, headers=headers)
    assert "queries are not allowed" in response.text or "BAD_INPUT" in response.text
    assert "Query" not in response.text
