"""The audit log over HTTP: what leaves a record, who reads it, and that it never changes."""

import asyncio
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest

from app.run.embedded import Urls
from tests.support.api import Desk
from tests.support.identity import (
    CREATE_KEY,
    CREATE_STORE,
    INVITE,
    REMOVE,
    REVOKE_KEY,
    SET_ROLE,
    UPDATE_STORE,
    Chain,
)

LOG = """
query($stores: [UUID!], $act: AuditAct, $since: DateTime, $until: DateTime, $first: Int,
      $after: String) {
  auditLog(storeIds: $stores, act: $act, since: $since, until: $until, first: $first,
           after: $after) {
    nodes { id act at role subject subjectId address actor { name } store { id }
            details { name values } }
    pageInfo { hasNextPage endCursor }
  }
}
"""


async def log(chain: Chain, token: str | None = None, **chosen: Any) -> list[dict[str, Any]]:
    return (await chain.asking(LOG, token or chain.token, **chosen))["nodes"]


async def newest(chain: Chain) -> dict[str, Any]:
    """The newest record of the chain's log."""
    return (await log(chain, first=1))[0]


def details(record: dict[str, Any]) -> dict[str, list[str]]:
    return {detail["name"]: detail["values"] for detail in record["details"]}


async def test_changes_of_staff_keys_and_stores_leave_records(chain: Chain) -> None:
    store = str(chain.store)
    person = await chain.do(INVITE, **chain.person())
    record = await newest(chain)
    assert (record["act"], record["subject"]) == ("INVITE_STAFF", "STAFF")
    assert (record["subjectId"], record["store"]) == (person["id"], None)
    assert record["actor"]["name"] == chain.founded.owner.name
    assert (record["role"], record["address"]) == ("OWNER", "127.0.0.1")
    assert details(record) == {"role": ["CASHIER"], "stores": [store]}

    await chain.do(SET_ROLE, staffId=person["id"], role="MANAGER", storeIds=[])
    changed = {"role": ["MANAGER"], "roleBefore": ["CASHIER"], "stores": []}
    assert details(await newest(chain)) == changed
    await chain.do(REMOVE, staffId=person["id"])
    assert (await newest(chain))["act"] == "REMOVE_STAFF"

    answer = await chain.do(CREATE_KEY, name="ERP", scopes=["STOCK_READ"])
    assert details(await newest(chain)) == {"scopes": ["stock:read"]}
    for _ in range(2):
        await chain.do(REVOKE_KEY, apiKeyId=answer["apiKey"]["id"])
    await chain.do(UPDATE_STORE, storeId=store, name="新店", fewThreshold=3)
    record = await newest(chain)
    assert (record["store"], details(record)) == (
        {"id": store},
        {"settings": ["name", "fewThreshold"]},
    )
    opened = await chain.do(CREATE_STORE, code=uuid4().hex, name="福田店")
    assert [each["act"] for each in await log(chain)] == [
        "CREATE_STORE",
        "UPDATE_STORE",
        "REVOKE_API_KEY",
        "CREATE_API_KEY",
        "REMOVE_STAFF",
        "SET_STAFF_ROLE",
        "INVITE_STAFF",
    ]
    assert (await newest(chain))["subjectId"] == opened["id"]


async def test_adjustments_reversals_and_decisions_leave_records(fresh: Desk) -> None:
    chain = fresh.chain
    received = await fresh.receive("米", 10)
    await fresh.do("reverse", movementId=received["id"])
    record = await newest(chain)
    assert (record["act"], record["subjectId"]) == ("REVERSE", received["id"])
    assert (record["store"], details(record)) == ({"id": fresh.store}, {"kind": ["RECEIPT"]})
    gained = await fresh.post("adjust", ("米", 4), kind="GAIN")
    record = await newest(chain)
    assert (record["act"], record["subjectId"]) == ("ADJUST", gained["id"])

    await fresh.do("setWriteOffLimit", role="MANAGER", amount="5")
    limit = await newest(chain)
    assert (limit["act"], limit["subject"]) == ("SET_WRITE_OFF_LIMIT", "CHAIN")
    assert details(limit) == {"role": ["MANAGER"], "amount": ["50000"]}
    for name, act in (
        ("approveWriteOff", "APPROVE_WRITE_OFF"),
        ("rejectWriteOff", "REJECT_WRITE_OFF"),
    ):
        line = await fresh.line("米", 1)
        request = {"storeId": fresh.store, "reason": "破损", "lines": [line]}
        row = await fresh.do("requestWriteOff", by=fresh.cashier, **request)
        await fresh.do(name, writeOffId=row["id"])
        record = await newest(chain)
        assert (record["act"], record["subjectId"]) == (act, row["id"])


