"""Operations in plain JSON bodies go from the guard to their endpoint.

Nearly all requests are of this kind. The layers that they skip would wrap `receive` and `send`, and
match the path with each route.
"""

from collections.abc import Mapping

from cross_web import HTTPException
from starlette.requests import ClientDisconnect
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.web.body_limit import BYTES_MAX
from app.web.endpoint import Endpoint
from app.web.plain import FirstHeaders, is_plain, read_body

COMPRESSED_BYTES_MIN = 1024
"""The shortest answer that is compressed."""
ANSWER = "kucun.answer"
"""The key of a scope that holds the answer to compress."""


class Direct:
    """Answers operations that need no other layer; passes all other requests on."""

    def __init__(self, app: ASGIApp, endpoints: Mapping[str, Endpoint], compress: ASGIApp) -> None:
        """`endpoints` by their paths; `compress` is the middleware around `send_answer`."""
        self.app = app
        self.endpoints = endpoints
        self.compress = compress

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] not in self.endpoints:
            return await self.app(scope, receive, send)
        endpoint, headers = self.endpoints[scope["path"]], FirstHeaders(scope)
        if not is_plain(scope["method"], headers) or not has_short_body(headers):
            return await self.app(scope, receive, send)
        try:
            body = await read_body(receive)
            answer = await endpoint.answer_json(scope, headers, body)
        except ClientDisconnect:
            return
        except HTTPException as error:
            response = PlainTextResponse(error.reason, status_code=error.status_code)
            return await response(scope, receive, send)
        if answer is None:
            return await self.app(scope, read_again(body, receive), send)
        if len(answer.body) < COMPRESSED_BYTES_MIN:
            return await answer(scope, receive, send)
        scope[ANSWER] = answer
        await self.compress(scope, receive, send)


def has_short_body(headers: FirstHeaders) -> bool:
    """Whether the body has a length, which the parser enforces, and it is within the limit."""
    length = headers.get(b"content-length")
    return length.isdecimal() and int(length) <= BYTES_MAX


async def send_answer(scope: Scope, receive: Receive, send: Send) -> None:
    """Send the answer that the scope holds."""
    await scope[ANSWER](scope, receive, send)


def read_again(body: bytes, receive: Receive) -> Receive:
    """Receives a body that was read already, and what follows it."""
    first: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def again() -> Message:
        return first.pop() if first else await receive()

    return again
