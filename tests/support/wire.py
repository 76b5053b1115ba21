"""HTTP as bytes: requests that no HTTP client would send, and what the server answers."""

import asyncio
from dataclasses import dataclass, field

from httpx2 import URL


@dataclass(frozen=True)
class Reply:
    """A parsed answer; status 0 means that the server closed without one."""

    status: int
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""


async def dial(url: URL) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    return await asyncio.open_connection(url.host, url.port)


async def exchange(url: URL, request: bytes) -> Reply:
    """Send bytes on a new connection and read the answer until the server closes."""
    reader, writer = await dial(url)
    try:
        writer.write(request)
        return parse(await reader.read())
    except ConnectionResetError:
        return Reply(0)
    finally:
        writer.close()


def parse(answer: bytes) -> Reply:
    head, _, body = answer.partition(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").split("\r\n")
    if not first:
        return Reply(0)
    pairs = (line.split(": ", 1) for line in lines)
    return Reply(int(first.split()[1]), {name.lower(): value for name, value in pairs}, body)


def request(path: str = "/healthz", *headers: str, method: str = "GET", body: bytes = b"") -> bytes:
    """A request to `localhost` that ends the connection; given headers may replace the host."""
    named = any(header.lower().startswith("host:") for header in headers)
    lines = (*(() if named else ("Host: localhost",)), "Connection: close", *headers)
    if body:
        lines = (*lines, f"Content-Length: {len(body)}")
    return "\r\n".join([f"{method} {path} HTTP/1.1", *lines, "", ""]).encode("latin-1") + body
