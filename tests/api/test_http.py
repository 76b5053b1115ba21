"""What reaches the application over HTTP: sizes, time, hosts and methods, on a real server."""

import asyncio
import socket
from collections.abc import Callable
from contextlib import suppress

import pytest
from structlog.testing import capture_logs

from app.run.embedded import Urls
from app.web import protocol
from app.web.protocol import HEAD_BYTES_MAX, HEADERS_MAX, SECONDS, Part
from tests.api.conftest import served
from tests.support.identity import Asking
from tests.support.live import dialled
from tests.support.wire import Reply, dial, exchange, parse, request

Clocks = Callable[[Part, float], None]
JSON = "Content-Type: application/json"
QUERY = b'{"query": "{ __typename }"}'


async def answered(asking: Asking, text: bytes) -> Reply:
    return await exchange(asking.http.base_url, text)


async def test_a_head_has_a_size(asking: Asking) -> None:
    for text in (
        request("/" + "a" * HEAD_BYTES_MAX),
        request("/healthz", "X: " + "a" * HEAD_BYTES_MAX),
        request("/healthz", *(f"X-{n}: 1" for n in range(HEADERS_MAX))),
        request("/healthz", *(f"X-{n}: {'a' * 1000}" for n in range(40))),
    ):
        assert (await answered(asking, text)).status == 431
    fits = request("/healthz", *(f"X-{n}: {'a' * 100}" for n in range(HEADERS_MAX - 10)))
    assert (await answered(asking, fits)).status == 200


@pytest.mark.parametrize(
    "head",
    [
        b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nX: ",
        b"GET /",
        b"POST /graphql HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nX: ",
    ],
    ids=["header", "path", "trailer"],
)
async def test_a_line_without_an_end_is_not_kept(asking: Asking, head: bytes) -> None:
    reader, writer = await dial(asking.http.base_url)
    writer.write(head)
    with suppress(ConnectionError):
        for _ in range(64):
            writer.write(b"a" * 65_536)
            await writer.drain()
    with suppress(ConnectionResetError):
        assert parse(await reader.read()).status in (0, 431)
    writer.close()


@pytest.fixture
def clocks(monkeypatch: pytest.MonkeyPatch) -> Callable[[Part, float], None]:
    """Sets how many seconds a part of a request may take."""
    return lambda part, seconds: monkeypatch.setitem(SECONDS, part, seconds)


async def test_a_head_has_a_time(asking: Asking, clocks: Clocks) -> None:
    clocks(Part.HEAD, 0.3)
    assert (await answered(asking, b"")).status == 0
    assert (await answered(asking, b"GET /healthz HTTP/1.1\r\nHost: loc")).status == 408
    assert (await answered(asking, b"\r\n\r\n")).status == 0


async def test_a_head_that_drips_has_a_time(asking: Asking, clocks: Clocks) -> None:
    clocks(Part.HEAD, 0.3)
    reader, writer = await dial(asking.http.base_url)
    writer.write(b"GET /healthz HTTP/1.1\r\n")
    dripping = asyncio.create_task(drip(writer, b"X: 1\r\n"))
    assert parse(await reader.read()).status == 408
    dripping.cancel()
    writer.close()


async def drip(writer: asyncio.StreamWriter, text: bytes) -> None:
    while True:
        writer.write(text)
        await asyncio.sleep(0.05)


async def test_a_body_has_a_time(asking: Asking, clocks: Clocks) -> None:
    clocks(Part.BODY, 0.3)
    begun = request("/graphql", JSON, "Content-Length: 1000", method="POST")
    with capture_logs() as logs:
        assert (await answered(asking, begun + b"{")).status == 408
        chunked = request("/graphql", JSON, "Transfer-Encoding: chunked", method="POST")
        assert (await answered(asking, chunked + b"1\r\n{\r\n")).status == 408
    assert logs == []


async def test_a_slow_body_after_its_answer_ends(asking: Asking, clocks: Clocks) -> None:
    clocks(Part.BODY, 0.3)
    reader, writer = await dial(asking.http.base_url)
    writer.write(b"POST /healthz HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\n{")
    reply = await reader.read()
    assert parse(reply).status == 405
    assert reply.count(b"HTTP/1.1") == 1
    writer.close()


