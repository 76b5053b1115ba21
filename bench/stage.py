"""The stage: fresh engines, a migrated database, stocked stores, and servers as `kucun` runs."""

import asyncio
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from uuid import UUID, uuid4

import asyncpg
from uuid_utils.compat import uuid7

from app.db.batches import ArrivingBatch as Arriving
from app.db.core.lane import Lane
from app.db.core.unit import Database
from app.db.tables import Movement
from app.domain.access import Role
from app.domain.catalog.pinyin import full, search_text
from app.domain.claims import fingerprint_of
from app.domain.ledger.draft import Draft, Line, Place, batch_id
from app.domain.ledger.post import PostDrafts
from app.domain.people.hashing import hashed
from app.domain.people.staff import hire
from app.domain.people.stores import create_tenant
from app.domain.rules.codes import code_key, normal
from app.domain.rules.kinds import Kind
from app.run import tether
from app.run.embedded import Engines, Urls, temporary
from app.run.migrate import upgrade
from app.run.process import Process
from app.run.serve import await_ready, environment
from app.run.web import listen
from app.run.worker import Worker
from app.settings import Settings
from bench import asking

ROOT = Path(__file__).parent.parent
RATE = 10**12
SECRET = "a secret that only the benchmark knows, 32 bytes"
PASSWORD = "correct horse"
LINES = 100
PLENTY = Decimal(1_000_000)


@dataclass
class Stage:
    """Engines whose CPU can be told from the servers' and from ours."""

    engines: Engines
    urls: Urls
    shops: dict[tuple[int, int], "Shop"] = field(default_factory=dict)

    @property
    def database(self) -> list[int]:
        return [self.engines.postgres.pid]

    async def shop(self, products: int, batches: int = 0) -> "Shop":
        """A tenant with one store and so many products, each in so many batches; made once."""
        if (products, batches) not in self.shops:
            self.shops[products, batches] = await stock(self.urls, products, batches)
        return self.shops[products, batches]

    @contextmanager
    def serving(
        self, processes: int = 1, role: str = "", jobs: bool = True
    ) -> Iterator[list["Served"]]:
        """Web processes, each on a port of its own: the app, or a part of `bench.bare`. The app has
        a worker beside it if there are jobs."""
        settings = Settings(
            database_url=self.urls.database,
            redis_url=self.urls.redis,
            secret=SECRET,
            # Rates are counted, but one client of the benchmark sends more than any real one.
            rate_guest=RATE,
            rate_staff=RATE,
            rate_key=RATE,
            rate_tenant=RATE,
            # Messages go to servers of the benchmark.
            private_hosts="127.0.0.1",
            jobs=jobs,
        )
        with ExitStack() as stack:
            web = []
            worker = None
            if jobs and not role:
                worker = Worker(environment(settings, owner=False))
                stack.callback(worker.stop)
                worker.spawn()
            for _ in range(processes):
                listener = stack.enter_context(listen("127.0.0.1", 0))
                variables = environment(settings, owner=False)
                made = Alone(role, listener, variables)
                stack.callback(made.stop)
                made.spawn()
                web.append(Served(made, listener.getsockname()[1], worker))
            for each in web:
                await_ready(("127.0.0.1", each.port), [each.web])
            yield web


class Alone(Process):
    """A web process without a supervisor: the app, or the part of `bench.bare` of this name."""

    def __init__(self, name: str, listener: socket.socket, environment: dict[str, str]) -> None:
        super().__init__(name)
        self.listener = listener
        self.environment = environment

    def launch(self) -> subprocess.Popen[bytes]:
        number = self.listener.fileno()
        program = ("bench.bare", self.name) if self.name else ("app.cli", "web")
        return subprocess.Popen(
            tether.command(signal.SIGKILL, None, sys.executable, "-m", *program, str(number)),
            pass_fds=[number],
            env=self.environment,
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
        )


@dataclass(frozen=True)
class Served:
    web: Process
    port: int
    worker: Process | None = None

    @property
    def pid(self) -> int:
        return self.web.pid


@dataclass(frozen=True)
class Shop:
    """A tenant with one stocked store."""

    tenant: UUID
    actor: UUID
    store: UUID
    login: str
    products: list[UUID]
    barcodes: list[str]

    def sale(self, product: UUID) -> Draft:
        """A sale of one piece, as the API would draft it."""
        key = uuid4()
        return drafted(self, Kind.SALE, [(product, Decimal(1))], key)

    async def token(self, port: int) -> str:
        """What the store's manager signs in for at this server."""
        text = (
            "mutation($l: String!, $p: String!) { signIn(input: {login: $l, password: $p}) "
            "{ ... on SignedIn { accessToken } ... on Problem { message } } }"
        )
        answer = await asking.ask(port, "/graphql", text, {"l": self.login, "p": PASSWORD})
        return answer["signIn"]["accessToken"]


