"""`/metrics`: gauges and counts of one process in Prometheus' text format.

Operators read the gauges of a web process on a port of its own, or on the main port with a token,
and the counts of a worker on a port of its own.
"""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from hmac import compare_digest

import structlog
from prometheus_client import (
    CollectorRegistry,
    GCCollector,
    ProcessCollector,
    generate_latest,
    start_http_server,
)
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, Metric
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from app.db.core.bus import Bus
from app.db.core.lane import Lane
from app.db.core.tally import DELIVERIES, JOB_FAILURES
from app.live.hub import Hub
from app.live.socket import Socket
from app.settings import Settings

log = structlog.get_logger()


class Gauges:
    """Gauges whose values are read when Prometheus scrapes."""

    def __init__(self, lane: Lane, bus: Bus, hub: Hub) -> None:
        self.lane, self.bus, self.hub = lane, bus, hub

    def collect(self) -> Iterator[Metric]:
        for name, text, value in (
            ("kucun_lane_waiting", "Movements that wait for a transaction.", self.lane.waiting),
            ("kucun_bus_connected", "1 while nudges arrive.", self.bus.connected),
            ("kucun_followers", "Subscriptions that follow a store.", self.hub.followers),
            ("kucun_sockets", "Open websockets.", len(Socket.open)),
        ):
            yield GaugeMetricFamily(name, text, value=float(value))


class Counts:
    """What the jobs of this process did since it started."""

    def collect(self) -> Iterator[Metric]:
        sent = CounterMetricFamily(
            "kucun_deliveries",
            "Attempts to send notifications and webhook events, by the state that they ended in.",
            labels=("channel", "state"),
        )
        for labels, count in list(DELIVERIES.items()):
            sent.add_metric(labels, count)
        yield sent
        failed = CounterMetricFamily(
            "kucun_job_failures", "Failures of scheduled jobs for a business.", labels=("job",)
        )
        for job, count in list(JOB_FAILURES.items()):
            failed.add_metric((job,), count)
        yield failed


def registry(lane: Lane, bus: Bus, hub: Hub) -> CollectorRegistry:
    """The gauges of this process."""
    gauges = CollectorRegistry()
    ProcessCollector(registry=gauges)
    GCCollector(registry=gauges)
    gauges.register(Gauges(lane, bus, hub))
    return gauges


def worker_registry() -> CollectorRegistry:
    """The counts of a process that runs the jobs."""
    counts = CollectorRegistry()
    ProcessCollector(registry=counts)
    GCCollector(registry=counts)
    counts.register(Counts())
    return counts


def routes(gauges: CollectorRegistry, token: str) -> list[Route]:
    """The route on the main port; none without a token."""
    if not token:
        return []
    expected = f"Bearer {token}".encode()

    async def metrics(request: Request) -> Response:
        shown = request.headers.get("authorization", "").encode()
        if not compare_digest(shown, expected):
            headers = {"www-authenticate": "Bearer"}
            return PlainTextResponse("token needed", status_code=401, headers=headers)
        return Response(generate_latest(gauges), media_type="text/plain; version=0.0.4")

    return [Route("/metrics", metrics)]


@contextmanager
def own_port(gauges: CollectorRegistry, config: Settings) -> Iterator[None]:
    """Serve `/metrics` on KUCUN_METRICS_PORT in a thread; nothing when that is 0.

    Raises OSError when the port is taken.
    """
    if not config.metrics_port:
        yield
        return
    server, thread = start_http_server(config.metrics_port, config.host, gauges)
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@contextmanager
def worker_port(config: Settings) -> Iterator[None]:
    """Serve the counts of a process that runs the jobs; it works without them if another process
    has the port."""
    with ExitStack() as stack:
        try:
            stack.enter_context(own_port(worker_registry(), config))
        except OSError as error:
            log.warning("metrics.port_taken", port=config.metrics_port, error=error)
        yield
