"""One request, sent again by another person: it has one effect."""

import asyncio
import random
from typing import Any
from uuid import uuid4

from tests.api.test_orders import seen, stocked
from tests.api.test_sync import SYNC, sold
from tests.support.api import Desk, mutation
from tests.support.identity import CREATE_KEY, REVOKE_KEY

SCOPES = ["SALE_WRITE", "RECEIPT_WRITE", "TRANSFER_REQUEST", "STOCK_READ", "CATALOG_READ"]


async def api_key(desk: Desk) -> tuple[str, str]:
    """The secret of a new API key, and its id."""
    values = {"key": str(uuid4()), "name": "till", "scopes": SCOPES}
    new = await desk.asking(CREATE_KEY, desk.owner, input=values)
    return new["secret"], new["apiKey"]["id"]


async def uploaded(desk: Desk, operations: list[Any], token: str) -> dict[str, Any]:
    """The outcomes of a till's queue by key, which is uploaded in any order."""
    queue = random.sample(operations, len(operations))
    outcomes: dict[str, Any] = {}
    for start in range(0, len(queue), 20):
        part = {"operations": queue[start : start + 20]}
        answer = await desk.asking(SYNC, token, input=part)
        outcomes |= {each["key"]: each["outcome"] for each in answer["results"]}
    return outcomes


async def test_a_queue_that_two_people_upload_is_booked_once(fresh: Desk) -> None:
    await stocked(fresh, 米=300)
    operations = [
        await sold(fresh, number, ("米", 1 + number % 3), receiptNo=f"{number:04}")
        for number in range(60)
    ]
    secret, _ = await api_key(fresh)
    people = fresh.cashier, fresh.manager, secret, fresh.cashier
    first, *others = await asyncio.gather(*(uploaded(fresh, operations, by) for by in people))
    assert not [each for each in first.values() if "code" in each]
    assert all(other == first for other in others), "everyone gets the same movements"
    assert (await seen(fresh, "米"))[0] == str(300 - 60 * 2)


async def test_another_input_of_a_colleagues_key_is_refused(fresh: Desk) -> None:
    await stocked(fresh, 米=10)
    key = str(uuid4())
    first = await fresh.post("sell", ("米", 1), key=key)
    again = await fresh.post("sell", ("米", 1), key=key, by=fresh.manager)
    assert (again["id"], again["actor"]) == (first["id"], first["actor"])
    other = await fresh.post("sell", ("米", 2), key=key, by=fresh.manager)
    assert other["code"] == "KEY_REUSED"
    refused = await fresh.post("sell", ("米", 99), key=(another := str(uuid4())))
    assert refused["code"] == "OUT_OF_STOCK"
    done = await fresh.post("sell", ("米", 3), key=another, by=fresh.manager)
    assert "id" in done, "a refusal leaves no claim, for anybody"
    assert (await seen(fresh, "米"))[0] == "6"


async def test_a_rotated_api_key_sends_its_requests_again(fresh: Desk) -> None:
    await stocked(fresh, 米=10)
    (old, old_id), (new, _) = await api_key(fresh), await api_key(fresh)
    line = [await fresh.line("米", 5)]
    inputs = {
        "receive": {"storeId": fresh.store, "lines": line},
        "sell": {"storeId": fresh.store, "lines": line},
        "requestReplenishment": {"storeId": fresh.store, "lines": line},
    }
    for name, input in inputs.items():
        values = {"key": str(uuid4()), **input}
        sends = [fresh.asking(mutation(name), by, input=values) for by in (old, new) * 4]
        answers = await asyncio.gather(*sends)
        assert len({each["id"] for each in answers}) == 1, (name, answers)
    assert (await seen(fresh, "米"))[0] == "10"
    values = {"key": str(uuid4()), **inputs["receive"]}
    first = await fresh.asking(mutation("receive"), old, input=values)
    await fresh.asking(REVOKE_KEY, fresh.owner, input={"key": str(uuid4()), "apiKeyId": old_id})
    assert (await fresh.asking(mutation("receive"), new, input=values))["id"] == first["id"]


async def test_a_guest_who_signed_in_places_one_order(fresh: Desk) -> None:
    await stocked(fresh, 米=10)
    values = {
        "key": str(uuid4()),
        "store": fresh.chain.founded.store.code,
        "channel": "WECHAT",
        "contact": "13800138000",
        "lines": [await fresh.line("米", 2)],
    }
    place = mutation("placeOrder")
    people = (None, fresh.cashier, fresh.manager) * 4
    orders = await asyncio.gather(*(fresh.asking(place, by, input=values) for by in people))
    assert len({order["id"] for order in orders}) == 1, orders
    assert await seen(fresh, "米") == ("8", "2", "10")


async def test_a_guest_cannot_use_up_a_key_of_staff(fresh: Desk) -> None:
    await stocked(fresh, 米=10)
    key = str(uuid4())
    values = {
        "key": key,
        "store": fresh.chain.founded.store.code,
        "channel": "WECHAT",
        "contact": "13800138000",
        "lines": [await fresh.line("米", 2)],
    }
    assert "id" in await fresh.asking(mutation("placeOrder"), None, input=values)
    assert "id" in await fresh.post("sell", ("米", 1), key=key)
