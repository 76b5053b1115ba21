"""Sign-in, refresh and the end of sessions over HTTP, and how soon they take effect."""

import asyncio
import time
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest

from app.run.embedded import Urls
from tests.support.identity import (
    CREATE_KEY,
    PASSWORD,
    REFRESH,
    REMOVE,
    REVOKE_KEY,
    SET_ROLE,
    SIGN_IN,
    VIEWER,
    Asking,
    Chain,
    eventually,
)

SECOND = 1.0
WAITING = """
select count(*) from pg_stat_activity
where datname = current_database() and wait_event_type = 'Lock'
"""


async def owner_runs(urls: Urls, sql: str, *values: Any) -> Any:
    connection = await asyncpg.connect(urls.owner)
    try:
        return await connection.fetchval(sql, *values)
    finally:
        await connection.close()


async def test_signing_in_tells_who_one_is(chain: Chain) -> None:
    founded = chain.founded
    viewer = await chain.asking(VIEWER, chain.token)
    assert viewer["name"] == founded.owner.name
    assert viewer["role"] == "OWNER"
    assert viewer["tenant"] == {"name": founded.tenant.name}
    assert viewer["stores"] == [
        {"id": str(chain.store), "code": founded.store.code, "name": "南山店"}
    ]
    assert {"MANAGE_STAFF", "SEE_STOCK", "SELL"} < set(viewer["permissions"])


async def test_a_login_has_no_case_and_tokens_an_end(chain: Chain) -> None:
    signed = await chain.asking.sign_in(f"  {chain.founded.owner.login.upper()} ")
    left = datetime.fromisoformat(signed["expiresAt"]).timestamp() - time.time()
    assert 14 * 60 < left <= 15 * 60
    assert await chain.asking(VIEWER, signed["accessToken"])


async def test_no_token_and_a_stale_one(chain: Chain) -> None:
    assert await chain.asking.code(VIEWER) == "UNAUTHENTICATED"
    # A client that still sends its stale token must be able to sign in.
    signed = await chain.asking(
        SIGN_IN, "stale", login=chain.founded.owner.login, password=PASSWORD
    )
    assert signed["accessToken"]


async def test_an_unknown_login_and_a_wrong_password_look_the_same(chain: Chain) -> None:
    person, _ = await chain.hired()
    await chain.do(REMOVE, staffId=person["id"])
    logins = (chain.founded.owner.login, f"unknown{uuid4().hex}", person["login"])
    answers = [await chain.asking.sign_in(login, "wrong password") for login in logins]
    assert answers[0]["code"] == "SIGN_IN_FAILED"
    assert answers[0] == answers[1] == answers[2]
    # The correct password of a removed account fails like a wrong one.
    assert await chain.asking.sign_in(person["login"]) == answers[0]


async def refreshed(chain: Chain, token: str) -> dict[str, Any]:
    return await chain.asking(REFRESH, shown=token)


async def test_refreshing_rotates(chain: Chain) -> None:
    first = await chain.asking.sign_in(chain.founded.owner.login)
    second = await refreshed(chain, first["refreshToken"])
    third = await refreshed(chain, second["refreshToken"])
    seen = {each["refreshToken"] for each in (first, second, third)}
    assert len(seen) == 3
    assert await chain.asking(VIEWER, third["accessToken"])


async def test_a_lost_answer_locks_nobody_out(chain: Chain) -> None:
    first = await chain.asking.sign_in(chain.founded.owner.login)
    lost = await refreshed(chain, first["refreshToken"])
    again = await refreshed(chain, first["refreshToken"])
    assert again["refreshToken"] == lost["refreshToken"]
    assert (await refreshed(chain, again["refreshToken"]))["refreshToken"]


async def test_ten_refreshes_at_once_rotate_once(chain: Chain, elsewhere: Asking) -> None:
    first = await chain.asking.sign_in(chain.founded.owner.login)
    answers = await asyncio.gather(
        *(
            where(REFRESH, shown=first["refreshToken"])
            for where in (chain.asking, elsewhere)
            for _ in range(5)
        )
    )
    (following,) = {answer["refreshToken"] for answer in answers}
    assert following != first["refreshToken"]
    assert (await refreshed(chain, following))["refreshToken"]


async def stolen(chain: Chain, urls: Urls, how: str) -> tuple[dict[str, Any], str]:
    """The owner's newest tokens, and an old refresh token of the same session."""
    first = await chain.asking.sign_in(chain.founded.owner.login)
    newest = await refreshed(chain, first["refreshToken"])
    if how == "two rotations ago":
        newest = await refreshed(chain, newest["refreshToken"])
    else:
        session = UUID(first["refreshToken"].split(".")[1])
        sql = "update sessions set rotated_at = now() - interval '31 seconds' where id = $1"
        await owner_runs(urls, sql, session)
    return newest, first["refreshToken"]


@pytest.mark.parametrize("how", ["two rotations ago", "31 seconds ago"])
async def test_a_token_used_twice_ends_the_session(chain: Chain, urls: Urls, how: str) -> None:
    newest, old = await stolen(chain, urls, how)
    assert await chain.asking(VIEWER, newest["accessToken"])
    assert (await refreshed(chain, old))["code"] == "SESSION_ENDED"
    assert (await refreshed(chain, newest["refreshToken"]))["code"] == "SESSION_ENDED"
    assert await chain.asking.code(VIEWER, newest["accessToken"]) == "UNAUTHENTICATED"
    # Other sessions of the same person continue.
    assert await chain.asking(VIEWER, chain.token)


