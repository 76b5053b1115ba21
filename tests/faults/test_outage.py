"""An outage is answered as an outage: parts are killed while clients write, read and follow."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from uuid import uuid4

import httpx2
import psutil
import pytest

from app.db.core.unit import Database
from app.domain.people.stores import create_tenant
from app.run.embedded import published
from tests.conftest import unheard
from tests.support.api import mutation
from tests.support.identity import CREATE_KEY, PASSWORD, Asking
from tests.support.live import Terminal, dialled
from tests.support.outage import Clients
from tests.support.server import Server, new_folder, run, servers

figures = logging.getLogger(__name__)
"""`--log-cli-level=INFO` shows what the clients were answered."""

SCOPES = ["SALE_WRITE", "STOCK_READ", "CATALOG_READ", "ORDER_READ", "ORDER_WRITE"]
STOCK = 100_000
LINES_MAX = 12
"""Two lines of each process for the database and the bus, and those of the supervisor."""
CALM_SECONDS = 2.0


@pytest.fixture(scope="module")
def data() -> Iterator[Path]:
    with new_folder() as folder:
        yield folder


@pytest.fixture(scope="module")
def server(data: Path) -> Iterator[Server]:
    with servers(data) as start:
        yield start("--processes", "2", "--no-demo")


@pytest.fixture
async def http(server: Server) -> AsyncIterator[httpx2.AsyncClient]:
    address = f"http://127.0.0.1:{server.port}"
    async with httpx2.AsyncClient(base_url=address, timeout=30) as http:
        yield http


class Till:
    """A store of its own for one test: its code, its clients, and its stock."""

    def __init__(self, code: str, clients: Clients) -> None:
        self.code, self.clients = code, clients

    async def stock(self) -> dict[str, int]:
        """What is available of each product."""
        async with dialled(str(self.clients.http.base_url), self.clients.secret) as line:
            terminal = Terminal(line, self.clients.store)
            await terminal.follow()
        return {product: int(level["available"]) for product, level in terminal.levels.items()}


@pytest.fixture
async def till(data: Path, http: httpx2.AsyncClient, server: Server) -> Till:
    db, code = Database(published(data).database, unheard), f"s-{uuid4().hex[:8]}"
    founded = await create_tenant(db, "断网超市", code, PASSWORD, code, "门店")
    await db.close()
    asking = Asking(http)
    owner = (await asking.sign_in(code))["accessToken"]

    async def do(name: str, /, **input: object) -> dict[str, str]:
        request = {"key": str(uuid4()), **input}
        return await asking(mutation(name), owner, input=request)

    products = [
        (await do("createProduct", sku=f"R-{n}", name=f"米{n}", unit="袋"))["id"] for n in range(3)
    ]
    lines = [{"productId": id, "quantity": str(STOCK), "unitCost": "3"} for id in products]
    await do("openStock", storeId=str(founded.store.id), lines=lines)
    request = {"key": str(uuid4()), "name": "till", "scopes": SCOPES}
    secret = (await asking(CREATE_KEY, owner, input=request))["secret"]
    return Till(code, Clients(http, secret, founded.store.id, products))


Fault = Callable[[Server], None]


def kill_postmaster(server: Server) -> None:
    server.engine("postgres").kill()


def kill_backend(server: Server) -> None:
    """PostgreSQL ends all other connections too, and recovers."""
    backends(server)[0].kill()


def end_backends(server: Server) -> None:
    """What an administrator's `pg_terminate_backend` does."""
    for each in backends(server):
        each.terminate()


def backends(server: Server) -> list[psutil.Process]:
    """The connections of the web processes."""
    return [
        each
        for each in server.engine("postgres").children()
        if "kucun_app kucun" in " ".join(each.cmdline())
    ]


def freeze_database(server: Server) -> None:
    frozen = [server.engine("postgres"), *server.engine("postgres").children()]
    for each in frozen:
        each.suspend()
    asyncio.get_running_loop().call_later(3, lambda: [each.resume() for each in frozen])


def kill_bus(server: Server) -> None:
    server.engine("valkey-server").kill()


def freeze_bus(server: Server) -> None:
    bus = server.engine("valkey-server")
    bus.suspend()
    asyncio.get_running_loop().call_later(5, bus.resume)


def kill_web(server: Server) -> None:
    server.web()[0].kill()


FAULTS: list[Fault] = [
    kill_postmaster,
    kill_backend,
    end_backends,
    freeze_database,
    kill_bus,
    freeze_bus,
    kill_web,
]


@pytest.mark.timeout(180)
@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.__name__)
async def test_an_outage_is_answered_as_one(
    server: Server, data: Path, till: Till, fault: Fault
) -> None:
    clients, before = till.clients, len(server.log.read_text())
    async with clients.busy(till.code) as terminal:
        await clients.booked_more(50)
        fault(server)
        await asyncio.sleep(CALM_SECONDS)
        await clients.booked_more(50)
    log = server.log.read_text()[before:]
    answers = f"{fault.__name__}: {dict(clients.answers)}, slowest {clients.slowest:.1f} s"
    figures.info("%s\n%s", answers, log)
    codes = {code for _, code in clients.answers}
    assert codes <= {"ok", "cut", "UNAVAILABLE"}, clients.answers
    # Each key had one effect: nothing is lost, and nothing is booked twice.
    stock = await till.stock()
    assert {id: STOCK - stock[id] for id in clients.products} == dict(clients.booked)
    assert {id: int(level["available"]) for id, level in terminal.levels.items()} == stock
    assert "Traceback" not in log
    assert len(log.splitlines()) <= LINES_MAX
    checked = await asyncio.to_thread(run, data, "audit")
    assert (checked.returncode, checked.stderr) == (0, "")
