"""`/metrics`: gauges of one process in Prometheus' text format."""

from collections.abc import Iterator

from prometheus_client import CollectorRegistry, GCCollector, ProcessCollector, generate_latest
from prometheus_client.metrics_core import GaugeMetricFamily, Metric
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from app.db.core.bus import Bus
from app.db.core.lane import Lane
from app.live.hub import Hub
from app.live.socket import Socket


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


def routes(lane: Lane, bus: Bus, hub: Hub) -> list[Route]:
    registry = CollectorRegistry()
    ProcessCollector(registry=registry)
    GCCollector(registry=registry)
    registry.register(Gauges(lane, bus, hub))

    async def metrics(_: Request) -> Response:
        return Response(generate_latest(registry), media_type="text/plain; version=0.0.4")

    return [Route("/metrics", metrics)]
