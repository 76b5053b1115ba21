"""Sessions over HTTP: listed, ended, and bounded in time; passwords changed and reset."""

import asyncio
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from app.domain.people.sign_in import SESSION_LASTS_AT_MOST
from app.run.embedded import Urls
from tests.api.test_audit_log import newest
from tests.api.test_sessions import owner_runs, refreshed
from tests.support.identity import (
    PASSWORD,
    REMOVE,
    REVOKE_SESSION,
    VIEWER,
    Asking,
    Chain,
)

SESSION = "id deviceName createdAt lastUsedAt expiresAt endedAt current staff { name }"
SESSIONS = f"""
query($staff: UUID, $first: Int, $after: String) {{
  sessions(staffId: $staff, first: $first, after: $after) {{ nodes {{ {SESSION} }} }}
}}
"""
NAMED = """
mutation($login: String!, $password: String!, $device: String) {
  signIn(input: {login: $login, password: $password, deviceName: $device}) {
    ... on SignedIn { accessToken }
  }
}
"""
SIGN_OUT = "mutation { signOut { ... on Session { id endedAt } ... on Problem { code } } }"
CHANGE = """
mutation($input: ChangePasswordInput!) { changePassword(input: $input) {
  ... on Staff { id login } ... on Problem { code message path }
} }
"""
RESET = """
mutation($input: ResetStaffPasswordInput!) { resetStaffPassword(input: $input) {
  ... on Staff { id login } ... on WrongState { wrong: reason } ... on Problem { code message }
} }
"""
OTHER = "battery staple"


async def listed(chain: Chain, token: str, **chosen: Any) -> list[dict[str, Any]]:
    return (await chain.asking(SESSIONS, token, **chosen))["nodes"]


async def act(chain: Chain, text: str, token: str, key: UUID | None = None, **input: Any) -> Any:
    return await chain.asking(text, token, input={"key": str(key or uuid4()), **input})


async def works(chain: Chain, token: str) -> bool:
    return "errors" not in await chain.asking.raw(VIEWER, token)


async def test_sessions_name_their_devices(chain: Chain) -> None:
    person, first = await chain.hired()
    login = {"login": person["login"], "password": PASSWORD}
    second = await chain.asking(NAMED, **login, device=" 收银台 1 ")
    newest_one, oldest = await listed(chain, second["accessToken"])
    assert (newest_one["deviceName"], newest_one["current"]) == ("收银台 1", True)
    assert (oldest["deviceName"], oldest["current"]) == (None, False)
    assert newest_one["staff"] == {"name": "小李"}
    assert oldest["lastUsedAt"] == oldest["createdAt"]
    await refreshed(chain, first["refreshToken"])
    oldest = (await listed(chain, second["accessToken"]))[1]
    assert oldest["lastUsedAt"] > oldest["createdAt"]
    assert await chain.asking.code(NAMED, **login, device="x" * 101) == "BAD_INPUT"


async def test_owners_list_and_end_sessions_of_staff(chain: Chain, stranger: Chain) -> None:
    person, cashier = await chain.hired()
    _, buyer = await chain.hired(role="PURCHASER", storeIds=[])
    [session] = await listed(chain, chain.token, staff=person["id"])
    assert await chain.asking.code(SESSIONS, buyer["accessToken"], staff=person["id"]) == (
        "FORBIDDEN"
    )
    assert await listed(stranger, stranger.token, staff=person["id"]) == []
    for token in (buyer["accessToken"], stranger.token):
        refused = await act(chain, REVOKE_SESSION, token, sessionId=session["id"])
        assert refused["code"] == "UNKNOWN_SESSION"
    assert await works(chain, cashier["accessToken"])
    key = uuid4()
    ended = await act(chain, REVOKE_SESSION, chain.token, key, sessionId=session["id"])
    assert ended["endedAt"]
    assert await act(chain, REVOKE_SESSION, chain.token, key, sessionId=session["id"]) == ended
    assert not await works(chain, cashier["accessToken"])
    assert (await refreshed(chain, cashier["refreshToken"]))["code"] == "SESSION_ENDED"
    again = await act(chain, REVOKE_SESSION, chain.token, sessionId=session["id"])
    assert again["code"] == "UNKNOWN_SESSION"
    record = await newest(chain)
    assert (record["act"], record["subjectId"]) == ("REVOKE_SESSION", session["id"])
    assert await works(chain, buyer["accessToken"])


async def test_signing_out_ends_one_session(chain: Chain) -> None:
    person, first = await chain.hired()
    second = await chain.asking.sign_in(person["login"])
    ended = await chain.asking(SIGN_OUT, first["accessToken"])
    assert ended["endedAt"]
    assert await chain.asking.code(SIGN_OUT, first["accessToken"]) == "UNAUTHENTICATED"
    assert (await refreshed(chain, first["refreshToken"]))["code"] == "SESSION_ENDED"
    assert await works(chain, second["accessToken"])


async def test_a_refresh_and_an_end_at_the_same_time(chain: Chain, elsewhere: Asking) -> None:
    for _ in range(5):
        person, signed = await chain.hired()
        [session] = await listed(chain, signed["accessToken"])
        renewed, ended = await asyncio.gather(
            refreshed(chain, signed["refreshToken"]),
            act(chain, REVOKE_SESSION, chain.token, sessionId=session["id"]),
        )
        assert ended["endedAt"], person
        # Whichever came first, nothing of the session is left.
        last = renewed.get("refreshToken", signed["refreshToken"])
        assert (await refreshed(chain, last))["code"] == "SESSION_ENDED"
        assert not await works(chain, renewed.get("accessToken", signed["accessToken"]))


