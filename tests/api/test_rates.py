"""Units a minute by address, person, key and tenant, over HTTP, sockets and events."""

import os
import secrets
import signal
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from app.db.core.unit import Database
from app.resolvers import SCHEMA
from app.run.embedded import Engines, Urls
from app.settings import Settings
from tests.api.conftest import served
from tests.support.api import Desk, mutation
from tests.support.identity import CREATE_KEY, Asking, Chain
from tests.support.live import FEED, dialled

BUDGET = 200_000
GUEST = '{ storefront(store: "none") { store { name } } }'
VIEWER = "{ viewer { name } }"
ROUNDS = 400


@pytest.fixture(scope="module")
async def limited(urls: Urls) -> AsyncIterator[Asking]:
    """A server behind a proxy, with small budgets of guests."""
    async with served(urls, rate_guest=BUDGET, proxies="127.0.0.1") as asking:
        yield asking


def address() -> dict[str, str]:
    """The header of a client that called never before."""
    return {"x-forwarded-for": f"2001:db8:{secrets.randbelow(65_536):x}:{uuid4().hex[:4]}::1"}


async def ask(
    asking: Asking, query: str, headers: dict[str, str], language: str = "en"
) -> dict[str, Any]:
    headers = {"accept-language": language, **headers}
    response = await asking.http.post("/graphql", json={"query": query}, headers=headers)
    assert response.status_code == 200
    return response.json()


def refusal(answer: dict[str, Any]) -> dict[str, Any] | None:
    """The RATE_LIMITED error of an answer."""
    errors = answer.get("errors") or ()
    return next((each for each in errors if each["extensions"]["code"] == "RATE_LIMITED"), None)


async def exhaust(asking: Asking, query: str, headers: dict[str, str]) -> dict[str, Any]:
    """Ask until it is refused; returns the error."""
    for _ in range(ROUNDS):
        if error := refusal(await ask(asking, query, headers)):
            return error
    raise AssertionError("it was never refused")


async def test_a_guest_who_asks_too_often_waits(limited: Asking) -> None:
    client = address()
    error = await exhaust(limited, GUEST, client)
    seconds = error["extensions"]["retryAfter"]
    assert isinstance(seconds, int)
    assert 1 <= seconds <= 120
    assert error["message"] == f"Too many requests: try again in {seconds} seconds."
    chinese = refusal(await ask(limited, GUEST, client, "zh-CN"))
    assert chinese
    assert "秒后再试" in chinese["message"]
    # Another address has a budget of its own.
    assert refusal(await ask(limited, GUEST, address())) is None


async def test_addresses_of_one_network_count_together(limited: Asking) -> None:
    client = address()
    await exhaust(limited, GUEST, client)
    neighbour = client["x-forwarded-for"].replace("::1", ":1:2:3:4")
    assert refusal(await ask(limited, GUEST, {"x-forwarded-for": neighbour}))


async def test_documents_that_are_refused_count(limited: Asking) -> None:
    for query in ("{ nothing" * 200, "{ nothing }" + " " * 2000, "{ a }" * 300):
        await exhaust(limited, query, address())


async def test_the_rest_of_the_transports_refuse_too(limited: Asking) -> None:
    client = address()
    await exhaust(limited, GUEST, client)
    events = {**client, "accept": "text/event-stream"}
    response = await limited.http.post("/graphql", json={"query": GUEST}, headers=events)
    assert '"code":"RATE_LIMITED"' in response.text
    assert '"retryAfter":' in response.text
    feed = 'subscription { availabilityFeed(store: "none") { __typename } }'
    response = await limited.http.post("/graphql", json={"query": feed}, headers=events)
    assert '"code":"RATE_LIMITED"' in response.text
    base = str(limited.http.base_url)
    async with dialled(base, additional_headers=client) as line:
        for query in (GUEST, feed):
            await line.subscribe(query)
            message = await line.receive()
            assert message["type"] == "error", message
            assert message["payload"][0]["extensions"]["code"] == "RATE_LIMITED"


async def test_a_forged_address_is_not_believed(urls: Urls) -> None:
    async with served(urls, rate_guest=BUDGET + secrets.randbelow(10_000)) as direct:
        for _ in range(ROUNDS):
            if refusal(await ask(direct, GUEST, address())):
                return
    raise AssertionError("X-Forwarded-For was believed")


