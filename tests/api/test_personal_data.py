"""Personal data: who reads a phone number, and where one is kept."""

from typing import Any
from uuid import uuid4

import pytest

from tests.support.api import Desk, mutation

PHONE = "137 1234 5678"
SHOWN = "137****5678"
ORDER = "query($id: UUID!, $proof: String) { order(id: $id, token: $proof) { contact note } }"
ORDERS = "query { orders { nodes { contact note } } }"


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
    await fresh.receive("米", 10)
    placed = await place(fresh, contact, note=f"请打 {contact}")
    for by in (fresh.owner, fresh.cashier):
        [seen] = (await fresh.ask(ORDERS, by=by))["nodes"]
        assert seen["contact"] == ("张三 " if "张" in contact else "") + SHOWN
        assert SHOWN in seen["note"]
    theirs = await fresh.asking(ORDER, id=placed["id"], proof=placed["token"])
    assert theirs["contact"] == placed["contact"] == contact


async def test_orders_and_passes_are_found_by_an_exact_number_or_name(fresh: Desk) -> None:
    await fresh.receive("米", 10)
    numbered = await place(fresh, f"张三 {PHONE}")
    named = await place(fresh, "张三")
    wanted = "query($contact: String) { orders(contact: $contact) { nodes { id } } }"
    for contact, order in (
        ("+86 13712345678", numbered),
        ("13712345678", numbered),
        ("张三", named),
    ):
        found = (await fresh.ask(wanted, by=fresh.cashier, contact=contact))["nodes"]
        assert found == [{"id": order["id"]}]
    for contact in ("1371234567", "张", "137****5678", "13712345679"):
        assert (await fresh.ask(wanted, contact=contact))["nodes"] == []


async def test_a_number_has_one_limit_in_every_spelling(fresh: Desk) -> None:
    await fresh.receive("米", 10)
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


async def test_movements_keep_no_number(fresh: Desk) -> None:
    await fresh.receive("米", 10)
    sold = await fresh.post("consume", ("米", 1), reason=f"给 {PHONE}", note=f"{PHONE} 来取")
    assert (sold["reason"], sold["note"]) == (f"给 {SHOWN}", f"{SHOWN} 来取")


async def test_messages_echo_no_number(fresh: Desk) -> None:
    [error] = await errors(fresh, f'{{ order(id: "{PHONE}") {{ id }} }}')
    assert SHOWN in error["message"]
    assert "1234" not in error["message"]


async def errors(desk: Desk, query: str) -> list[dict[str, Any]]:
    response = await desk.asking.http.post("/graphql", json={"query": query})
    return response.json()["errors"]
