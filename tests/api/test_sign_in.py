"""Sign-in over HTTP: wrong passwords, known devices, floods, and logins of several chains."""

import asyncio
from typing import Any
from uuid import UUID, uuid4

import pytest
from redis.asyncio import Redis

from app.db.core.counters import PREFIX, Counters
from app.domain.errors import Refused, SignInFailed, TooManyAttempts
from app.domain.people.attempts import (
    ADDRESS_FAILURES_MAX,
    DEVICE_FAILURES_MAX,
    LOGIN_FAILURES_MAX,
    WAITING_PER_KEY,
    WINDOW_SECONDS,
    Attempts,
)
from app.domain.people.fair_queue import FairQueue, QueueFull
from app.run.embedded import Urls
from tests.support.identity import INVITE, PASSWORD, REFRESH, VIEWER, Asking, Chain, eventually

OTHER = "battery staple"


async def fail(asking: Asking, login: str, times: int = LOGIN_FAILURES_MAX, **more: Any) -> None:
    for _ in range(times):
        answer = await asking.sign_in(login, "wrong", **more)
        assert answer["code"] == "SIGN_IN_FAILED", answer


@pytest.mark.parametrize("known", [True, False], ids=["known", "unknown"])
async def test_five_failures_at_once_close_a_login(
    chain: Chain, afar: Asking, elsewhere: Asking, known: bool
) -> None:
    login = chain.founded.owner.login if known else f"unknown{uuid4().hex}"
    answers = await asyncio.gather(
        *(where.sign_in(login, "wrong") for where in (afar, elsewhere) for _ in range(10))
    )
    codes = [answer["code"] for answer in answers]
    assert codes.count("SIGN_IN_FAILED") == LOGIN_FAILURES_MAX
    assert codes.count("TOO_MANY_ATTEMPTS") == 20 - LOGIN_FAILURES_MAX
    # From any address, and in any process.
    for where in (chain.asking, afar, elsewhere):
        refused = await where.sign_in(login)
        assert refused["code"] == "TOO_MANY_ATTEMPTS"
        assert 0 < refused["retryAfter"] <= WINDOW_SECONDS


async def test_an_address_that_tries_many_logins_is_refused(
    chain: Chain, afar: Asking, stranger: Chain
) -> None:
    login = chain.founded.owner.login
    await asyncio.gather(
        *(afar.sign_in(f"unknown{uuid4().hex}", "wrong") for _ in range(ADDRESS_FAILURES_MAX))
    )
    assert (await afar.sign_in(login))["code"] == "TOO_MANY_ATTEMPTS"
    assert (await chain.asking.sign_in(login))["accessToken"]
    assert stranger.token


async def test_one_login_closed_leaves_the_others_open(
    chain: Chain, stranger: Chain, afar: Asking
) -> None:
    await fail(afar, chain.founded.owner.login)
    assert (await afar.sign_in(stranger.founded.owner.login))["accessToken"]


async def test_right_passwords_do_not_count(chain: Chain, afar: Asking) -> None:
    login = chain.founded.owner.login
    await fail(afar, login, LOGIN_FAILURES_MAX - 1)
    answers = await asyncio.gather(*(afar.sign_in(login) for _ in range(10)))
    assert all("accessToken" in answer for answer in answers)
    await fail(afar, login, 1)
    assert (await afar.sign_in(login))["code"] == "TOO_MANY_ATTEMPTS"


@pytest.mark.parametrize("source", ["sign-in", "refresh"])
async def test_a_known_device_is_not_locked_out(
    chain: Chain, afar: Asking, elsewhere: Asking, source: str
) -> None:
    person, signed = await chain.hired()
    if source == "refresh":
        signed = await elsewhere(
            REFRESH.replace("expiresAt", "expiresAt deviceToken"), shown=signed["refreshToken"]
        )
    await fail(afar, person["login"])
    await asyncio.gather(
        *(afar.sign_in(f"unknown{uuid4().hex}", "wrong") for _ in range(ADDRESS_FAILURES_MAX))
    )
    assert (await afar.sign_in(person["login"]))["code"] == "TOO_MANY_ATTEMPTS"
    device = signed["deviceToken"]
    for where in (afar, elsewhere):
        assert (await where.sign_in(person["login"], device=device))["accessToken"]
    # Its own wrong passwords count.
    await fail(afar, person["login"], DEVICE_FAILURES_MAX, device=device)
    refused = await elsewhere.sign_in(person["login"], device=device)
    assert refused["code"] == "TOO_MANY_ATTEMPTS"


async def test_device_tokens_that_prove_nothing(chain: Chain, afar: Asking) -> None:
    person, _ = await chain.hired()
    other, theirs = await chain.hired()
    await fail(afar, person["login"])
    tenant, staff, session, seal = theirs["deviceToken"].split(".")
    forged = ".".join((tenant, UUID(person["id"]).hex, session, seal))
    for token in (theirs["deviceToken"], forged, theirs["refreshToken"], "", "x" * 10_000):
        refused = await afar.sign_in(person["login"], device=token)
        assert refused["code"] == "TOO_MANY_ATTEMPTS"
    assert await chain.asking.code(VIEWER, theirs["deviceToken"]) == "UNAUTHENTICATED"
    assert UUID(staff) == UUID(other["id"])


