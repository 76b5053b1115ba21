"""The composition root: settings to database, bus, hub, and the Starlette app around them."""

import asyncio
import gc
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route, WebSocketRoute

from app import logs, settings
from app.db.core.bus import Bus
from app.db.core.lane import Lane
from app.db.core.outage import is_passing
from app.db.core.rates import Rates
from app.db.core.unit import Database
from app.db.core.vault import Vault
from app.domain.catalog.cookbook import Cookbook
from app.domain.catalog.images import Images
from app.domain.channels.accounts import Shops
from app.domain.ledger.post import PostDrafts
from app.domain.notices.providers import Providers
from app.domain.notices.sms import SmsClients
from app.domain.people.mini_apps import MiniApps
from app.domain.people.sessions import Gate
from app.domain.reports.exports import ExportFiles
from app.live.hub import Hub
from app.live.sweeper import sweep
from app.platforms.image_store import Bucket, open_store
from app.resolvers import SCHEMA
from app.schema.context import App
from app.schema.deadlines import Deadlines
from app.schema.webhook_events import StoreChanges
from app.settings import Settings
from app.web import downloads, graphiql, import_files, imports, metrics, uploads, webhooks
from app.web.endpoint import Endpoint
from app.web.guard import layers

GC_THRESHOLDS = 5000, 10, 30
"""Objects made and not freed before the next collection of new objects; how many of these there
are before one of older objects, and how many of the latter before one of all objects. The last
visits all objects of all sockets: 0.8 s for 2,500 sockets on a busy machine, in which a process
does nothing else."""
READY_SECONDS = 1.0


def create_app(chosen: Settings | None = None) -> Starlette:
    """The whole web process; its database and bus are opened when it starts."""
    logs.configure()
    config = chosen or settings.load()
    bus = Bus(config.redis_url)
    app = app_of(config, bus)
    db, gate = app.db, app.gate
    gauges = metrics.registry(app.lane, bus, app.hub)

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        await bus.start()
        sweeping = asyncio.create_task(sweep(gate))
        # Objects loaded so far live as long as the process: exclude them from garbage collection.
        gc.freeze()
        gc.set_threshold(*GC_THRESHOLDS)
        with metrics.own_port(gauges, config):
            yield
        sweeping.cancel()
        await asyncio.gather(sweeping, return_exceptions=True)
        await app.shops.close()
        await app.mini_apps.close()
        await app.lane.close()
        await app.hub.close()
        await bus.stop()
        await app.rates.close()
        await gate.close()
        await db.close()

    async def ready(_: Request) -> Response:
        """Ready means the database answers; without the bus it is ready but slower."""
        try:
            async with asyncio.timeout(READY_SECONDS), db.read(None) as session:
                await session.fetch("SELECT 1")
        except Exception as error:
            if not is_passing(error):
                raise
            return JSONResponse({"database": False, "bus": bus.connected}, status_code=503)
        return JSONResponse({"database": True, "bus": bus.connected})

    endpoint = Endpoint(SCHEMA, app)
    endpoints = {"/graphql": endpoint}
    application = Starlette(
        routes=[
            Route("/graphql", endpoint),
            WebSocketRoute("/graphql", endpoint),
            *(graphiql.routes() if config.graphiql else ()),
            *metrics.routes(gauges, config.metrics_token),
            *plain_routes(app),
            Route("/healthz", alive),
            Route("/readyz", ready),
        ],
        middleware=layers(config, endpoints),
        lifespan=lifespan,
    )
    # A redirect would lead to the host in the request's Host header.
    application.router.redirect_slashes = False
    application.state.endpoints = endpoints
    return application


def app_of(config: Settings, bus: Bus) -> App:
    """The parts of a process; each connects when it is first used."""
    vault = Vault(config.secret, config.former_secret)
    db = Database(config.database_url, bus.nudge, vault=vault)
    cookbook = Cookbook(db)
    return App(
        config,
        db,
        Lane(config.database_url, PostDrafts(), bus.nudge, outage=db.outage),
        Gate(db, config),
        Hub(db, bus, cookbook),
        cookbook,
        Shops(config),
        Rates(config.redis_url),
        MiniApps(config),
        images_of(config),
        export_files_of(config),
        Deadlines(config.deadline_seconds),
    )


def jobs_of(app: App) -> list[Coroutine[Any, Any, None]]:
    """The coroutines of a worker, which run until they are cancelled."""
    # Web processes run no jobs, and start sooner without them.
    from app.jobs.alerts import serve_alerts
    from app.jobs.channel_sync import serve_shops
    from app.jobs.exports import serve_exports
    from app.jobs.images import serve_images
    from app.jobs.imports import serve_imports
    from app.jobs.runner import work

    config, db = app.settings, app.db
    providers = Providers(config.private_host_names, app.mini_apps, SmsClients(config))
    return [
        work(config.database_url, db, app.lane),
        serve_shops(app.books, app.shops),
        serve_alerts(db, providers, StoreChanges(SCHEMA, app)),
        serve_exports(db, app.exports),
        serve_imports(app.books),
        serve_images(db, app.images.store),
    ]


def plain_routes(app: App) -> list[Route]:
    """Routes beside GraphQL that clients and platforms call."""
    return [
        *webhooks.routes(app),
        *uploads.routes(app),
        *downloads.routes(app),
        *imports.routes(app),
        *import_files.routes(app),
    ]


def images_of(config: Settings) -> Images:
    """The images of this installation."""
    store = open_store(config.image_store, config.data / "images", bucket_of(config))
    return Images(store, config.secret)


def export_files_of(config: Settings) -> ExportFiles:
    """The files of exports, beside the images."""
    url = config.image_store and f"{config.image_store.rstrip('/')}/exports"
    return ExportFiles(open_store(url, config.data / "exports", bucket_of(config)), config.secret)


def bucket_of(config: Settings) -> Bucket:
    """How to reach the S3-compatible service of this installation."""
    keys = config.s3_access_key, config.s3_secret_key
    return Bucket(config.s3_endpoint, config.s3_region, *keys)


async def alive(_: Request) -> Response:
    return JSONResponse({"alive": True})


def sdl() -> str:
    """The schema in SDL, the content of schema.graphql."""
    return SCHEMA.as_str() + "\n"
