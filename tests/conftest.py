"""Real servers for the whole run, a cloned database per worker, an audit after every test."""

import asyncio
import gc
import os
import random
from collections.abc import AsyncIterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID, uuid4

import asyncpg
import pytest

from app.db.core.audit import INVARIANTS, Finding, audit, findings
from app.db.core.lane import Lane
from app.db.core.postgres import Connection, connect
from app.db.core.unit import Database
from app.db.core.vault import Vault
from app.domain.ledger.post import PostDrafts
from app.run.embedded import Urls, temporary
from app.run.migrate import upgrade
from tests.support.passwords import remember
from tests.support.shop import Shop, a_shop

TEMPLATE = "kucun_template"
NEXT = "SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint"
# I6: every transaction that touches a store increments its revision.
WRITTEN = "SELECT DISTINCT tenant_id FROM feeds WHERE xmin::text::bigint >= $1"
MANY_ENTRIES = 500
ENTRIES = f"SELECT count(*) FROM (SELECT FROM entries LIMIT {MANY_ENTRIES + 1}) counted"
BREACHED = f"SELECT {' OR '.join(f'EXISTS ({query})' for query in INVARIANTS.values())}"
SECRET = "a secret that only the tests know, 32 bytes"
VAULT = Vault(SECRET)
HELD = pytest.StashKey[ExitStack]()


def pytest_addoption(parser: pytest.Parser) -> None:
    text = "tests marked `widened` send every value and run all examples, not a sample"
    parser.addoption("--all", action="store_true", help=text)


def pytest_configure(config: pytest.Config) -> None:
    """The controller owns the servers of all workers, and stops them with itself."""
    remember()
    # The collected tests stay: with the default threshold a fifth of their time goes into garbage.
    gc.set_threshold(50_000, 10, 10)
    if hasattr(config, "workerinput"):
        return
    os.environ.setdefault("TEST_SEED", str(random.randrange(10**6)))
    held = config.stash[HELD] = ExitStack()
    # Tests kill processes, not machines: what the kernel has taken is as good as written.
    urls = held.enter_context(temporary(synced=False)).urls()
    asyncio.run(command(urls.owner, f"create database {TEMPLATE}"))
    upgrade(renamed(urls.owner, TEMPLATE))
    os.environ["TEST_DATABASE_URL"] = urls.database
    os.environ["TEST_OWNER_URL"] = urls.owner
    os.environ["TEST_REDIS_URL"] = urls.redis


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the tests that start and kill servers: at the end, others would wait for them."""
    faults = Path(__file__).with_name("faults")
    items.sort(key=lambda item: faults not in item.path.parents)


def pytest_report_header() -> str:
    return f"TEST_SEED={os.environ['TEST_SEED']}"


def pytest_unconfigure(config: pytest.Config) -> None:
    if HELD in config.stash:
        config.stash[HELD].close()


def renamed(url: str, database: str) -> str:
    return f"{url.rsplit('/', 1)[0]}/{database}"


async def command(url: str, sql: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(sql)
    finally:
        await connection.close()


@dataclass(frozen=True)
class Cloning:
    """Makes databases from the migrated template; they live until the run ends."""

    urls: Urls

    async def __call__(self, original: Urls | None = None) -> Urls:
        """A clone of the template, or of another database that nothing is connected to."""
        name = f"test_{uuid4().hex}"
        template = original.owner.rsplit("/", 1)[1] if original else TEMPLATE
        await command(self.urls.owner, f"create database {name} template {template}")
        return Urls(
            renamed(self.urls.database, name), renamed(self.urls.owner, name), self.urls.redis
        )


@pytest.fixture(scope="session")
def wide(pytestconfig: pytest.Config) -> bool:
    """Whether `--all` was given."""
    return bool(pytestconfig.getoption("--all"))


@pytest.fixture(scope="session")
def seed() -> str:
    """The seed of this run's samples; set TEST_SEED to repeat a run."""
    return os.environ["TEST_SEED"]


@pytest.fixture(scope="session")
def clone() -> Cloning:
    names = ("TEST_DATABASE_URL", "TEST_OWNER_URL", "TEST_REDIS_URL")
    return Cloning(Urls(*(os.environ[name] for name in names)))


@pytest.fixture(scope="session")
async def urls(clone: Cloning) -> AsyncIterator[Urls]:
    """This worker's own database; at the end all of it is audited."""
    urls = await clone()
    yield urls
    assert await audit(urls.owner) == []


async def unheard(_tenant: UUID, _stores: object) -> None:
    """Nobody listens to what a ledger test commits."""


@pytest.fixture(scope="session")
async def db(urls: Urls) -> AsyncIterator[Database]:
    database = Database(urls.database, unheard, vault=VAULT)
    yield database
    await database.close()


@pytest.fixture(scope="session")
async def lane(urls: Urls) -> AsyncIterator[Lane]:
    lane = Lane(urls.database, PostDrafts(), unheard)
    yield lane
    await lane.close()


@pytest.fixture
async def shop(db: Database, lane: Lane) -> Shop:
    """A tenant of its own with one store and no products."""
    return await a_shop(db, lane)


class Auditor:
    """Audits databases on connections of its own, which keep the plans of the audit's queries."""

    def __init__(self) -> None:
        self.connections: dict[str, Connection] = {}
        self.audited: dict[str, int] = {}

    async def __call__(self, url: str) -> list[Finding]:
        """Breaches of the tenants that were written to since the last audit of this database."""
        connection = await self.connected(url)
        since, breaches = self.audited.get(url, 0), []
        async with connection.transaction(isolation="repeatable_read", readonly=True):
            self.audited[url] = await connection.fetchval(NEXT)
            tenants = await connection.fetch(WRITTEN, since)
            # As in the nightly audit, row-level security limits each query to the tenant's rows.
            await connection.execute("SET LOCAL ROLE kucun_app")
            for [tenant] in tenants:
                await connection.execute(f"SET LOCAL app.tenant = '{tenant}'")
                if await self.is_breached(connection):
                    breaches += await findings(connection)
        return breaches

    async def is_breached(self, connection: Connection) -> bool:
        """Whether the tenant to which the transaction is limited breaches any invariant."""
        if await connection.fetchval(ENTRIES) <= MANY_ENTRIES:
            return await connection.fetchval(BREACHED)
        # Plans for a tenant of few rows compare each row with each other.
        await connection.execute("DISCARD PLANS; SET LOCAL enable_nestloop = off")
        is_breached = await connection.fetchval(BREACHED)
        await connection.execute("DISCARD PLANS; SET LOCAL enable_nestloop = on")
        return is_breached

    async def connected(self, url: str) -> Connection:
        connection = self.connections.get(url)
        if connection is None or connection.is_closed():
            # The check of all invariants is long: without a limit its plan is kept.
            connection = await connect(url, max_cacheable_statement_size=0)
            self.connections[url] = connection
            # A tenant has few rows: the plans stay right while the tables grow.
            await connection.execute("SET enable_seqscan = off")
        return connection

    async def close(self) -> None:
        for connection in self.connections.values():
            await connection.close()


@pytest.fixture(scope="session")
async def auditor() -> AsyncIterator[Auditor]:
    every = Auditor()
    yield every
    await every.close()


@pytest.fixture(autouse=True)
async def coherent(request: pytest.FixtureRequest, auditor: Auditor) -> AsyncIterator[None]:
    """Audit what each test wrote to the worker's database: every invariant of its tenants."""
    yield
    if "urls" in request.fixturenames:
        assert await auditor(request.getfixturevalue("urls").owner) == []