async def test_failures_are_forgotten_after_a_while(afar: Asking, urls: Urls) -> None:
    login = f"unknown{uuid4().hex}"
    async with Redis.from_url(urls.redis) as valkey:
        before = set(await valkey.keys(f"{PREFIX}*"))
        await fail(afar, login)
        counted = set(await valkey.keys(f"{PREFIX}*")) - before
        # One of the login, one of the address; others run at the same time.
        assert len(counted) >= 2
        assert all([0 < await valkey.ttl(name) <= WINDOW_SECONDS for name in counted])
        await asyncio.gather(*(valkey.pexpire(name, 1) for name in counted))

        async def forgotten() -> bool:
            return not await valkey.exists(*counted)

        await eventually(forgotten)
    await fail(afar, login)


async def test_without_valkey_each_process_counts() -> None:
    attempts = Attempts(Counters("redis://127.0.0.1:1"))

    async def attempt() -> object:
        try:
            async with attempts.of_stranger("boss", "", "1.1.1.1"):
                raise Refused(SignInFailed())
        except Refused as refused:
            return refused.refusal

    answers = [await attempt() for _ in range(LOGIN_FAILURES_MAX + 1)]
    assert answers[:-1] == [SignInFailed()] * LOGIN_FAILURES_MAX
    assert isinstance(answers[-1], TooManyAttempts)


async def test_a_flood_leaves_turns_to_others(chain: Chain, afar: Asking) -> None:
    async with asyncio.TaskGroup() as group:
        flood = [
            group.create_task(afar.sign_in(f"unknown{uuid4().hex}", "wrong"))
            for _ in range(2 * WAITING_PER_KEY)
        ]
        await eventually(lambda: asyncio.sleep(0, any(each.done() for each in flood)))
        signed = await chain.asking.sign_in(chain.founded.owner.login)
        assert signed["accessToken"]
        assert not all(each.done() for each in flood)


async def test_turns_go_round_among_keys() -> None:
    queue = FairQueue(per_key=3, most=5)
    served: list[str] = []

    async def ask(key: str) -> None:
        async with queue.turn(key[0]):
            served.append(key)
            await asyncio.sleep(0)

    held = queue.turn("a")
    await held.__aenter__()
    waiting = [asyncio.create_task(ask(key)) for key in ("a1", "a2", "a3", "b1", "c1")]
    await asyncio.sleep(0)
    for key in ("a4", "d1"):
        with pytest.raises(QueueFull):
            await ask(key)
    waiting[1].cancel()
    await held.__aexit__(None, None, None)
    await asyncio.gather(*waiting, return_exceptions=True)
    assert served == ["a1", "b1", "c1", "a3"]
    # Nothing is left behind.
    await ask("d1")


async def test_a_turn_that_was_cancelled_when_it_came_goes_on() -> None:
    queue = FairQueue(per_key=3, most=5)
    held = queue.turn("a")
    await held.__aenter__()

    async def take() -> None:
        async with queue.turn("b"):
            pass

    waiting = asyncio.create_task(take())
    await asyncio.sleep(0)
    await held.__aexit__(None, None, None)
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    async with asyncio.timeout(1), queue.turn("c"):
        pass


async def shared(chain: Chain, stranger: Chain) -> str:
    """A login that accounts of both chains have, first in `chain`, each with its password."""
    login = f"staff{uuid4().hex}"
    for each, password in ((chain, PASSWORD), (stranger, OTHER)):
        person = each.person(login=login, password=password)
        assert (await each.do(INVITE, **person))["login"] == login
    return login


async def test_chains_may_use_one_login(chain: Chain, stranger: Chain, afar: Asking) -> None:
    login = await shared(chain, stranger)
    for each, password, wrong in ((chain, PASSWORD, OTHER), (stranger, OTHER, PASSWORD)):
        tenant = each.founded.tenant
        for code in (None, tenant.code, tenant.code.upper()):
            signed = await afar.sign_in(login.upper(), password, tenant=code)
            viewer = await afar(VIEWER, signed["accessToken"])
            assert viewer["tenant"]["name"] == tenant.name
        refused = await afar.sign_in(login, wrong, tenant=tenant.code)
        assert refused["code"] == "SIGN_IN_FAILED"
    # The chain that has the login already is the only one that learns it.
    assert (await chain.do(INVITE, **chain.person(login=login)))["code"] == "ALREADY_TAKEN"


async def test_a_code_of_no_chain_looks_like_a_wrong_password(chain: Chain, afar: Asking) -> None:
    login = chain.founded.owner.login
    answers = [
        await afar.sign_in(login, password, tenant=code)
        for password, code in (
            ("wrong", chain.founded.tenant.code),
            (PASSWORD, uuid4().hex),
            (PASSWORD, "不存在"),
        )
    ]
    assert answers[0]["code"] == "SIGN_IN_FAILED"
    assert answers[0] == answers[1] == answers[2]


async def test_a_shared_login_gives_no_free_guesses(
    chain: Chain, stranger: Chain, afar: Asking
) -> None:
    """`stranger` takes a login of `chain` and signs in with one guess after the other."""
    login = await shared(chain, stranger)
    for _ in range(2 * LOGIN_FAILURES_MAX):
        assert (await afar.sign_in(login, OTHER))["accessToken"]
    # What the guesser sees does not change. The account of `chain` is closed to guesses.
    assert (await afar.sign_in(login, OTHER))["accessToken"]
    assert (await afar.sign_in(login, PASSWORD))["code"] == "SIGN_IN_FAILED"
    code = chain.founded.tenant.code
    assert (await afar.sign_in(login, PASSWORD, tenant=code))["accessToken"]
