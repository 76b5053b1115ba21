"""Personal data: who reads a phone number, and where one is kept."""

import asyncio
from typing import Any
from uuid import uuid4

import asyncpg
import pytest

from app.run.embedded import Urls
from tests.support.api import Desk, mutation

PHONE = "137 1234 5678"
SHOWN = "137****5678"
ORDER = "query($id: UUID!, $proof: String) { order(id: $id, token: $proof) { contact note } }"
ORDERS = "query { orders { nodes { contact note } } }"


async def stock(desk: Desk, quantity: int) -> None:
    """Rice that guests can order: it has a price."""
    await desk.product("米", price="9")
    await desk.receive("米", quantity)


async def place(desk: Desk, contact: str = PHONE, **more: Any) -> dict[str, Any]:
    """An order of a guest."""
    arguments = {"store": desk.chain.founded.store.code, "channel": "WECHAT", "contact": contact}
    lines = [await desk.line("米", 1)]
    input = {"key": str(uuid4()), "lines": lines, **arguments, **more}
    return await desk.asking(mutation("placeOrder"), input=input)


@pytest.mark.parametrize("contact", [PHONE, "+86 13712345678", "张三 １３７１２３４５６７８"])
async def test_staff_read_a_masked_number_and_the_customer_theirs(
    fresh: Desk, contact: str
) -> None:
    await stock(fresh, 10)
    placed = await place(fresh, contact, note=f"请打 {contact}")
    for by in (fresh.owner, fresh.cashier):
        [seen] = (await fresh.ask(ORDERS, by=by))["nodes"]
        assert seen["contact"] == ("张三 " if "张" in contact else "") + SHOWN
        assert SHOWN in seen["note"]
    theirs = await fresh.asking(ORDER, id=placed["id"], proof=placed["token"])
    assert theirs["contact"] == placed["contact"] == contact


async def test_orders_and_passes_are_found_by_an_exact_number_or_name(fresh: Desk) -> None:
    await stock(fresh, 10)
    numbered = await place(fresh, f"张三 {PHONE}")
    named = await place(fresh, "张三")
    query = "query($contact: String) { orders(contact: $contact) { nodes { id } } }"
    for contact, order in (
        ("+86 13712345678", numbered),
        ("13712345678", numbered),
        ("张三", named),
    ):
        nodes = (await fresh.ask(query, by=fresh.cashier, contact=contact))["nodes"]
        assert nodes == [{"id": order["id"]}]
    for contact in ("1371234567", "张", "137****5678", "13712345679"):
        assert (await fresh.ask(query, contact=contact))["nodes"] == []


async def test_a_number_has_one_limit_in_every_spelling(fresh: Desk) -> None:
    await stock(fresh, 10)
    spellings = [
        PHONE,
        "13712345678",
        "+8613712345678",
        "甲 137-1234-5678",
        "１３７１２３４５６７８",
    ]
    for contact in spellings:
        assert "id" in await place(fresh, contact)
    assert (await place(fresh, "乙 13712345678"))["code"] == "TOO_MANY_ORDERS"


LOG = """
query($act: AuditAct) { auditLog(act: $act) { nodes {
  act subject subjectId store { id } details { name values }
} } }
"""


async def test_an_owner_reveals_a_contact_and_leaves_a_record(fresh: Desk, outsider: Desk) -> None:
    await stock(fresh, 10)
    order, key = await place(fresh, f"张三 {PHONE}"), str(uuid4())
    card = await sell_pass(fresh)
    for _ in range(2):
        assert await fresh.do("revealContact", key=key, orderId=order["id"]) == {
            "contact": f"张三 {PHONE}"
        }
    assert (await fresh.do("revealContact", passId=card))["contact"] == PHONE
    records = (await fresh.ask(LOG, act="REVEAL_CONTACT"))["nodes"]
    assert [each["subject"] for each in records] == ["PASS", "ORDER"]
    assert records[1] == {
        "act": "REVEAL_CONTACT",
        "subject": "ORDER",
        "subjectId": order["id"],
        "store": {"id": fresh.store},
        "details": [],
    }
    reused = await fresh.do("revealContact", key=key, passId=card)
    assert reused["code"] == "KEY_REUSED"
    for unknown in (str(uuid4()), order["id"]):
        refused = await outsider.do("revealContact", orderId=unknown)
        assert refused["code"] == "UNKNOWN_ORDER"
    assert (await outsider.do("revealContact", passId=card))["code"] == "UNKNOWN_PASS"
    for ids in ({}, {"orderId": order["id"], "passId": card}):
        assert await fresh.code("revealContact", **ids) == "BAD_INPUT"
    for name, more in (
        ("revealContact", {"orderId": order["id"]}),
        ("eraseCustomer", {"contact": "x"}),
    ):
        for by in (fresh.manager, fresh.cashier):
            assert await fresh.code(name, by=by, **more) == "FORBIDDEN"
    assert len((await fresh.ask(LOG, act="REVEAL_CONTACT"))["nodes"]) == 2


