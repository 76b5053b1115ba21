"""Limits that hold before anything is parsed."""

from starlette.types import ASGIApp, Message, Receive, Scope, Send

LARGEST = 1024 * 1024
# A client that is still sending when the line is cut never reads why: so a little more is taken.
THROWN_AWAY = 4 * 1024 * 1024


class TooLarge(Exception):
    """The body is longer than any operation needs."""


class BodyLimit:
    """Refuses request bodies over 1 MiB with 413, whether or not they say their length."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        seen, more = 0, True

        async def counted() -> Message:
            nonlocal seen, more
            message = await receive()
            seen += len(message.get("body", b""))
            more = message.get("more_body", False)
            return message

        async def limited() -> Message:
            message = await counted()
            if seen > LARGEST:
                raise TooLarge
            return message

        try:
            await self.app(scope, limited, send)
        except TooLarge:
            while more and seen < THROWN_AWAY:
                await counted()
            await send(
                {
                    "type": "http.response.start",
                    "status": 413,
                    "headers": [(b"connection", b"close")],
                }
            )
            await send({"type": "http.response.body", "body": b""})