async def test_one_key_leaves_one_record_and_a_refusal_none(fresh: Desk) -> None:
    chain = fresh.chain
    person, key = chain.person(), uuid4()
    await asyncio.gather(*(chain.do(INVITE, key, **person) for _ in range(5)))
    assert (await chain.do(INVITE, **person))["code"] == "ALREADY_TAKEN"
    assert len([each for each in await log(chain) if each["act"] == "INVITE_STAFF"]) == 3
    line = await fresh.line("米", 4)
    refused = await fresh.do("adjust", storeId=fresh.store, kind="LOSS", lines=[line])
    assert refused["code"] == "OUT_OF_STOCK"
    key = str(uuid4())
    request = {"key": key, "storeId": fresh.store, "kind": "GAIN", "lines": [line]}
    await asyncio.gather(*(fresh.do("adjust", **request) for _ in range(5)))
    assert len(await log(chain, act="ADJUST")) == 1


async def test_each_role_reads_its_part(chain: Chain) -> None:
    other = await chain.do(CREATE_STORE, code=uuid4().hex, name="福田店")
    for store in (str(chain.store), other["id"]):
        await chain.do(UPDATE_STORE, storeId=store, name="新店")
    _, manager = await chain.hired(role="MANAGER")
    _, buyer = await chain.hired(role="PURCHASER", storeIds=[])
    _, cashier = await chain.hired()

    async def stores(token: str, **chosen: Any) -> set[str | None]:
        read = await log(chain, token, **chosen)
        return {each["store"] and each["store"]["id"] for each in read}

    assert await stores(manager["accessToken"]) == {str(chain.store)}
    assert await stores(manager["accessToken"], stores=[other["id"]]) == set()
    assert await stores(buyer["accessToken"]) == {str(chain.store), other["id"]}
    assert await stores(chain.token) == {None, str(chain.store), other["id"]}
    assert await stores(chain.token, stores=[other["id"]]) == {other["id"]}
    assert await chain.asking.code(LOG, cashier["accessToken"]) == "FORBIDDEN"
    assert await chain.asking.code(LOG) == "UNAUTHENTICATED"


async def test_tenants_read_their_own_log(chain: Chain, stranger: Chain) -> None:
    await stranger.do(UPDATE_STORE, storeId=str(stranger.store), name="x")
    assert await log(chain) == []
    assert await log(chain, stores=[str(stranger.store)]) == []


async def test_the_log_in_pages_and_periods(chain: Chain) -> None:
    for name in "abcd":
        await chain.do(UPDATE_STORE, storeId=str(chain.store), name=name)
    every = await log(chain)
    page = await chain.asking(LOG, chain.token, first=3)
    rest = await log(chain, after=page["pageInfo"]["endCursor"])
    assert [*page["nodes"], *rest] == every
    assert await log(chain, since=every[1]["at"]) == every[:2]
    assert await log(chain, until=every[1]["at"]) == every[2:]
    assert await log(chain, act="REVERSE") == []


@pytest.mark.parametrize(
    "sql", ["update audit_log set role = 'CASHIER'", "delete from audit_log", "truncate audit_log"]
)
async def test_a_record_never_changes(chain: Chain, urls: Urls, sql: str) -> None:
    await chain.do(UPDATE_STORE, storeId=str(chain.store), name="x")
    connection = await asyncpg.connect(urls.owner)
    try:
        with pytest.raises(asyncpg.RaiseError):
            await connection.execute(sql)
        await connection.execute("set role kucun_app")
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.execute(sql)
    finally:
        await connection.close()


async def test_an_act_that_fails_to_be_recorded_does_not_happen(chain: Chain, urls: Urls) -> None:
    person, _ = await chain.hired()
    name = f"no_{UUID(person['id']).hex}"
    connection = await asyncpg.connect(urls.owner)
    try:
        check = f"check (subject_id <> '{person['id']}') not valid"
        await connection.execute(f"alter table audit_log add constraint {name} {check}")
        assert await chain.bad(REMOVE, staffId=person["id"]) == "INTERNAL"
        await connection.execute(f"alter table audit_log drop constraint {name}")
    finally:
        await connection.close()
    assert (await chain.do(REMOVE, staffId=person["id"]))["removedAt"]
