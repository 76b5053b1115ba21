"""The web server's options: the same for `kucun serve`, the tests and the benchmark servers."""

from typing import Any

from uvicorn import Config

from app.live.protocol import Protocol
from app.web.protocol import Http

WS_BYTES_MAX = 65_536
GRACE_SECONDS = 8


def configure(app: Any, **options: Any) -> Config:
    """uvicorn's configuration for an application, or for its factory by name."""
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