async def test_refresh_tokens_that_were_never_given(chain: Chain, stranger: Chain) -> None:
    signed = await chain.asking.sign_in(chain.founded.owner.login)
    tenant, session, secret = signed["refreshToken"].split(".")
    other = stranger.founded.tenant.tenant_id.hex
    for token in (
        "",
        "x",
        "\0",
        "." * 3,
        f"{other}.{session}.{secret}",
        f"{tenant}.{uuid4().hex}.{secret}",
        f"{tenant}.{session}.{secret}\n",
        f"{tenant}.{session}.{'é' * 43}",
        "k" * 10_000,
    ):
        assert (await refreshed(chain, token))["code"] == "SESSION_ENDED", token[:50]
    assert (await refreshed(chain, signed["refreshToken"]))["refreshToken"]


async def test_a_session_that_ends_while_its_refresh_waits(chain: Chain, urls: Urls) -> None:
    signed = await chain.asking.sign_in(chain.founded.owner.login)
    session = UUID(signed["refreshToken"].split(".")[1])
    connection = await asyncpg.connect(urls.owner)
    try:
        async with connection.transaction():
            await connection.execute("select from sessions where id = $1 for update", session)
            waiting = asyncio.create_task(refreshed(chain, signed["refreshToken"]))
            await eventually(lambda: connection.fetchval(WAITING))
            await connection.execute("update sessions set ended_at = now() where id = $1", session)
        assert (await waiting)["code"] == "SESSION_ENDED"
    finally:
        await connection.close()


async def test_an_expired_session_cannot_be_refreshed(chain: Chain, urls: Urls) -> None:
    signed = await chain.asking.sign_in(chain.founded.owner.login)
    session = UUID(signed["refreshToken"].split(".")[1])
    await owner_runs(urls, "update sessions set expires_at = now() where id = $1", session)
    assert (await refreshed(chain, signed["refreshToken"]))["code"] == "SESSION_ENDED"


async def test_sessions_that_are_over_do_not_pile_up(chain: Chain, urls: Urls) -> None:
    newest, old = await stolen(chain, urls, "two rotations ago")
    await refreshed(chain, old)
    expired = await chain.asking.sign_in(chain.founded.owner.login)
    session = UUID(expired["refreshToken"].split(".")[1])
    await owner_runs(urls, "update sessions set expires_at = now() where id = $1", session)
    kept = await chain.asking.sign_in(chain.founded.owner.login)
    count = "select count(*) from sessions where tenant_id = $1"
    # The session of the fixture and the new one.
    assert await owner_runs(urls, count, chain.founded.tenant.tenant_id) == 2
    for token in (chain.token, kept["accessToken"]):
        assert await chain.asking(VIEWER, token)
    assert (await refreshed(chain, newest["refreshToken"]))["code"] == "SESSION_ENDED"


async def until_refused(asking: Asking, token: str) -> float:
    """Seconds of constant requests with the token until it is refused."""
    start = time.monotonic()
    while time.monotonic() - start < 3:
        if "errors" in await asking.raw(VIEWER, token):
            return time.monotonic() - start
        await asyncio.sleep(0.01)
    raise AssertionError("it was never refused")


async def test_removal_reaches_another_process(chain: Chain, elsewhere: Asking) -> None:
    person, signed = await chain.hired()
    assert await elsewhere(VIEWER, signed["accessToken"])
    await chain.do(REMOVE, staffId=person["id"])
    assert await until_refused(elsewhere, signed["accessToken"]) < SECOND
    assert await chain.asking.code(VIEWER, signed["accessToken"]) == "UNAUTHENTICATED"
    assert (await refreshed(chain, signed["refreshToken"]))["code"] == "SESSION_ENDED"


async def test_a_session_opened_while_its_person_was_removed(chain: Chain, urls: Urls) -> None:
    person, signed = await chain.hired()
    await chain.do(REMOVE, staffId=person["id"])
    # What a sign-in leaves behind that had checked the password just before.
    sql = "update sessions set ended_at = null where staff_id = $1"
    await owner_runs(urls, sql, UUID(person["id"]))
    assert await chain.asking.code(VIEWER, signed["accessToken"]) == "UNAUTHENTICATED"
    assert (await refreshed(chain, signed["refreshToken"]))["code"] == "SESSION_ENDED"


async def test_a_revoked_key_reaches_another_process(chain: Chain, elsewhere: Asking) -> None:
    answer = await chain.do(CREATE_KEY, name="ERP", scopes=["VIEWER_READ"])
    assert (await elsewhere(VIEWER, answer["secret"]))["role"] == "INTEGRATOR"
    await chain.do(REVOKE_KEY, apiKeyId=answer["apiKey"]["id"])
    assert await until_refused(elsewhere, answer["secret"]) < SECOND
    assert await chain.asking.code(VIEWER, answer["secret"]) == "UNAUTHENTICATED"


async def test_another_role_reaches_another_process(chain: Chain, elsewhere: Asking) -> None:
    person, signed = await chain.hired()
    assert (await elsewhere(VIEWER, signed["accessToken"]))["role"] == "CASHIER"
    await chain.do(SET_ROLE, staffId=person["id"], role="MANAGER", storeIds=[])
    # The change applies at once in the same process, and within a second in others.
    here = await chain.asking(VIEWER, signed["accessToken"])
    assert (here["role"], here["stores"]) == ("MANAGER", [])
    start = time.monotonic()
    while (await elsewhere(VIEWER, signed["accessToken"]))["role"] == "CASHIER":
        await asyncio.sleep(0.01)
        assert time.monotonic() - start < SECOND
