"""Bare servers to compare with, and a server whose feed is driven: `python -m bench.bare NAME FD`.

They run in processes of their own, under the same uvicorn options and settings as the app.
"""

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import and_, bindparam, select
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

from app import settings
from app.cli import run_web
from app.db.core.unit import Database
from app.db.tables import Level, Product, ProductCode
from app.domain.feed import Change
from app.domain.ledger.reservations import end_overdue
from app.domain.rules.codes import code_key
from app.live.hub import Hub
from app.live.socket import Socket
from app.main import create_app
from bench.memory_servers import memory, payload

__all__ = ["barcode", "broadcast", "memory", "payload", "receiver", "settling", "soaked"]

EVENTS_PER_SECOND = "BENCH_EVENTS_PER_SECOND"


async def ready(_: Request) -> Response:
    return Response("ready")


def barcode() -> Starlette:
    """Product and level by barcode: the one SQL query, run by asyncpg in one round trip."""
    db = Database(settings.load().database_url, unheard)
    query = (
        select(Product.id, Product.name, Product.sku, Level.shelf)
        .join(
            ProductCode,
            and_(
                ProductCode.tenant_id == Product.tenant_id,
                ProductCode.product_id == Product.id,
            ),
        )
        .outerjoin(
            Level,
            and_(
                Level.tenant_id == Product.tenant_id,
                Level.product_id == Product.id,
                Level.store_id == bindparam("store"),
            ),
        )
        .where(ProductCode.tenant_id == bindparam("tenant"), ProductCode.name == bindparam("name"))
    )

    async def product(request: Request) -> Response:
        path = request.path_params
        asked = {name: UUID(path[name]) for name in ("tenant", "store")}
        async with db.snapshot() as snapshot, snapshot.read(asked["tenant"]) as session:
            snapshot.expects_one = True
            found = (await session.execute(query, {**asked, "name": code_key(path["code"])})).one()
        told: dict[str, Any] = {"id": str(found[0]), "name": found[1], "sku": found[2]}
        told["level"] = {"available": str(found[3])}
        return json({"data": {"product": told}})

    return Starlette(routes=[Route("/readyz", ready), Route("/{tenant}/{store}/{code}", product)])


def receiver() -> Starlette:
    """Accepts any POST."""

    async def take(request: Request) -> Response:
        await request.body()
        return Response("ok")

    return Starlette(
        routes=[Route("/readyz", ready), Route("/", take, methods=["POST"])],
    )


def json(value: Any) -> Response:
    return Response(orjson.dumps(value), media_type="application/json")


async def unheard(*_: object) -> None:
    """Nothing is written here."""


def broadcast() -> Starlette:
    """One task serialises each event once and sends it to every socket."""
    sockets: set[WebSocket] = set()
    rate = float(os.environ[EVENTS_PER_SECOND])
    payload: dict[str, Any] = {}

    async def tell() -> None:
        loop = asyncio.get_running_loop()
        due = loop.time()
        while rate:
            due += 1 / rate
            await asyncio.sleep(due - loop.time())
            if payload:
                text = orjson.dumps(payload).decode()
                for socket in list(sockets):
                    try:
                        await socket.send_text(text)
                    except (WebSocketDisconnect, RuntimeError):
                        sockets.discard(socket)

    async def subscribe(socket: WebSocket) -> None:
        await socket.accept()
        # The first message is the event to repeat: a frame that the app sent.
        payload.update(orjson.loads(await socket.receive_text()))
        sockets.add(socket)
        with suppress(WebSocketDisconnect):
            while True:
                await socket.receive_text()
        sockets.discard(socket)

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        task = asyncio.create_task(tell())
        yield
        task.cancel()

    return Starlette(
        routes=[Route("/readyz", ready), WebSocketRoute("/", subscribe)], lifespan=lifespan
    )


def soaked() -> Starlette:
    """The app; as soon as a store is followed, its tail tells one change after another."""
    app = create_app()
    route: Any = app.routes[0]
    hub: Hub = route.endpoint.app.hub
    within = app.router.lifespan_context

    async def tell() -> None:
        # Polling, so that the app needs no change for this measurement.
        while not hub.followers:  # noqa: ASYNC110
            await asyncio.sleep(0.1)
        # Let the snapshot go out, so that every change is an event of its own.
        await asyncio.sleep(1)
        (tail,) = hub._tails.values()
        snapshot: Any = await tail.snapshot()
        revision = tail.revision
        while hub.followers:
            change = Change(
                tenant=tail.tenant,
                from_revision=revision,
                revision=revision + 1,
                at=datetime.now(UTC),
                levels=snapshot.levels[:1],
            )
            tail.publish(change)
            revision += 1
            await delivered()

    async def delivered() -> None:
        """Waits until the only subscriber's outbox is empty: nothing is ever merged."""
        while not all(socket.outbox.empty for socket in Socket.open):  # noqa: ASYNC110
            await asyncio.sleep(0)

    @asynccontextmanager
    async def lifespan(it: Starlette) -> AsyncIterator[Any]:
        async with within(it) as state:
            task = asyncio.create_task(tell())
            yield state
            task.cancel()

    app.router.lifespan_context = lifespan
    return app


def settling() -> Starlette:
    """The app; it ends overdue holds in its own process as its job does, whenever it is asked."""
    # Without jobs: the one that is due each minute would take the work over.
    app = create_app(settings.load().model_copy(update={"jobs": False}))
    route: Any = app.routes[0]
    db: Database = route.endpoint.app.db

    async def ended(request: Request) -> Response:
        await end_overdue(db, UUID(request.path_params["tenant"]))
        return Response("settled")

    app.router.routes.append(Route("/settle/{tenant}", ended))
    return app


if __name__ == "__main__":
    run_web(f"bench.bare:{sys.argv[1]}", int(sys.argv[2]))