async def test_a_kept_connection_serves_again(asking: Asking, clocks: Clocks) -> None:
    """The clock of one request does not end the next one."""
    clocks(Part.HEAD, 1)
    url = asking.http.base_url
    reader, writer = await dial(url)
    for _ in range(5):
        writer.write(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert b"200" in await reader.readuntil(b"}")
        await asyncio.sleep(0.3)
    writer.close()


async def test_an_answer_that_is_not_read_ends(
    asking: Asking, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(protocol, "UNREAD_SECONDS", 0.2)
    url, loop = asking.http.base_url, asyncio.get_running_loop()
    [asset, *_] = await asset_names(asking)
    one = f"GET {asset} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode()
    with socket.socket() as line:
        line.setblocking(False)
        await loop.sock_connect(line, (url.host, url.port))
        await loop.sock_sendall(line, one * 50)
        with pytest.raises(ConnectionError):
            await asyncio.wait_for(keep_sending(line), 10)


async def keep_sending(line: socket.socket) -> None:
    while True:
        await asyncio.get_running_loop().sock_sendall(line, b"\r\n")
        await asyncio.sleep(0.05)


async def asset_names(asking: Asking) -> list[str]:
    page = (await asking.http.get("/graphiql")).text
    return [part for part in page.split('"') if part.endswith(".js")]


HOSTS = {
    "localhost": 200,
    "localhost:8000": 200,
    "kucun.localhost": 200,
    "127.0.0.1:8000": 200,
    "192.168.1.20": 200,
    "[::1]:8000": 200,
    "LOCALHOST": 200,
    "evil.example": 400,
    "localhost.evil.example": 400,
    "localhost@evil.example": 400,
    "127.0.0.1.evil.example": 400,
    "localhost evil": 400,
    "localhost:80:80": 400,
    "": 400,
    "a" * 5000: 400,
}


@pytest.mark.parametrize("host", HOSTS, ids=lambda host: host[:30])
async def test_only_own_hosts_are_answered(asking: Asking, host: str) -> None:
    reply = await answered(
        asking, request("/graphql", f"Host: {host}", JSON, method="POST", body=QUERY)
    )
    assert reply.status == HOSTS[host], reply.body
    assert "location" not in reply.headers


async def test_a_request_has_one_host(asking: Asking) -> None:
    two = request("/graphiql", "Host: localhost", "Host: evil.example")
    none = b"GET /graphiql HTTP/1.1\r\nConnection: close\r\n\r\n"
    old = b"GET /graphiql HTTP/1.0\r\n\r\n"
    for text in (two, none, old):
        assert (await answered(asking, text)).status == 400
    probe = request("/readyz", "Host: 10.1.2.3.cluster.example")
    assert (await answered(asking, probe)).status == 200


@pytest.mark.parametrize("path", ["/graphql/", "//evil.example/%2e%2e", "/graphiql/", "/readyz/"])
async def test_nothing_is_redirected(asking: Asking, path: str) -> None:
    reply = await answered(asking, request(path))
    assert reply.status == 404
    assert "location" not in reply.headers


async def test_named_hosts_replace_the_default(urls: Urls) -> None:
    names = "Shop.example.com, *.kucun.example, 门店.example"
    expected = {
        "shop.example.com": 200,
        "a.kucun.example:8000": 200,
        "kucun.example": 400,
        "evilkucun.example": 400,
        "localhost": 400,
        "127.0.0.1": 400,
    }
    expected["门店".encode("idna").decode() + ".example"] = 200
    async with served(urls, hosts=names) as asking:
        for host, status in expected.items():
            reply = await answered(asking, request("/graphiql", f"Host: {host}"))
            assert reply.status == status, host


METHODS = ["PUT", "DELETE", "PATCH", "HEAD", "TRACE", "CONNECT", "OPTIONS", "PROPFIND", "X", "get"]


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("path", ["/graphql", "/graphiql", "/shops/x", "/nothing"])
async def test_odd_methods_are_refused(asking: Asking, method: str, path: str) -> None:
    reply = await answered(asking, request(path, JSON, method=method))
    if (method, path) != ("HEAD", "/graphiql"):
        assert reply.status in (400, 404, 405), reply
    assert b"Traceback" not in reply.body


async def test_ranges_are_ignored(asking: Asking) -> None:
    [asset, *_] = await asset_names(asking)
    ranges = "bytes=" + ",".join(f"{n}-{n + 1}" for n in range(0, 9000, 3))
    whole = await answered(asking, request(asset))
    reply = await answered(asking, request(asset, f"Range: {ranges[:30_000]}"))
    assert (reply.status, len(reply.body)) == (200, len(whole.body))


async def test_a_million_form_fields_are_refused(asking: Asking) -> None:
    form = "Content-Type: application/x-www-form-urlencoded"
    body = b"&".join(b"a" for _ in range(1_000_000))
    for path in ("/graphql", "/nothing"):
        reply = await answered(asking, request(path, form, method="POST", body=body))
        assert reply.status in (0, 400, 404, 413, 415), reply
    assert (await answered(asking, request("/graphql?" + "a&" * 15_000))).status in (400, 405)


GARBAGE = {
    "no HTTP": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    "space before colon": b"GET /healthz HTTP/1.1\r\nHost : localhost\r\n\r\n",
    "two lengths": request("/graphql", "Content-Length: 1", "Content-Length: 2", method="POST"),
    "length and chunks": request(
        "/graphql", "Content-Length: 1", "Transfer-Encoding: chunked", method="POST"
    ),
    "another upgrade": request("/healthz", "Upgrade: h2c").replace(b"close", b"Upgrade"),
}


@pytest.mark.parametrize("name", GARBAGE)
async def test_garbage_leaves_no_line_in_the_log(
    asking: Asking, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    reader, writer = await dial(asking.http.base_url)
    writer.write(GARBAGE[name])
    status = parse(await reader.readuntil(b"\r\n\r\n")).status
    writer.close()
    assert status == (200 if name == "another upgrade" else 400)
    assert [each for each in caplog.records if each.name.startswith("uvicorn")] == []


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("accept", ["text/event-stream", "*/*"])
async def test_a_request_without_a_query_is_refused(
    asking: Asking, method: str, accept: str
) -> None:
    accepting = f"Accept: {accept}"
    with capture_logs() as logs:
        reply = await answered(
            asking, request("/graphql", JSON, accepting, method=method, body=b"{}")
        )
    assert reply.status == (405 if (method, accept) == ("GET", "*/*") else 400)
    assert logs == []


async def test_a_socket_refuses_an_empty_query(asking: Asking) -> None:
    with capture_logs() as logs:
        async with dialled(str(asking.http.base_url)) as line:
            for query in ("", " ", "#"):
                await line.subscribe(query)
                message = await line.receive()
                assert message["type"] == "error"
                assert message["payload"][0]["extensions"]["code"] == "BAD_INPUT"
    assert logs == []