async def test_a_customer_is_erased_everywhere(fresh: Desk, outsider: Desk) -> None:
    await stock(fresh, 10)
    order, other = await place(fresh, f"张三 {PHONE}", note="不要袋子"), await place(fresh, "李四")
    card = await sell_pass(fresh)
    entries = await fresh.ask(MOVEMENTS)
    assert await outsider.do("eraseCustomer", contact=PHONE) == {"orders": 0, "passes": 0}
    key = str(uuid4())
    both = await asyncio.gather(
        *(fresh.do("eraseCustomer", key=key, contact="+8613712345678") for _ in range(4))
    )
    assert both == [{"orders": 1, "passes": 1}] * 4
    assert await fresh.do("eraseCustomer", contact=PHONE) == {"orders": 0, "passes": 0}
    assert (await fresh.do("revealContact", orderId=order["id"]))["contact"] is None
    theirs = await fresh.asking(ORDER, id=order["id"], proof=order["token"])
    assert theirs == {"contact": None, "note": None}
    assert (await fresh.do("revealContact", orderId=other["id"]))["contact"] == "李四"
    [kept] = (await fresh.ask("{ passes { nodes { id customer state } } }"))["nodes"]
    assert kept == {"id": card, "customer": None, "state": "ACTIVE"}
    assert await fresh.ask(MOVEMENTS) == entries
    records = (await fresh.ask(LOG, act="ERASE_CUSTOMER"))["nodes"]
    assert [details(each) for each in records] == [("0", "0"), ("1", "1")]
    assert PHONE not in str(records)


async def test_an_erased_number_leaves_texts_of_earlier_versions(fresh: Desk, urls: Urls) -> None:
    await stock(fresh, 10)
    order = await place(fresh, "李四", note="x")
    lines = [await fresh.line("米", 1)]
    request = {"storeId": fresh.store, "reason": "破损", "lines": lines}
    loss = await fresh.do("requestWriteOff", by=fresh.cashier, **request)
    stored = "UPDATE {} SET {} = $1 WHERE id = $2::uuid"
    owner = await asyncpg.connect(urls.owner)
    try:
        for table, column, id in (
            ("orders", "note", order["id"]),
            ("write_offs", "reason", loss["id"]),
        ):
            await owner.execute(stored.format(table, column), "请打 １３７-1234-5678 ！", id)
        await fresh.do("eraseCustomer", contact=PHONE)
        assert await owner.fetch("SELECT note FROM orders WHERE id = $1", order["id"]) == [(None,)]
        assert await owner.fetch("SELECT reason FROM write_offs WHERE id = $1", loss["id"]) == [
            ("已删除",)
        ]
    finally:
        await owner.close()
    assert (await fresh.do("revealContact", orderId=order["id"]))["contact"] == "李四"


MOVEMENTS = "{ movements { nodes { id kind reason note lines { quantity onHandAfter } } } }"


def details(record: dict[str, Any]) -> tuple[str, ...]:
    values = {each["name"]: each["values"] for each in record["details"]}
    return values["orders"][0], values["passes"][0]


async def sell_pass(desk: Desk) -> str:
    """The id of a pass whose customer is PHONE."""
    product = await desk.product("卡", kind="SERVICE", unit="次")
    arguments = {"storeId": desk.store, "productId": product, "customer": PHONE, "uses": 1}
    return (await desk.do("sellPass", by=desk.manager, **arguments))["id"]


async def test_movements_keep_no_number(fresh: Desk) -> None:
    await stock(fresh, 10)
    sold = await fresh.post("consume", ("米", 1), reason=f"给 {PHONE}", note=f"{PHONE} 来取")
    assert (sold["reason"], sold["note"]) == (f"给 {SHOWN}", f"{SHOWN} 来取")


async def test_messages_echo_no_number(fresh: Desk) -> None:
    [error] = await errors(fresh, f'{{ order(id: "{PHONE}") {{ id }} }}')
    assert SHOWN in error["message"]
    assert "1234" not in error["message"]


async def errors(desk: Desk, query: str) -> list[dict[str, Any]]:
    response = await desk.asking.http.post("/graphql", json={"query": query})
    return response.json()["errors"]