def drafted(
    shop: Shop,
    kind: Kind,
    lines: Iterable[tuple[UUID, Decimal]],
    key: UUID,
    expires_on: date | None = None,
) -> Draft:
    source, target = kind.value.source, kind.value.target
    assert source
    assert target
    made = tuple(
        Line(
            product,
            quantity,
            Place(shop.store, source),
            Place(shop.store, target),
            arriving=expires_on and batch(product, expires_on),
        )
        for product, quantity in lines
    )
    fingerprint = fingerprint_of(kind, shop.store, made)
    return Draft(kind, shop.store, shop.actor, key, made, fingerprint, datetime.now(UTC))


def batch(product: UUID, expires_on: date) -> Arriving:
    id = batch_id(product, "", expires_on)
    return Arriving(id, product, "", expires_on, None, None, None, datetime.now(UTC))


@contextmanager
def staged() -> Iterator[Stage]:
    """Fresh engines, gone afterwards."""
    with temporary() as running:
        urls = running.urls()
        upgrade(urls.owner)
        yield Stage(running, urls)


async def founded(urls: Urls, products: int, name: str) -> Shop:
    """A tenant with one store and the ids of so many products, which do not exist yet."""
    db = Database(urls.database, unheard)
    tenant = await create_tenant(db, "压测", f"{name}-owner", PASSWORD, name, "压测店")
    seller, secret = uuid7(), await hashed(PASSWORD)
    async with db.unit(tenant.store.tenant_id) as unit:
        # An owner watches; a store's manager sells.
        await hire(unit, seller, name, "店长", secret, Role.MANAGER, [tenant.store.id])
    await db.close()
    return Shop(
        tenant.store.tenant_id,
        seller,
        tenant.store.id,
        name,
        [uuid7() for _ in range(products)],
        [normal(f"69{number:010d}") for number in range(products)],
    )


async def stock(urls: Urls, products: int, batches: int) -> Shop:
    """Founds a tenant; its catalogue is copied in, its stock enters through the ledger."""
    shop = await founded(urls, products, f"bench-{products}-{batches}-{time.time_ns():x}"[:32])
    await catalogue(urls.owner, shop, batches > 0)
    lane = Lane(urls.database, PostDrafts(), unheard)
    today = datetime.now(UTC).date()
    days = [today + timedelta(days=1 + number) for number in range(batches)] or [None]
    drafts = [
        drafted(
            shop, Kind.OPENING, [(p, PLENTY) for p in shop.products[at : at + LINES]], uuid4(), day
        )
        for at in range(0, products, LINES)
        for day in days
    ]
    for at in range(0, len(drafts), 20):
        posted = [lane.submit(shop.tenant, draft) for draft in drafts[at : at + 20]]
        refused = [each for each in await asyncio.gather(*posted) if not isinstance(each, Movement)]
        assert not refused, refused
    await lane.close()
    await command(urls.owner, "vacuum analyze")
    return shop


async def catalogue(owner: str, shop: Shop, tracked: bool) -> None:
    text = ("sku", "name", "spec", "kind", "unit")
    columns = ["tenant_id", "id", *text, "scale", "price", "search", "pinyin", "tracks_batches"]
    rows = []
    for number, product in enumerate(shop.products):
        sku, name = f"SKU-{number:05d}", f"大米 {number:05d}"
        words, order = search_text(name, sku), full(name)
        told = sku, name, "5kg", "GOODS", "袋", 1, 1000 + number, words, order, tracked
        rows.append((shop.tenant, product, *told))
    codes = [
        (shop.tenant, code_key(code), product, code, False)
        for code, product in zip(shop.barcodes, shop.products, strict=True)
    ]
    codes += [(row[0], code_key(row[2]), row[1], None, True) for row in rows]
    raw = await asyncpg.connect(owner)
    await raw.copy_records_to_table("products", records=rows, columns=columns)
    columns = ["tenant_id", "name", "product_id", "code", "is_sku"]
    await raw.copy_records_to_table("product_codes", records=codes, columns=columns)
    await raw.close()


async def command(owner: str, sql: str) -> None:
    raw = await asyncpg.connect(owner)
    await raw.execute(sql)
    await raw.close()


async def unheard(*_: object) -> None:
    """Nobody follows a store that is being stocked."""
