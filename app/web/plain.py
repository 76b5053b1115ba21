"""Requests and answers in plain JSON, without what Starlette's classes do for every other kind."""

from starlette.requests import ClientDisconnect
from starlette.types import Receive, Scope, Send

from app.web.named import EVENT_STREAM

JSON = "application/json"


class JsonAnswer:
    """A JSON text with the status 200."""

    def __init__(self, body: bytes) -> None:
        self.body = body

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        length = (b"content-length", b"%d" % len(self.body))
        headers = [length, (b"content-type", JSON.encode())]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": self.body})


class FirstHeaders:
    """The headers of a request by their names; of several with one name the first."""

    def __init__(self, scope: Scope) -> None:
        self._values: dict[bytes, bytes] = dict(reversed(list(scope["headers"])))

    def get(self, name: bytes) -> str:
        """The value of a header; empty without one."""
        return self._values.get(name, b"").decode("latin-1")


async def read_body(receive: Receive) -> bytes:
    """The body of a request. Raises ClientDisconnect."""
    body = b""
    is_complete = False
    while not is_complete:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        body += message.get("body", b"")
        is_complete = not message.get("more_body", False)
    return body


def is_plain(method: str, headers: FirstHeaders) -> bool:
    """Whether a request posts JSON and accepts no stream."""
    return (
        method == "POST"
        and headers.get(b"content-type") == JSON
        and EVENT_STREAM not in headers.get(b"accept").lower()
    )