async def test_a_session_lasts_90_days_whatever_is_refreshed(chain: Chain, urls: Urls) -> None:
    signed = await chain.asking.sign_in(chain.founded.owner.login)
    session = UUID(signed["refreshToken"].split(".")[1])
    age = SESSION_LASTS_AT_MOST - timedelta(minutes=1)
    sql = "update sessions set created_at = now() - $2::interval where id = $1"
    await owner_runs(urls, sql, session, age)
    renewed = await refreshed(chain, signed["refreshToken"])
    [shown] = [each for each in await listed(chain, renewed["accessToken"]) if each["current"]]
    created, expires = (datetime.fromisoformat(shown[name]) for name in ("createdAt", "expiresAt"))
    assert expires - created == SESSION_LASTS_AT_MOST


async def test_changing_a_password_ends_the_other_sessions(chain: Chain) -> None:
    person, here = await chain.hired()
    there = await chain.asking.sign_in(person["login"])
    passwords = {"oldPassword": PASSWORD, "newPassword": OTHER}
    key = uuid4()
    changed = await act(chain, CHANGE, here["accessToken"], key, **passwords)
    assert changed["login"] == person["login"]
    assert await act(chain, CHANGE, here["accessToken"], key, **passwords) == changed
    assert await works(chain, here["accessToken"])
    assert (await refreshed(chain, here["refreshToken"]))["refreshToken"]
    assert not await works(chain, there["accessToken"])
    assert (await refreshed(chain, there["refreshToken"]))["code"] == "SESSION_ENDED"
    assert (await chain.asking.sign_in(person["login"]))["code"] == "SIGN_IN_FAILED"
    assert (await chain.asking.sign_in(person["login"], OTHER))["accessToken"]
    record = await newest(chain)
    assert (record["act"], record["subjectId"]) == ("CHANGE_PASSWORD", person["id"])
    assert record["details"] == []


async def test_the_old_password_is_needed_and_cannot_be_guessed(chain: Chain) -> None:
    _, signed = await chain.hired()
    token = signed["accessToken"]
    answers = await asyncio.gather(
        *(act(chain, CHANGE, token, oldPassword="wrong", newPassword=OTHER) for _ in range(8))
    )
    codes = sorted(answer["code"] for answer in answers)
    assert codes == ["TOO_MANY_ATTEMPTS"] * 3 + ["WRONG_PASSWORD"] * 5
    [path] = {str(each["path"]) for each in answers if each["code"] == "WRONG_PASSWORD"}
    assert path == "['input', 'oldPassword']"


async def test_two_changes_of_a_password_at_the_same_time(chain: Chain) -> None:
    person, signed = await chain.hired()
    token = signed["accessToken"]
    answers = await asyncio.gather(
        *(
            act(chain, CHANGE, token, oldPassword=PASSWORD, newPassword=new)
            for new in (OTHER, "paper clip moon")
        )
    )
    assert sorted(answer.get("code", "") for answer in answers) == ["", "WRONG_PASSWORD"]
    new = OTHER if "login" in answers[0] else "paper clip moon"
    assert (await chain.asking.sign_in(person["login"], new))["accessToken"]


async def test_an_owner_resets_a_password(chain: Chain, stranger: Chain) -> None:
    person, signed = await chain.hired()
    reset = {"staffId": person["id"], "password": OTHER}
    _, buyer = await chain.hired(role="PURCHASER", storeIds=[])
    for token in (signed["accessToken"], buyer["accessToken"]):
        input = {"key": str(uuid4()), **reset}
        assert await chain.asking.code(RESET, token, input=input) == "FORBIDDEN"
    assert (await stranger.do(RESET, **reset))["code"] == "UNKNOWN_STAFF"
    assert (await chain.do(RESET, **reset))["login"] == person["login"]
    assert not await works(chain, signed["accessToken"])
    assert (await chain.asking.sign_in(person["login"], OTHER))["accessToken"]
    record = await newest(chain)
    assert (record["act"], record["subjectId"]) == ("RESET_PASSWORD", person["id"])
    own = await chain.do(RESET, staffId=str(chain.founded.owner.id), password=OTHER)
    assert (own["code"], own["wrong"]) == ("WRONG_STATE", "SELF")
    await chain.do(REMOVE, staffId=person["id"])
    assert (await chain.do(RESET, **reset))["code"] == "UNKNOWN_STAFF"


WEAK = [
    "short",
    "1234567890",
    "password123",
    "qwertyuiop",
    "aaaaaaaaaa",
    "woaini1314",
    "小李小李小李小李小李",
]


@pytest.mark.parametrize("password", [*WEAK, "x" * 129])
async def test_weak_passwords(chain: Chain, password: str) -> None:
    person, signed = await chain.hired()
    passwords = {"oldPassword": PASSWORD, "newPassword": password}
    input = {"key": str(uuid4()), **passwords}
    code = await chain.asking.code(CHANGE, signed["accessToken"], input=input)
    assert code == "BAD_INPUT"
    assert await chain.bad(RESET, staffId=person["id"], password=password) == "BAD_INPUT"
    assert (await chain.asking.sign_in(person["login"]))["accessToken"]
