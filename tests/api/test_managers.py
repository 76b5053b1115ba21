"""Managers set up their own stores and invite and manage the cashiers who work there."""

from typing import Any
from uuid import uuid4

import pytest

from tests.support.api import Desk
from tests.support.identity import (
    CREATE_STORE,
    INVITE,
    REMOVE,
    REVOKE_SESSION,
    SET_ROLE,
    VIEWER,
    Chain,
)

STAFF = "{ staff(first: 100) { nodes { id name } } }"
SESSIONS = "query($id: UUID) { sessions(staffId: $id) { nodes { id } } }"
RESET = """
mutation($input: ResetStaffPasswordInput!) { resetStaffPassword(input: $input) {
  ... on Staff { id } ... on Problem { code }
} }
"""


@pytest.fixture
async def manager(chain: Chain) -> str:
    _, tokens = await chain.hired(role="MANAGER", name="王店长")
    return tokens["accessToken"]


async def by(chain: Chain, token: str, text: str, **input: Any) -> Any:
    return await chain.asking(text, token, input={"key": str(uuid4()), **input})


async def test_a_manager_invites_and_manages_the_cashiers_of_their_store(
    chain: Chain, manager: str
) -> None:
    person = await by(chain, manager, INVITE, **chain.person(name="小赵"))
    assert person["role"] == "CASHIER"
    signed = await chain.asking.sign_in(person["login"])
    listed = (await chain.asking(STAFF, manager))["nodes"]
    assert [each["id"] for each in listed] == [person["id"]]
    [session] = (await chain.asking(SESSIONS, manager, id=person["id"]))["nodes"]
    ended = await by(chain, manager, REVOKE_SESSION, sessionId=session["id"])
    assert ended["id"] == session["id"]
    assert await chain.asking.code(VIEWER, signed["accessToken"]) == "UNAUTHENTICATED"
    reset = {"staffId": person["id"], "password": "雨后竹林里走过 17 步"}
    assert (await by(chain, manager, RESET, **reset))["id"] == person["id"]
    removed = await by(chain, manager, REMOVE, staffId=person["id"])
    assert removed["removedAt"]


@pytest.mark.parametrize("role", ["MANAGER", "PURCHASER", "OWNER"])
async def test_a_manager_gives_no_other_role(chain: Chain, manager: str, role: str) -> None:
    input = {"key": str(uuid4()), **chain.person(role=role)}
    assert await chain.asking.code(INVITE, manager, input=input) == "FORBIDDEN"
    person, _ = await chain.hired()
    input = {"key": str(uuid4()), "staffId": person["id"], "role": role}
    input["storeIds"] = [str(chain.store)]
    assert await chain.asking.code(SET_ROLE, manager, input=input) == "FORBIDDEN"


async def test_a_manager_gives_no_other_store(chain: Chain, manager: str) -> None:
    other = await chain.do(CREATE_STORE, code=f"s{uuid4().hex[:8]}", name="东门店")
    for stores in ([other["id"]], [other["id"], str(chain.store)], []):
        input = {"key": str(uuid4()), **chain.person(storeIds=stores)}
        assert await chain.asking.code(INVITE, manager, input=input) == "FORBIDDEN"


async def test_other_accounts_do_not_exist_for_a_manager(chain: Chain, manager: str) -> None:
    """Owners, buyers, other managers, and cashiers who work in another store as well."""
    other = await chain.do(CREATE_STORE, code=f"s{uuid4().hex[:8]}", name="东门店")
    both = [other["id"], str(chain.store)]
    people = [
        await chain.hired(role="OWNER"),
        await chain.hired(role="PURCHASER", storeIds=[]),
        await chain.hired(role="MANAGER"),
        await chain.hired(storeIds=both),
        await chain.hired(storeIds=[other["id"]]),
    ]
    own = {"role": "CASHIER", "storeIds": [str(chain.store)]}
    for person, tokens in people:
        name = {"staffId": person["id"]}
        for text, input in ((REMOVE, name), (SET_ROLE, name | own)):
            assert (await by(chain, manager, text, **input))["code"] == "UNKNOWN_STAFF"
        reset = name | {"password": "雨后竹林里走过 17 步"}
        assert (await by(chain, manager, RESET, **reset))["code"] == "UNKNOWN_STAFF"
        assert (await chain.asking(SESSIONS, manager, id=person["id"]))["nodes"] == []
        [open_] = (await chain.asking(SESSIONS, tokens["accessToken"]))["nodes"]
        ended = await by(chain, manager, REVOKE_SESSION, sessionId=open_["id"])
        assert ended["code"] == "UNKNOWN_SESSION"
    assert (await chain.asking(STAFF, manager))["nodes"] == []


async def test_managers_set_up_their_store(fresh: Desk) -> None:
    """Products, recipes, thresholds and opening stock, without the owner."""
    _, tokens = await fresh.chain.hired(role="MANAGER")
    manager, store = tokens["accessToken"], str(fresh.chain.store)

    async def do(mutation: str, /, **input: Any) -> Any:
        answer = await fresh.do(mutation, by=manager, **input)
        assert "code" not in answer, (mutation, answer)
        return answer

    rice = await do("createProduct", sku=uuid4().hex, name="大米", unit="袋")
    bowl = await do("createProduct", sku=uuid4().hex, name="米饭", unit="份", kind="DISH")
    parts = [{"productId": rice["id"], "quantity": "1"}]
    await do("setRecipe", productId=bowl["id"], components=parts, yields="1")
    await do("setReorderPoint", productId=rice["id"], storeId=store, quantity="5")
    await do("openStock", storeId=store, lines=[{"productId": rice["id"], "quantity": "12"}])


async def test_owners_sell(fresh: Desk) -> None:
    store = str(fresh.chain.store)
    await fresh.do("openStock", storeId=store, lines=[await fresh.line("米", 5)])
    sold = await fresh.do("sell", storeId=store, lines=[await fresh.line("米", 2)])
    assert sold["kind"] == "SALE"


async def test_buyers_see_orders_without_contacts(fresh: Desk) -> None:
    store = fresh.chain.founded.store
    await fresh.do("openStock", storeId=str(store.id), lines=[await fresh.line("米", 5)])
    order = {"store": store.code, "channel": "WECHAT", "contact": "13712345678"}
    await fresh.do("placeOrder", **order, lines=[await fresh.line("米", 1)])
    _, buyer = await fresh.chain.hired(role="PURCHASER", storeIds=[])
    orders = "query($contact: String) { orders(contact: $contact) { nodes { contact } } }"
    asking, token = fresh.asking, buyer["accessToken"]
    assert (await asking(orders, token))["nodes"] == [{"contact": None}]
    assert (await asking(orders, fresh.cashier))["nodes"] == [{"contact": "137****5678"}]
    assert await asking.code(orders, token, contact="13712345678") == "FORBIDDEN"
    passes = "query($customer: String) { passes(customer: $customer) { nodes { id } } }"
    assert await asking.code(passes, token, customer="13712345678") == "FORBIDDEN"
