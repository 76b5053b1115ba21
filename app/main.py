"""The composition root: settings to database, bus, hub, and the Starlette app around them."""

import asyncio
import gc
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import orjson
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket
from strawberry.asgi import GraphQL
from strawberry.schema import BaseSchema
from strawberry.subscriptions import GRAPHQL_SSE_PROTOCOL, GRAPHQL_TRANSPORT_WS_PROTOCOL

from app import logs, settings
from app.db.core.bus import Bus
from app.db.core.lane import Lane
from app.db.core.unit import UNREACHABLE, Database
from app.domain.catalog.cookbook import Cookbook
from app.domain.channels.accounts import Shops
from app.domain.ledger.post import PostDrafts
from app.domain.people.sessions import Gate
from app.jobs.channel_sync import serve_shops
from app.jobs.runner import work
from app.live.hub import Hub
from app.live.share import dumps
from app.live.socket import Socket, Wire, sweep
from app.resolvers import SCHEMA
from app.schema.context import App, Context
from app.settings import Settings
from app.web import graphiql, metrics, webhooks
from app.web.body_limit import BodyLimit


class Endpoint(GraphQL[Context, None]):
    """`/graphql`: POST, websocket and SSE; bodies are checked before Strawberry sees them."""

    websocket_adapter_class = Wire  # pyright: ignore[reportAssignmentType]
    graphql_transport_ws_handler_class = Socket  # pyright: ignore[reportAssignmentType]

    def __init__(self, schema: BaseSchema, app: App) -> None:
        super().__init__(
            schema,
            graphql_ide=None,
            allow_queries_via_get=False,
            subscription_protocols=[GRAPHQL_TRANSPORT_WS_PROTOCOL, GRAPHQL_SSE_PROTOCOL],
            connection_init_wait_timeout=timedelta(seconds=3),
            max_subscriptions_per_connection=20,
        )
        self.app = app

    def decode_json(self, data: str | bytes) -> object:
        value = orjson.loads(data)
        if not isinstance(value, dict):
            raise orjson.JSONDecodeError("expected an object", "", 0)
        return value

    def encode_json(self, data: object) -> bytes:
        return dumps(data)

    async def get_context(self, request: Request | WebSocket, response: Any) -> Context:
        context = Context(
            self.app,
            language="en" if request.headers.get("accept-language", "").startswith("en") else "zh",
            address=request.client.host if request.client else "",
        )
        if isinstance(request, Request):
            await context.admit(bearer(request.headers.get("authorization")))
        return context

    async def on_ws_connect(self, context: Context) -> Any:
        params = context.connection_params
        await context.admit(bearer(params.get("authorization")) if params else None)
        return await super().on_ws_connect(context)


def bearer(value: object) -> str | None:
    """The token of an Authorization value, with or without the word Bearer."""
    if not isinstance(value, str) or not value.strip():
        return None
    return value.strip().removeprefix("Bearer ").strip()


def create_app(chosen: Settings | None = None) -> Starlette:
    """The whole web process; its database and bus are opened when it starts."""
    logs.configure()
    config = chosen or settings.load()
    bus = Bus(config.redis_url)
    db = Database(config.database_url, bus.nudge)
    gate = Gate(db, config)
    lane = Lane(config.database_url, PostDrafts(), bus.nudge)
    cookbook = Cookbook(db)
    hub = Hub(db, bus, cookbook)
    shops = Shops(config)
    app = App(config, db, lane, gate, hub, cookbook, shops)

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        await bus.start()
        tasks = [asyncio.create_task(sweep(gate.recheck))]
        if config.jobs:
            tasks.append(asyncio.create_task(work(config.database_url, db, lane)))
            tasks.append(asyncio.create_task(serve_shops(app.books, shops)))
        # What is loaded now lives as long as the process: no collection looks at it again.
        gc.collect()
        gc.freeze()
        yield
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await shops.close()
        await lane.close()
        await hub.close()
        await bus.stop()
        await db.close()

    async def ready(_: Request) -> Response:
        """Ready means the database answers; without the bus it is ready but slower."""
        try:
            async with db.read(None):
                pass
        except UNREACHABLE:
            return JSONResponse({"database": False, "bus": bus.connected}, status_code=503)
        return JSONResponse({"database": True, "bus": bus.connected})

    endpoint = Endpoint(SCHEMA, app)
    return Starlette(
        routes=[
            Route("/graphql", endpoint),
            WebSocketRoute("/graphql", endpoint),
            *graphiql.routes(),
            *metrics.routes(lane, bus, hub),
            *webhooks.routes(app),
            Route("/healthz", alive),
            Route("/readyz", ready),
        ],
        middleware=[Middleware(BodyLimit)],
        lifespan=lifespan,
    )


async def alive(_: Request) -> Response:
    return JSONResponse({"alive": True})


def sdl() -> str:
    """The contract: what schema.graphql holds."""
    return SCHEMA.as_str() + "\n"