async def test_staff_behind_the_same_address_go_on(limited: Asking, desk: Desk) -> None:
    client = address()
    await exhaust(limited, GUEST, client)
    signed_in = {**client, "authorization": f"Bearer {desk.owner}"}
    assert (await ask(limited, VIEWER, signed_in))["data"]["viewer"]


async def test_staff_keys_and_tenants_have_budgets(
    urls: Urls, db: Database, chain: Chain, stranger: Chain
) -> None:
    _, clerk = await chain.hired()
    key = (await chain.do(CREATE_KEY, name="till", scopes=["VIEWER_READ"]))["secret"]
    people = {"owner": chain.token, "clerk": clerk["accessToken"], "key": key}
    headers = {name: {"authorization": f"Bearer {token}"} for name, token in people.items()}
    other = {"authorization": f"Bearer {stranger.token}"}
    small, ample = BUDGET + secrets.randbelow(10_000), 10**9
    async with served(urls, rate_staff=small, rate_key=ample) as asking:
        await exhaust(asking, VIEWER, headers["owner"])
        for name in ("clerk", "key"):
            assert refusal(await ask(asking, VIEWER, headers[name])) is None
    async with served(urls, rate_key=small) as asking:
        await exhaust(asking, VIEWER, headers["key"])
        assert refusal(await ask(asking, VIEWER, headers["owner"])) is None
    async with served(urls, rate_tenant=small) as asking:
        await exhaust(asking, VIEWER, headers["clerk"])
        assert refusal(await ask(asking, VIEWER, headers["owner"]))
        assert refusal(await ask(asking, VIEWER, headers["key"]))
        assert refusal(await ask(asking, VIEWER, other)) is None


async def test_refused_messages_of_channels_count(limited: Asking) -> None:
    client = address()
    for _ in range(ROUNDS):
        response = await limited.http.post(f"/shops/{uuid4()}", headers=client)
        if response.status_code == 429:
            assert int(response.headers["retry-after"]) >= 1
            return
        assert response.status_code == 404
    raise AssertionError("it was never refused")


STOREFRONT = """{ storefront(store: "demo") { store { name } categories { id name }
  products(first: 50) {
    nodes { id name spec price imageUrl availability { label text remaining } }
    pageInfo { hasNextPage endCursor }
  }
} }"""


def units(query: str, **variables: Any) -> int:
    document = SCHEMA.documents.read(query)
    assert document.validate() == []
    operation = document.operation(None)
    assert operation is not None
    return operation.size(variables).units


def test_what_a_chain_does_stays_below_the_budgets() -> None:
    budget = Settings()
    lines = [{"productId": str(uuid4()), "quantity": "1"}] * 30
    sale = units(mutation("sell"), input={"key": str(uuid4()), "lines": lines})
    assert 60 * sale < budget.rate_staff / 10, "a till with a queue: a sale every second"
    board = 100 * units(FEED, store=str(uuid4()))
    assert 5 * board < budget.rate_staff, "a board of 100 stores that connects five times"
    assert 600 * units(STOREFRONT) < budget.rate_guest, "a hall full of customers on one line"
    assert 100 * 20 * sale + 2 * board < budget.rate_tenant, "100 tills and two boards"


async def test_two_processes_share_a_budget(urls: Urls) -> None:
    """A process may be ahead of Valkey by the slice that it spends from, a twentieth."""
    options: dict[str, Any] = {"rate_guest": BUDGET, "proxies": "127.0.0.1"}
    async with served(urls, **options) as one, served(urls, **options) as two:
        alone = await accepted([one], address())
        together = await accepted([one, two], address())
    assert alone <= together <= alone * 1.3


async def accepted(processes: list[Asking], client: dict[str, str]) -> int:
    """How many operations run before every process refuses."""
    for number in range(ROUNDS):
        refused = [refusal(await ask(each, GUEST, client)) for each in processes]
        if all(refused):
            return number * len(processes)
    raise AssertionError("it was never refused")


async def test_guests_are_limited_while_valkey_is_dead(urls: Urls, tmp_path: Path) -> None:
    for folder in (tmp_path, *tmp_path.parents[:3]):
        folder.chmod(0o711)
    with Engines(tmp_path / "data", postgres=False) as engines:
        own = replace(urls, redis=engines.urls().redis)
        async with served(own, rate_guest=BUDGET, proxies="127.0.0.1") as asking:
            assert refusal(await ask(asking, GUEST, address())) is None
            os.kill(engines.valkey.pid, signal.SIGKILL)
            for _ in range(3):
                await exhaust(asking, GUEST, address())
            assert refusal(await ask(asking, GUEST, address())) is None
