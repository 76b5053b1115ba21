"""Requests and answers in plain JSON, without what Starlette's classes do for every other kind."""

from starlette.requests import ClientDisconnect, Request
from starlette.types import Receive, Scope, Send

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


async def read_body(request: Request) -> bytes:
    """The body of a request, which the request keeps. Raises ClientDisconnect."""
    body = b""
    is_complete = False
    while not is_complete:
        message = await request.receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        body += message.get("body", b"")
        is_complete = not message.get("more_body", False)
    request._body = body
    return body
