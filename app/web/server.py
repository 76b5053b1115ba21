"""The web server's options: the same for `kucun serve`, the tests and the benchmark servers."""

import logging
from typing import Any

from uvicorn import Config

from app.live.protocol import Protocol
from app.web.protocol import Http

WS_BYTES_MAX = 65_536
GRACE_SECONDS = 8
STRANGERS = frozenset(
    {
        "Invalid HTTP request received.",
        "Unsupported upgrade request.",
        "Invalid UTF-8 sequence received from client.",
        # Logged for every handshake that is refused with a status and a text.
        "ASGI callable returned without completing handshake.",
    }
)
"""Log lines of uvicorn that any client can cause at will."""


def configure(app: Any, **options: Any) -> Config:
    """uvicorn's configuration for an application, or for its factory by name."""
    logging.getLogger("uvicorn.error").addFilter(is_ours)
    return Config(
        app,
        http=Http,
        ws=Protocol,
        ws_max_size=WS_BYTES_MAX,
        # A compressed frame of 64 KiB may hold 64 MiB.
        ws_per_message_deflate=False,
        # uvicorn trusts 127.0.0.1 as a proxy by default; ours are named by KUCUN_PROXIES.
        proxy_headers=False,
        timeout_graceful_shutdown=GRACE_SECONDS,
        server_header=False,
        access_log=False,
        log_config=None,
        log_level="warning",
        **options,
    )


def is_ours(record: logging.LogRecord) -> bool:
    """Whether a line of uvicorn's log is about this server, not about a client's input."""
    return record.msg not in STRANGERS
