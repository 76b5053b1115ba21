"""What leaves over HTTP: safe headers, compression, origins, metrics, and failures."""

import asyncio
import gzip
from collections.abc import AsyncIterator

import httpx2
import orjson
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route
from structlog.testing import capture_logs
from websockets.exceptions import InvalidStatus

from app.db.core.tally import DELIVERIES, JOB_FAILURES
from app.run.embedded import Urls
from app.run.engines import free_port
from app.run.premises import Unusable
from app.run.serve import of_process, workers_of
from app.settings import InvalidSettings, Settings, load
from app.web import metrics
from app.web.guard import layers
from tests.api.conftest import running, served
from tests.support.api import Desk
from tests.support.identity import Asking
from tests.support.live import dialled
from tests.support.wire import dial, exchange, parse, request


async def test_answers_are_not_stored_or_guessed(desk: Desk) -> None:
    http = desk.asking.http
    for response in (
        await http.post("/graphql", json={"query": "{ __typename }"}),
        await http.get("/healthz"),
        await http.get("/nothing"),
        await http.post("/graphql", content=b"x"),
    ):
        assert response.headers.get_list("x-content-type-options") == ["nosniff"]
        assert response.headers.get_list("cache-control") == ["no-store"]
        assert "default-src 'none'" in response.headers["content-security-policy"]
        assert "server" not in response.headers
    page = await http.get("/graphiql")
    assert page.headers.get_list("x-content-type-options") == ["nosniff"]
    assert page.headers.get_list("content-security-policy") == [
        policy for policy in page.headers.get_list("content-security-policy") if "script" in policy
    ]


LONG = {"query": '{ __type(name: "Mutation") { fields { name description } } }'}


@pytest.mark.parametrize(
    ("accepted", "used"),
    [("gzip", "gzip"), ("br", "br"), ("zstd", "zstd"), ("identity", None), ("gzip;q=0", None)],
)
async def test_long_answers_are_compressed(desk: Desk, accepted: str, used: str | None) -> None:
    headers = {"accept-encoding": accepted, "authorization": f"Bearer {desk.owner}"}
    http = desk.asking.http
    async with http.stream("POST", "/graphql", json=LONG, headers=headers) as response:
        raw = b"".join([part async for part in response.aiter_raw()])
    assert response.headers.get("content-encoding") == used
    assert "accept-encoding" in response.headers["vary"].lower()
    if used == "gzip":
        assert orjson.loads(gzip.decompress(raw))["data"]
    short = await http.post("/graphql", json={"query": "{ __typename }"}, headers=headers)
    assert "content-encoding" not in short.headers


async def test_streams_are_not_compressed(desk: Desk) -> None:
    """The first event arrives while the stream is open."""
    query = "subscription($store: UUID!) { storeFeed(storeId: $store) { __typename } }"
    headers = {
        "accept": "text/event-stream",
        "accept-encoding": "gzip, br, zstd",
        "authorization": f"Bearer {desk.owner}",
    }
    body = {"query": query, "variables": {"store": desk.store}}
    async with desk.asking.http.stream("POST", "/graphql", json=body, headers=headers) as response:
        assert "content-encoding" not in response.headers
        async with asyncio.timeout(5):
            async for part in response.aiter_raw():
                if b"StoreSnapshot" in part:
                    break


@pytest.fixture(scope="module")
async def office(urls: Urls) -> AsyncIterator[Asking]:
    """A server whose operators named an origin."""
    async with served(urls, origins="https://office.example.com") as asking:
        yield asking


FOREIGN = [
    "https://evil.example",
    "null",
    "https://office.example.com.evil.example",
    "https://evil-office.example.com",
    "http://office.example.com",
    "https://office.example.com:8443",
    "https://OFFICE.example.com",
    "",
]


@pytest.mark.parametrize("origin", FOREIGN)
async def test_foreign_origins_get_no_permission(office: Asking, origin: str) -> None:
    asks = {"origin": origin, "access-control-request-method": "POST"}
    reply = await office.http.options("/graphql", headers=asks)
    assert reply.status_code in (400, 405)
    sent = await office.http.post(
        "/graphql", json={"query": "{ __typename }"}, headers={"origin": origin}
    )
    for response in (reply, sent):
        assert "access-control-allow-origin" not in response.headers
        assert "access-control-allow-credentials" not in response.headers


async def test_a_named_origin_may_ask(office: Asking, asking: Asking) -> None:
    origin = "https://office.example.com"
    preflight = {
        "origin": origin,
        "access-control-request-method": "POST",
        "access-control-request-headers": "authorization, content-type",
    }
    reply = await office.http.options("/graphql", headers=preflight)
    assert reply.status_code == 200
    assert reply.headers["access-control-allow-origin"] == origin
    assert "access-control-allow-credentials" not in reply.headers
    assert "origin" in reply.headers["vary"].lower()
    sent = await office.http.post(
        "/graphql", json={"query": "{ __typename }"}, headers={"origin": origin}
    )
    assert sent.headers["access-control-allow-origin"] == origin
    # Without the setting no origin is allowed.
    reply = await asking.http.options("/graphql", headers=preflight)
    assert reply.status_code == 405
    assert "access-control-allow-origin" not in reply.headers


async def opened(asking: Asking, origin: str | None) -> int:
    """The status of the handshake of a websocket: 101 when it opens."""
    try:
        async with dialled(str(asking.http.base_url), origin=origin):
            return 101
    except InvalidStatus as refused:
        return refused.response.status_code


