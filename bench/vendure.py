"""Vendure from npm, seeded and run beside us on PostgreSQL of the same build and settings.

`python -m bench.vendure` installs and seeds it ahead of time; it is kept in PEERS_DIR.
"""

import asyncio
import json
import os
import re
import shutil
import subprocess
import tempfile
import time
import urllib.request
from collections.abc import AsyncIterator, Generator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from urllib.parse import urlsplit
from uuid import uuid4

import asyncpg

from app.run.embedded import Engines
from app.run.engines import free_port
from bench.asking import Answer, Load, Talk, Talking, Wrong, graphql, post
from bench.measure import run

VERSION = "3.7.3"
PRODUCTS = 200
SOURCES = Path(__file__).parent / "peers"
PEERS = Path(os.environ.get("PEERS_DIR") or Path(tempfile.gettempdir()) / "kucun-peers")
LOGIN = 'mutation{login(username:"bench-admin",password:"bench-pass-1"){__typename}}'
READY_SECONDS = 120

ADDED = """
mutation($variant: ID!) { addItemToOrder(productVariantId: $variant, quantity: 1) {
  __typename ... on Order { code state } ... on ErrorResult { errorCode message }
} }
"""
NAMED = """
mutation($email: String!) {
  setCustomerForOrder(input: {firstName: "A", lastName: "B", emailAddress: $email}) {
    __typename ... on ErrorResult { errorCode message }
  }
}
"""
STEPS = (
    """
mutation { setOrderShippingAddress(input: {
  fullName: "A B", streetLine1: "S 1", city: "B", postalCode: "10115", countryCode: "DE"
}) { __typename ... on ErrorResult { errorCode message } } }
""",
    """
mutation { setOrderShippingMethod(shippingMethodId: ["1"]) {
  __typename ... on ErrorResult { errorCode message }
} }
""",
    """
mutation { transitionOrderToState(state: "ArrangingPayment") {
  __typename ... on Order { code state }
  ... on OrderStateTransitionError { errorCode message transitionError }
} }
""",
    """
mutation { addPaymentToOrder(input: {method: "dummy", metadata: {}}) {
  __typename ... on Order { code state } ... on ErrorResult { errorCode message }
} }
""",
)
"""What follows in a guest's order: address, shipping, to be paid, paid."""

SESSION = re.compile(rb"(?im)^vendure-auth-token: *(\S+)")


class Absent(Exception):
    """Vendure cannot be installed here; the text says why."""


@dataclass(frozen=True)
class Vendure:
    """A running server with a signed-in administrator."""

    port: int
    token: str
    app: int
    database: int
    owner: str


@asynccontextmanager
async def running() -> AsyncIterator[Vendure]:
    """Installs, seeds and starts what is missing; stops what it started. Raises Absent."""
    folder = install()
    with Engines(PEERS / "data", valkey=False) as engines:
        port = free_port()
        variables = environment(engines, port)
        if not await seeded(engines.urls().owner):
            run("node", "seed.cjs", cwd=folder, env=variables)
        started = [start(folder, name, variables) for name in ("server", "worker")]
        try:
            for name, process in zip(("server", "worker"), started, strict=True):
                await_ready(folder / f"{name}.log", process)
            token, owner = sign_in(port), engines.urls().owner
            yield Vendure(port, token, started[0].pid, engines.postgres.pid, owner)
        finally:
            for process in started:
                process.terminate()
                process.wait()


def install() -> Path:
    """The folder with Vendure's packages and our few files."""
    if not (shutil.which("node") and shutil.which("npm")):
        raise Absent("needs node and npm to install and run Vendure")
    folder = PEERS / "vendure"
    folder.mkdir(parents=True, exist_ok=True)
    # As root the engines' own user has to pass through.
    PEERS.chmod(0o711)
    installed = folder / "node_modules/@vendure/core/package.json"
    if not installed.exists() or json.loads(installed.read_text())["version"] != VERSION:
        (folder / "package.json").write_text("{}")
        try:
            packages = (f"@vendure/core@{VERSION}", "pg")
            run("npm", "install", "--no-audit", "--no-fund", *packages, cwd=folder)
        except RuntimeError as error:
            raise Absent(f"npm cannot install Vendure: {error}") from error
    for source in SOURCES.glob("*.cjs"):
        shutil.copy(source, folder)
    return folder


def environment(engines: Engines, port: int) -> dict[str, str]:
    owner = urlsplit(engines.urls().owner)
    return {
        **os.environ,
        "TZ": "UTC",
        "NODE_ENV": "production",
        "PRODUCTS": str(PRODUCTS),
        "VENDURE_PORT": str(port),
        "VENDURE_PGPORT": str(owner.port),
        "VENDURE_PGUSER": str(owner.username),
        "VENDURE_PGPASSWORD": str(owner.password),
        "VENDURE_DB": owner.path[1:],
    }


async def seeded(owner: str) -> bool:
    """Whether all products are there; half a seeding is thrown away."""
    raw = await asyncpg.connect(owner)
    try:
        there = await raw.fetchval("select to_regclass('product_variant')") is not None
        if there and await raw.fetchval("select count(*) from product_variant") == PRODUCTS:
            return True
        await raw.execute("drop schema public cascade; create schema public")
        return False
    finally:
        await raw.close()


def start(folder: Path, name: str, variables: dict[str, str]) -> subprocess.Popen[bytes]:
    with (folder / f"{name}.log").open("wb") as log:
        return subprocess.Popen(
            ["node", f"{name}.cjs"], cwd=folder, env=variables, stdout=log, stderr=log
        )


def await_ready(log: Path, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + READY_SECONDS
    while "READY" not in log.read_text():
        if process.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError(f"Vendure did not start:\n{log.read_text()[-2000:]}")
        time.sleep(0.1)


def sign_in(port: int) -> str:
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}/admin-api",
        json.dumps({"query": LOGIN}).encode(),
        {"content-type": "application/json"},
    )
    with urllib.request.urlopen(request) as answer:
        return answer.headers["vendure-auth-token"]


def shopping(peer: Vendure) -> Talking:
    """Guests who order one variant each and pay: six requests, the whole of Vendure's flow."""
    guests = count()

    def talk(load: Load) -> Talk:
        while not load.over:
            # Two that do not divide: the variants of orders in flight are spread.
            if not (yield from buy(peer, 1 + next(guests) * 7 % PRODUCTS)):
                raise Wrong("an order was refused")
            load.answered += 1

    return talk


def buy(peer: Vendure, variant: int) -> Generator[bytes, Answer, bool]:
    """A new guest's order of one unit; whether it was paid. Raises Wrong for a GraphQL error."""

    def ask(query: str, session: str | None = None, **variables: str) -> bytes:
        return post(peer.port, "/shop-api", graphql(query, variables), session)

    answer = yield ask(ADDED, variant=str(variant))
    if is_refused(answer):
        return False
    session = SESSION.search(answer.head)
    assert session, answer.head
    mine = session[1].decode()
    email = f"b{uuid4()}@example.com"
    for step in (ask(NAMED, mine, email=email), *(ask(step, mine) for step in STEPS)):
        answer = yield step
        if is_refused(answer):
            return False
    return b'"PaymentSettled"' in answer.body


def is_refused(answer: Answer) -> bool:
    if b'"errors":' in answer.body:
        raise Wrong(answer.body[:300].decode())
    return b'"errorCode":' in answer.body


async def main() -> None:
    async with running():
        print(f"Vendure {VERSION} works in {PEERS}")


if __name__ == "__main__":
    asyncio.run(main())
