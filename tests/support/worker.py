"""A worker that sends one tenant's deliveries, as a process that a test kills."""

import asyncio
import threading
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from multiprocessing.process import BaseProcess
from typing import Any
from uuid import UUID

from app.db.core.bus import Bus
from app.db.core.unit import Database
from app.db.core.vault import Vault
from app.domain.notices.providers import Providers
from app.domain.notices.sms import SmsClients
from app.domain.people.mini_apps import MiniApps
from app.jobs.alerts import notify
from app.main import app_of
from app.resolvers import SCHEMA
from app.schema.webhook_events import StoreChanges
from app.settings import Settings
from tests.support.killed import running


@dataclass
class Gate:
    """Holds requests in a provider while it is closed; open at first."""

    opened: threading.Event = field(default_factory=threading.Event)
    reached: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        self.opened.set()

    def hold(self) -> None:
        self.reached.set()
        assert self.opened.wait(60)


def store_changes(db: Database) -> StoreChanges:
    """What webhooks receive of changes, read through this database."""
    # Nothing but the database is used, and that is the test's own.
    config = Settings(
        database_url="postgresql://127.0.0.1:1/unused",
        redis_url="redis://127.0.0.1:1",
        secret="as long as the secret of a worker",
    )
    return StoreChanges(SCHEMA, replace(app_of(config, Bus(config.redis_url)), db=db))


def worker(tenant: UUID, **settings: str) -> AbstractContextManager[BaseProcess]:
    """A worker of the tenant; killed at the end at the latest."""
    return running(work, tenant, settings)


def work(tenant: UUID, settings: dict[str, Any]) -> None:
    async def run() -> None:
        config = Settings(**settings)
        db = Database(config.database_url, unheard, vault=Vault(config.secret))
        clients = MiniApps(config), SmsClients(config)
        while True:
            providers = Providers(config.private_host_names, *clients)
            await notify(db, tenant, providers, store_changes(db))
            await asyncio.sleep(0.05)

    asyncio.run(run())


async def unheard(_tenant: UUID, _stores: object) -> None:
    """The test follows no feed."""
