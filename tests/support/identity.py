"""The language of identity tests: a chain of one store, and what is asked of it over HTTP."""

import asyncio
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

import httpx2

from app.db.core.unit import Database
from app.domain.people.stores import Founded, create_tenant

PASSWORD = "correct horse"

SIGN_IN = """
mutation($login: String!, $password: String!, $tenant: String, $device: String) {
  signIn(
    input: {login: $login, password: $password, tenant: $tenant, deviceToken: $device}
  ) {
    ... on SignedIn { accessToken refreshToken expiresAt deviceToken }
    ... on Problem { code message }
    ... on TooManyAttempts { retryAfter }
  }
}
"""
REFRESH = """
mutation($shown: String!) {
  refreshSession(input: {refreshToken: $shown}) {
    ... on SignedIn { accessToken refreshToken expiresAt }
    ... on Problem { code message }
  }
}
"""
VIEWER = "{ viewer { name role tenant { name } stores { id code name } permissions } }"
INVITE = """
mutation($input: InviteStaffInput!) { inviteStaff(input: $input) {
  ... on Staff { id login name role stores { code } removedAt }
  ... on Problem { code message }
} }
"""
SET_ROLE = """
mutation($input: SetStaffRoleInput!) { setStaffRole(input: $input) {
  ... on Staff { id role stores { code } }
  ... on WrongState { wrong: reason }
  ... on Problem { code message }
} }
"""
REMOVE = """
mutation($input: RemoveStaffInput!) { removeStaff(input: $input) {
  ... on Staff { id login removedAt }
  ... on WrongState { wrong: reason }
  ... on Problem { code message }
} }
"""
CREATE_KEY = """
mutation($input: CreateApiKeyInput!) { createApiKey(input: $input) {
  ... on NewApiKey { secret apiKey { id name scopes createdBy { name } revokedAt } }
  ... on Problem { code message }
} }
"""
REVOKE_KEY = """
mutation($input: RevokeApiKeyInput!) { revokeApiKey(input: $input) {
  ... on ApiKey { id revokedAt }
  ... on Problem { code message }
} }
"""
REVOKE_SESSION = """
mutation($input: RevokeSessionInput!) { revokeSession(input: $input) {
  ... on Session { id endedAt } ... on Problem { code message }
} }
"""
# A store and a problem each have a `code`, of different types: one of them takes an alias.
STORE = (
    "... on Store { id storeCode: code name timezone fewThreshold } ... on Problem { code message }"
)
CREATE_STORE = f"""
mutation($input: CreateStoreInput!) {{ createStore(input: $input) {{ {STORE} }} }}
"""
UPDATE_STORE = f"""
mutation($input: UpdateStoreInput!) {{ updateStore(input: $input) {{ {STORE} }} }}
"""


async def eventually(holds: Callable[[], Awaitable[object]], seconds: float = 5) -> None:
    """Goes on as soon as it holds; fails when it does not in time."""
    deadline = time.monotonic() + seconds
    while not await holds():
        assert time.monotonic() < deadline, "it never came true"
        await asyncio.sleep(0)


@dataclass(frozen=True)
class Asking:
    """A client of one server process."""

    http: httpx2.AsyncClient

    async def raw(self, text: str, token: str | None = None, **variables: Any) -> dict[str, Any]:
        """The whole answer; it is never a server error."""
        headers = {} if token is None else {"authorization": f"Bearer {token}"}
        response = await self.http.post(
            "/graphql", json={"query": text, "variables": variables}, headers=headers
        )
        assert response.status_code == 200, (response.status_code, response.text)
        return response.json()

    async def __call__(self, text: str, token: str | None = None, **variables: Any) -> Any:
        """The only root field of the answer, which has no errors."""
        answer = await self.raw(text, token, **variables)
        assert "errors" not in answer, answer
        (value,) = answer["data"].values()
        return value

    async def code(self, text: str, token: str | None = None, **variables: Any) -> str:
        """The code of the only error."""
        answer = await self.raw(text, token, **variables)
        assert "errors" in answer, answer
        (error,) = answer["errors"]
        return error["extensions"]["code"]

    async def sign_in(self, login: str, password: str = PASSWORD, **more: Any) -> dict[str, Any]:
        """The answer of `signIn`; `more` may be the chain's code (tenant) and a device's token."""
        return await self(SIGN_IN, login=login, password=password, **more)


@asynccontextmanager
async def from_own_address(asking: Asking) -> AsyncIterator[Asking]:
    """A client of the same server with an address that no other client has."""
    address = f"127.{random.randint(1, 255)}.{random.randint(1, 255)}.{random.randint(1, 254)}"
    transport = httpx2.AsyncHTTPTransport(local_address=address)
    url = asking.http.base_url
    async with httpx2.AsyncClient(base_url=url, transport=transport, timeout=60) as http:
        yield Asking(http)


@dataclass(frozen=True)
class Chain:
    """A tenant whose owner is signed in."""

    founded: Founded
    token: str
    asking: Asking

    @property
    def store(self) -> UUID:
        return self.founded.store.id

    async def do(self, text: str, key: UUID | None = None, **input: Any) -> Any:
        """A mutation of the owner, with a new key unless one is given."""
        return await self.asking(text, self.token, input={"key": str(key or uuid4()), **input})

    async def bad(self, text: str, **input: Any) -> str:
        return await self.asking.code(text, self.token, input={"key": str(uuid4()), **input})

    def person(self, **more: Any) -> dict[str, Any]:
        """The input that invites a cashier of the store."""
        return {
            "login": f"c{uuid4().hex}",
            "name": "小李",
            "password": PASSWORD,
            "role": "CASHIER",
            "storeIds": [str(self.store)],
            **more,
        }

    async def hired(self, **more: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        """A new person, and their tokens."""
        person = await self.do(INVITE, **self.person(**more))
        return person, await self.asking.sign_in(person["login"])


async def a_chain(db: Database, asking: Asking) -> Chain:
    name = uuid4().hex
    founded = await create_tenant(db, f"商户{name}", name, PASSWORD, name, "南山店")
    return Chain(founded, (await asking.sign_in(name))["accessToken"], asking)
