"""The share that guests may hold together, through the API: set by the owner, answered typed."""

from typing import Any
from uuid import uuid4

from tests.support.api import Desk

PLACE = """
mutation($input: PlaceOrderInput!) { placeOrder(input: $input) {
  __typename ... on GuestLimitReached { code message products { name } }
} }
"""
UPDATE = """
mutation($input: UpdateStoreInput!) { updateStore(input: $input) {
  ... on Store { guestShare } ... on Problem { code message }
} }
"""


async def test_the_owner_sets_what_guests_hold_together(fresh: Desk) -> None:
    store = fresh.chain.founded.store
    await fresh.product("米", price="1.00")
    await fresh.receive("米", 10)

    async def place(by: str | None, quantity: int) -> Any:
        order = {"store": store.code, "channel": "WECHAT", "contact": uuid4().hex}
        lines = [await fresh.line("米", quantity)]
        input = {"key": str(uuid4()), **order, "lines": lines}
        return await fresh.asking(PLACE, by, input=input)

    refused = await place(None, 6)
    assert refused["__typename"] == "GuestLimitReached"
    assert refused["code"] == "GUEST_LIMIT_REACHED"
    assert refused["products"] == [{"name": "米"}]
    assert refused["message"] == "未登录顾客可预订的数量已满，请登录后下单，或减少数量"
    key = {"key": str(uuid4()), "storeId": str(store.id)}
    assert await fresh.asking(UPDATE, fresh.owner, input=key | {"guestShare": 80}) == {
        "guestShare": 80
    }
    over = {**key, "key": str(uuid4()), "guestShare": 101}
    assert await fresh.asking.code(UPDATE, fresh.owner, input=over) == "BAD_INPUT"
    assert (await place(None, 8))["__typename"] == "Order"
    assert (await place(fresh.cashier, 2))["__typename"] == "Order"
