"""A local HTTP server that stands for a service of others: a platform, a provider, a receiver."""

import ssl
from collections.abc import Iterator
from contextlib import contextmanager

from pytest_httpserver import HTTPServer

POLL_SECONDS = 0.02


class QuickServer(HTTPServer):
    """Stops within POLL_SECONDS; the library's own takes half a second."""

    def thread_target(self) -> None:
        assert self.server is not None
        self.server.serve_forever(poll_interval=POLL_SECONDS)


@contextmanager
def http_server(ssl_context: ssl.SSLContext | None = None) -> Iterator[HTTPServer]:
    with QuickServer(threaded=True, ssl_context=ssl_context) as server:
        yield server
