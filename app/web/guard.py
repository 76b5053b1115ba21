"""The outermost layers of the application: hosts, origins, safe headers, failures, compression."""

import contextlib
from collections.abc import Mapping
from functools import partial
from typing import Any
from uuid import uuid4

import structlog
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from starlette_compress import CompressMiddleware, remove_compress_type
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from app.db.core.outage import RETRY_AFTER_SECONDS, is_passing
from app.domain.rules.languages import language_of
from app.schema.outages import unavailable
from app.settings import Settings, listed
from app.web.body_limit import BodyLimit
from app.web.direct import COMPRESSED_BYTES_MIN, Direct, send_answer
from app.web.endpoint import Endpoint
from app.web.network import Hosts, header, same_host

log = structlog.get_logger()

PROBES = frozenset({"/healthz", "/readyz"})
"""Paths that orchestrators call with the address of a process as host; they reveal no data."""

SAFE = (
    (b"x-content-type-options", b"nosniff"),
    (b"cache-control", b"no-store"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
    (b"referrer-policy", b"no-referrer"),
)


def layers(config: Settings, endpoints: Mapping[str, Endpoint]) -> list[Middleware]:
    """The middleware of the application, the outermost first; the endpoints of `Direct`."""
    origins = listed(config.origins)
    outer = [Middleware(Guard, Hosts(listed(config.hosts)), frozenset(origins))]
    if proxies := listed(config.proxies):
        outer.insert(0, Middleware(ProxyHeadersMiddleware, trusted_hosts=proxies))
    if origins:
        outer.append(
            Middleware(
                CORSMiddleware,
                allow_origins=origins,
                allow_methods=["GET", "POST", "PUT"],
                allow_headers=["authorization", "content-type"],
                max_age=600,
            )
        )
    # Each event of a stream must leave at once.
    remove_compress_type("text/event-stream")
    # The lowest levels: higher ones take up to five times the CPU and save a few percent of the
    # size.
    compress = partial(
        CompressMiddleware,
        minimum_size=COMPRESSED_BYTES_MIN,
        zstd_level=1,
        brotli_quality=1,
        gzip_level=1,
    )
    direct = Middleware(Direct, endpoints, compress(send_answer))
    return [*outer, direct, Middleware(compress), Middleware(BodyLimit)]


class Guard:
    """Refuses foreign hosts and origins, and adds headers to every answer.

    A failure of a route is logged with an id; the answer has the id but not the text of the
    failure.
    """

    def __init__(self, app: ASGIApp, hosts: Hosts, origins: frozenset[str]) -> None:
        self.app = app
        self.hosts = hosts
        self.origins = frozenset(origin.encode() for origin in origins)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            return await self.app(scope, receive, send)
        started = False

        async def completed(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                names = {name for name, _ in message["headers"]}
                more = [pair for pair in SAFE if pair[0] not in names]
                message["headers"] = [*message["headers"], *more]
            await send(message)

        if refusal := self._refusal(scope):
            return await refusal(scope, receive, completed)
        try:
            await self.app(scope, receive, completed)
        except Exception as error:
            response = failed(error, scope)
            if scope["type"] == "websocket":
                with contextlib.suppress(RuntimeError):
                    await send({"type": "websocket.close", "code": 1011})
            elif not started:
                await response(scope, receive, completed)
            # An answer that has begun is cut off: uvicorn closes the connection.

    def _refusal(self, scope: Scope) -> Response | None:
        hosts = header(scope, b"host")
        if scope["path"] not in PROBES and not (len(hosts) == 1 and self.hosts.allows(hosts[0])):
            return PlainTextResponse("Unknown host name: add it to KUCUN_HOSTS.", status_code=400)
        if scope["type"] != "websocket":
            return None
        for origin in header(scope, b"origin"):
            # Browsers send it with every websocket; other clients send none.
            if origin not in self.origins and not same_host(origin, hosts[0]):
                text = "Unknown origin: add it to KUCUN_ORIGINS."
                return PlainTextResponse(text, status_code=403)
        return None


def failed(error: Exception, scope: Scope) -> Response:
    """The answer to a request that failed; the reason is logged with the id in the answer.

    An outage of the database has no id: it is logged once, where it is noticed.
    """
    accepted = b",".join(header(scope, b"accept-language")).decode("latin-1")
    english = language_of(accepted) == "en"
    if is_passing(error):
        message, extensions = unavailable("en" if english else "zh")
        headers = {"retry-after": str(RETRY_AFTER_SECONDS)}
        return _answer(503, message, extensions, headers)
    name = str(uuid4())
    log.error("internal", id=name, path=scope["path"], exc_info=error)
    message = (
        "Something went wrong on our side: send us the id of this error."
        if english
        else "系统出错，请把错误编号告诉我们"
    )
    return _answer(500, message, {"code": "INTERNAL", "id": name})


def _answer(
    status: int, message: str, extensions: dict[str, Any], headers: dict[str, str] | None = None
) -> Response:
    content = {"errors": [{"message": message, "extensions": extensions}]}
    return JSONResponse(content, status_code=status, headers=headers)