async def test_a_websocket_opens_for_own_and_named_origins(
    office: Asking, asking: Asking, caplog: pytest.LogCaptureFixture
) -> None:
    own = str(asking.http.base_url).rstrip("/")
    assert await opened(asking, own) == 101
    assert await opened(asking, own.replace("http", "https")) == 101
    assert await opened(asking, None) == 101
    assert await opened(asking, "https://office.example.com") == 403
    assert await opened(office, "https://office.example.com") == 101
    for origin in FOREIGN[:-1]:
        assert await opened(office, origin) == 403, origin
        assert await opened(asking, origin) == 403, origin
    assert [each for each in caplog.records if each.name.startswith("uvicorn")] == []


async def test_a_websocket_needs_an_own_host(asking: Asking) -> None:
    upgrade = (
        "Upgrade: websocket",
        "Sec-WebSocket-Version: 13",
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
        "Sec-WebSocket-Protocol: graphql-transport-ws",
    )
    for host, status in (("evil.example", 400), ("localhost", 101)):
        text = request("/graphql", f"Host: {host}", *upgrade).replace(b"close", b"Upgrade")
        reader, writer = await dial(asking.http.base_url)
        writer.write(text)
        assert parse(await reader.readuntil(b"\r\n\r\n")).status == status
        writer.close()


async def test_frames_are_not_compressed(asking: Asking) -> None:
    async with dialled(str(asking.http.base_url), compression="deflate") as line:
        assert line.socket.protocol.extensions == []


async def test_metrics_are_for_operators(urls: Urls, asking: Asking) -> None:
    port = free_port()
    assert (await asking.http.get("/metrics")).status_code == 404
    token = "a token of the operators"
    async with served(urls, metrics_token=token, metrics_port=port) as own:
        for shown in (None, "Bearer", "Bearer wrong", token, f"bearer {token}", f"Bearer {token}x"):
            headers = {} if shown is None else {"authorization": shown}
            assert (await own.http.get("/metrics", headers=headers)).status_code == 401
        good = await own.http.get("/metrics", headers={"authorization": f"Bearer {token}"})
        assert "kucun_sockets" in good.text
        async with httpx2.AsyncClient() as http:
            scraped = await http.get(f"http://127.0.0.1:{port}/metrics")
        assert "kucun_sockets" in scraped.text


async def broken(_: Request) -> Response:
    raise RuntimeError("postgresql://user:password@host/db")


async def away(_: Request) -> Response:
    raise ConnectionResetError("the database is gone")


async def broken_later(_: Request) -> Response:
    async def parts() -> AsyncIterator[bytes]:
        yield b"begun"
        raise RuntimeError("postgresql://user:password@host/db")

    return StreamingResponse(parts())


async def test_a_failing_route_says_only_an_id(caplog: pytest.LogCaptureFixture) -> None:
    routes = [Route("/broken", broken), Route("/later", broken_later), Route("/away", away)]
    async with running(Starlette(routes=routes, middleware=layers(Settings(), {}))) as asking:
        with capture_logs() as logs:
            response = await asking.http.get("/broken")
        assert response.status_code == 500
        [error] = response.json()["errors"]
        assert error["extensions"]["code"] == "INTERNAL"
        assert "password" not in response.text
        [line] = logs
        assert (line["event"], line["id"]) == ("internal", error["extensions"]["id"])
        with capture_logs() as logs:
            response = await asking.http.get("/away", headers={"accept-language": "en"})
        assert response.status_code == 503
        assert response.headers["retry-after"] == "2"
        [error] = response.json()["errors"]
        assert error["extensions"] == {"code": "UNAVAILABLE", "retryAfter": 2}
        assert logs == []
        with capture_logs() as logs:
            reply = await exchange(asking.http.base_url, request("/later"))
        assert [line["event"] for line in logs] == ["internal"]
        assert b"password" not in reply.body
        assert not reply.body.endswith(b"0\r\n\r\n"), "a broken answer must not look complete"
    assert "Traceback" not in caplog.text


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("hosts", "https://shop.example.com"),
        ("hosts", "shop.example.com:443"),
        ("hosts", "*"),
        ("hosts", "a.*.example.com"),
        ("proxies", "proxy"),
        ("proxies", "*"),
        ("proxies", "10.0.0.1/8"),
        ("origins", "office.example.com"),
        ("origins", "https://office.example.com/"),
        ("origins", "*"),
        ("origins", "null"),
        ("metrics_port", "-1"),
        ("metrics_token", "short"),
    ],
)
def test_settings_that_cannot_be_used_are_refused(
    name: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(f"KUCUN_{name.upper()}", value)
    with pytest.raises(InvalidSettings, match=f"KUCUN_{name.upper()}: "):
        load()


async def test_a_worker_counts_what_its_jobs_did() -> None:
    DELIVERIES["WEBHOOK", "DEAD"] += 1
    JOB_FAILURES["expire"] += 1
    config = Settings(metrics_port=free_port())
    with metrics.worker_port(config), metrics.worker_port(config):
        async with httpx2.AsyncClient() as http:
            scraped = await http.get(f"http://127.0.0.1:{config.metrics_port}/metrics")
    assert 'kucun_deliveries_total{channel="WEBHOOK",state="DEAD"} ' in scraped.text
    assert 'kucun_job_failures_total{job="expire"} ' in scraped.text


def test_each_process_has_a_metrics_port() -> None:
    settings = Settings(port=8000, metrics_port=9000, processes=2)
    [worker] = workers_of(settings)
    assert worker.environment["KUCUN_METRICS_PORT"] == "9002"
    assert workers_of(Settings(jobs=False)) == []
    assert [of_process(settings, number).metrics_port for number in range(3)] == [9000, 9001, 9002]
    assert of_process(Settings(), 1).metrics_port == 0
    with pytest.raises(Unusable, match="KUCUN_METRICS_PORT"):
        of_process(Settings(port=9001, metrics_port=9000), 1)
