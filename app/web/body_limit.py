"""Limits on a request's body, enforced before anything is parsed."""

from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.domain.imports.files import BYTES_MAX as IMPORT_BYTES_MAX
from app.domain.rules.images import BYTES_MAX as IMAGE_BYTES_MAX

BYTES_MAX = 1024 * 1024
# A client that is still sending when the connection closes never reads the answer, so up to this
# many bytes are read and dropped first.
FORM_BYTES = 16 * 1024
"""The bytes that a form may have in addition to its file."""
DROPPED_BYTES_MAX = 4 * 1024 * 1024


class TooLarge(Exception):
    """The body is longer than its limit."""


class BodyLimit:
    """Refuses request bodies over 1 MiB with 413, with or without a Content-Length; uploads of
    images over 5 MiB, and files for imports over 10 MiB.

    A request whose client disconnects while its body is read ends without an answer or a log line.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        size, more, limit = 0, True, limit_of(scope)

        async def counted() -> Message:
            nonlocal size, more
            message = await receive()
            size += len(message.get("body", b""))
            more = message.get("more_body", False)
            return message

        async def limited() -> Message:
            message = await counted()
            if size > limit:
                raise TooLarge
            return message

        try:
            await self.app(scope, limited, send)
        except ClientDisconnect:
            return
        except TooLarge:
            while more and size < DROPPED_BYTES_MAX:
                await counted()
            headers = [(b"connection", b"close")]
            await send({"type": "http.response.start", "status": 413, "headers": headers})
            await send({"type": "http.response.body", "body": b""})


def limit_of(scope: Scope) -> int:
    """The most bytes of the request's body."""
    if scope["method"] == "POST" and scope["path"] == "/imports":
        return IMPORT_BYTES_MAX + FORM_BYTES
    is_image = scope["method"] == "PUT" and scope["path"].startswith("/images/")
    return IMAGE_BYTES_MAX if is_image else BYTES_MAX
