"""What the gate caches of a token, for how long, and what an open socket learns of changes."""

import asyncio
import dataclasses
import time
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from uuid import UUID, uuid4

import pytest

from app.db.core.snapshot import ReadSession
from app.db.core.unit import Database
from app.domain.access import Role, Viewer
from app.domain.errors import Denied, Refused
from app.domain.people import sessions, sign_in, staff, stores
from app.domain.people.sessions import Gate
from app.domain.people.sign_in import Credentials
from app.run.embedded import Urls
from app.settings import Settings
from tests.conftest import SECRET, unheard
from tests.support.identity import PASSWORD, eventually


class Counting(Database):
    """A database that counts its reads."""

    reads = 0

    @asynccontextmanager
    async def read(self, tenant: UUID | None) -> AsyncGenerator[ReadSession, None]:
        self.reads += 1
        async with super().read(tenant) as session:
            yield session


@pytest.fixture
async def gate(urls: Urls) -> AsyncIterator[Gate]:
    database = Counting(urls.database, unheard)
    yield Gate(database, Settings(secret=SECRET))
    await database.close()


def reads(gate: Gate) -> int:
    assert isinstance(gate.db, Counting)
    return gate.db.reads


async def reads_since(gate: Gate, before: int) -> int:
    return reads(gate) - before


async def an_owner(gate: Gate) -> tuple[str, Viewer]:
    name = uuid4().hex
    await stores.create_tenant(gate.db, name, name, PASSWORD, name, "南山店")
    token = (await sign_in.sign_in(gate, Credentials(name, PASSWORD), "")).access_token
    viewer = await gate.viewer(token)
    assert viewer
    return token, viewer


async def a_cashier(gate: Gate, owner: Viewer) -> tuple[UUID, str, Viewer]:
    login = uuid4().hex
    person = await staff.invite_staff(
        gate, owner, uuid4(), login, "小李", PASSWORD, Role.CASHIER, sorted(owner.stores)
    )
    token = (await sign_in.sign_in(gate, Credentials(login, PASSWORD), "")).access_token
    viewer = await gate.viewer(token)
    assert viewer
    return person.id, token, viewer


async def test_a_hot_token_reads_nothing_and_a_herd_reads_once(gate: Gate) -> None:
    token, viewer = await an_owner(gate)
    before = reads(gate)
    assert [await gate.viewer(token) for _ in range(100)] == [viewer] * 100
    assert reads(gate) == before
    gate.forget(viewer.tenant)
    viewers = await asyncio.gather(*(gate.viewer(token) for _ in range(100)))
    assert viewers == [viewer] * 100
    assert reads(gate) == before + 1


async def test_a_worthless_token_is_remembered_too(gate: Gate) -> None:
    _, owner = await an_owner(gate)
    person, token, _ = await a_cashier(gate, owner)
    await staff.remove_staff(gate, owner, uuid4(), person)
    before = reads(gate)
    for _ in range(20):
        with pytest.raises(Denied):
            await gate.viewer(token)
    assert reads(gate) == before + 1


async def test_who_leaves_does_not_take_the_answer_away(gate: Gate) -> None:
    token, viewer = await an_owner(gate)
    gate.forget(viewer.tenant)
    first, second = (asyncio.create_task(gate.viewer(token)) for _ in range(2))
    await asyncio.sleep(0)
    first.cancel()
    assert await second == viewer


async def test_what_was_being_read_before_a_change_is_not_believed_after_it(gate: Gate) -> None:
    token, viewer = await an_owner(gate)
    gate.forget(viewer.tenant)
    before = reads(gate)
    early = asyncio.create_task(gate.viewer(token))
    await eventually(lambda: reads_since(gate, before))
    gate.forget(viewer.tenant)
    late = await gate.viewer(token)
    assert late == await early == viewer
    assert reads(gate) == before + 2


async def gone(gate: Gate, viewers: set[Viewer]) -> set[Viewer]:
    """Those whose connections are cut."""
    return viewers - (await gate.recheck(viewers)).keys()


async def test_an_access_token_expires_while_it_is_remembered(
    gate: Gate, monkeypatch: pytest.MonkeyPatch
) -> None:
    token, viewer = await an_owner(gate)
    later = time.time() + 15 * 60
    monkeypatch.setattr(sessions.time, "time", lambda: later)
    with pytest.raises(Denied, match="expired"):
        await gate.viewer(token)
    assert await gone(gate, {viewer}) == {viewer}


async def test_open_sockets_learn_of_every_change(gate: Gate) -> None:
    _, owner = await an_owner(gate)
    _, other = await an_owner(gate)
    person, _, cashier = await a_cashier(gate, owner)
    _, _, bystander = await a_cashier(gate, owner)
    key = await staff.create_api_key(gate, owner, uuid4(), "ERP", ["stock:read"])
    program = await gate.viewer(key.secret)
    assert program
    everybody = {owner, other, cashier, bystander, program}
    before = reads(gate)
    assert await gone(gate, everybody) == set()
    assert reads(gate) == before + 2, "one read a tenant"

    await staff.set_staff_role(gate, owner, uuid4(), person, Role.CASHIER, [])
    assert await gone(gate, everybody) == {cashier}
    await staff.revoke_api_key(gate, owner, uuid4(), key.api_key.id)
    assert await gone(gate, everybody) == {cashier, program}
    await staff.remove_staff(gate, owner, uuid4(), bystander.actor)
    assert await gone(gate, everybody) == {cashier, bystander, program}


async def test_only_ended_sessions_are_reported(gate: Gate) -> None:
    _, viewer = await an_owner(gate)
    signed = [await sign_in.sign_in(gate, Credentials(viewer.name, PASSWORD), "") for _ in range(2)]
    ended, kept = [await gate.viewer(each.access_token) for each in signed]
    assert ended
    assert kept
    assert dataclasses.replace(ended, session=kept.session, expires_at=kept.expires_at) == kept
    old = signed[0].refresh_token
    for _ in range(2):
        old = (await sign_in.refresh_session(gate, old)).refresh_token
    with pytest.raises(Refused):
        await sign_in.refresh_session(gate, signed[0].refresh_token)
    assert await gone(gate, {ended, kept, viewer}) == {ended}
