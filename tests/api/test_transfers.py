"""Replenishment over HTTP: a store requests, head office ships, the store receives; permissions."""

import asyncio
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import pytest

from tests.support.api import Desk, a_desk, verify_change
from tests.support.identity import CREATE_STORE, Chain

LISTS = """
query($stores: [UUID!], $states: [TransferState!], $first: Int, $after: String) {
  requests: replenishmentRequests(
    storeIds: $stores, states: $states, first: $first, after: $after
  ) { nodes { id } pageInfo { hasNextPage endCursor } }
  transfers(storeIds: $stores, states: $states) { nodes { id } }
}
"""
SUGGESTIONS = """
query($store: UUID!) { replenishmentSuggestions(storeId: $store) {
  product { name } available coming sold quantity daysLeft
} }
"""
INCOMING = """
query($store: UUID!, $product: UUID!) { product(id: $product) {
  level(storeId: $store) { available quarantined incoming lastReceivedAt }
} }
"""
ONE = "query($id: UUID!) { transfer(id: $id) { id state lines { shipped } } }"


@dataclass
class Office:
    """Head office and its warehouse beside the store's desk."""

    desk: Desk
    warehouse: str
    buyer: str

    async def stock(self, **goods: int) -> None:
        for name, quantity in goods.items():
            await self.desk.post("receive", (name, quantity), storeId=self.warehouse)

    async def ask(self, *lines: tuple[Any, ...], **more: Any) -> Any:
        given = {"lines": [await self.desk.line(*line) for line in lines]} if lines else {}
        values = {"storeId": self.desk.store, "by": self.desk.cashier, **given, **more}
        return await self.desk.do("requestReplenishment", **values)

    async def approve(self, id: str, *lines: tuple[Any, ...], **more: Any) -> Any:
        given = {"lines": [await self.desk.line(*line) for line in lines]} if lines else {}
        values = {"fromStoreId": self.warehouse, "by": self.buyer, **given, **more}
        return await self.desk.do("approveReplenishment", transferId=id, **values)

    async def ship(self, id: str, **more: Any) -> Any:
        return await self.desk.do("shipTransfer", transferId=id, **{"by": self.buyer, **more})

    async def receive(self, id: str, *lines: Any, **more: Any) -> Any:
        values = {"by": self.desk.cashier, "transferId": id, **more}
        return await self.desk.do("receiveTransfer", lines=list(lines) or None, **values)

    async def sent(self, *lines: tuple[Any, ...]) -> str:
        """Request, approve and ship; the transfer's id."""
        request = await self.ask(*lines)
        await self.approve(request["id"])
        await self.ship(request["id"])
        return request["id"]

    async def level(self, name: str) -> Any:
        values = {"store": self.desk.store, "product": await self.desk.product(name)}
        return (await self.desk.ask(INCOMING, **values))["level"]


async def an_office(chain: Chain) -> Office:
    desk = await a_desk(chain)
    created = await chain.do(CREATE_STORE, code=uuid4().hex, name="总仓")
    _, buyer = await chain.hired(role="PURCHASER", storeIds=[])
    return Office(desk, created["id"], buyer["accessToken"])


@pytest.fixture
async def office(chain: Chain) -> Office:
    return await an_office(chain)


async def test_from_the_request_to_the_shelf(office: Office) -> None:
    await office.stock(米=20)
    request = await verify_change(office.desk, office.ask(("米", 8), note="周末促销"))
    assert (request["state"], request["fromStore"], request["note"]) == (
        "REQUESTED",
        None,
        "周末促销",
    )
    assert request["lines"][0]["requested"] == "8"
    approved = await office.approve(request["id"], ("米", 6))
    assert (approved["state"], approved["lines"][0]["approved"]) == ("APPROVED", "6")
    assert approved["fromStore"] == {"id": office.warehouse}
    shipped = await verify_change(office.desk, office.ship(request["id"]))
    assert (shipped["state"], shipped["lines"][0]["inTransit"]) == ("SHIPPED", "6")
    assert (await office.level("米"))["incoming"] == "6"
    line = {"productId": await office.desk.product("米"), "received": "3", "damaged": "1"}
    unexplained = await office.receive(request["id"], line)
    assert (unexplained["code"], unexplained["products"]) == ("REASON_NEEDED", [{"name": "米"}])
    part = await verify_change(
        office.desk, office.receive(request["id"], {**line, "reason": "压坏"})
    )
    assert (part["state"], part["endedAt"]) == ("PARTIAL", None)
    level = await office.level("米")
    assert (level["available"], level["quarantined"], level["incoming"]) == ("3", "1", "2")
    assert level["lastReceivedAt"]
    back = {"productId": line["productId"], "returned": "1", "reason": "发错"}
    await office.receive(request["id"], back)
    done = await office.receive(request["id"])
    assert done["state"] == "RECEIVED"
    assert done["lines"] == [
        {
            "product": {"name": "米"},
            **{"requested": "8", "approved": "6", "shipped": "6", "received": "4"},
            **{"damaged": "1", "lost": "0", "returned": "1", "inTransit": "0"},
            "reason": "压坏; 发错",
        }
    ]
    assert [each["kind"] for each in done["movements"]] == [
        "SHIPMENT",
        "TRANSFER_RECEIPT",
        "TRANSFER_RECEIPT",
    ]
    [returned] = done["returns"]
    assert (returned["state"], returned["toStore"]) == ("SHIPPED", {"id": office.warehouse})
    late = await office.receive(request["id"])
    assert (late["code"], late["wrong"]) == ("WRONG_STATE", "RECEIVED")


async def test_one_tap_asks_for_what_is_low(office: Office) -> None:
    desk = office.desk
    for name, point, there in (("米", 10, 4), ("油", 5, 9), ("盐", 20, 20)):
        await desk.receive(name, there)
        values = {"productId": await desk.product(name), "quantity": str(point)}
        await desk.do("setReorderPoint", **values)
    suggested = await desk.ask(SUGGESTIONS, desk.cashier, store=desk.store)
    assert {each["product"]["name"]: each["quantity"] for each in suggested} == {
        "米": "7",
        "盐": "1",
    }
    key = str(uuid4())
    request = await office.ask(key=key)
    assert {each["product"]["name"]: each["requested"] for each in request["lines"]} == {
        "米": "7",
        "盐": "1",
    }
    assert await desk.ask(SUGGESTIONS, desk.cashier, store=desk.store) == []
    # After a lost answer the same key returns the same request, although nothing is low now.
    assert (await office.ask(key=key))["id"] == request["id"]
    again = await office.ask()
    assert (again["code"], again["wrong"]) == ("WRONG_STATE", "NOTHING_LOW")


async def test_weighed_goods_and_packs(office: Office) -> None:
    desk = office.desk
    await desk.product("苹果", unit="kg")
    await desk.product("水", barcodes=["6901234567892"])
    await desk.do(
        "addBarcode", productId=await desk.product("水"), code="CASE-1", packQuantity="24"
    )
    await office.stock(苹果=5, 水=100)
    request = await office.ask(("苹果", "1.25"))
    assert request["lines"][0]["requested"] == "1.25"
    created = await desk.do(
        "createTransfer",
        by=office.buyer,
        fromStoreId=office.warehouse,
        toStoreId=desk.store,
        lines=[{"code": "CASE-1", "packs": "2"}, {"code": "6901234567892"}],
    )
    assert [each["approved"] for each in created["lines"]] == ["49"]
    await office.ship(created["id"])
    got = await office.receive(created["id"], {"code": "6901234567892", "received": "49"})
    assert got["state"] == "RECEIVED"
    odd = await office.ask(("苹果", "0.0001"))
    assert odd["code"] == "INVALID_QUANTITY"


async def test_what_has_no_stock_is_not_moved(office: Office) -> None:
    await office.desk.product("饭", kind="DISH")
    refused = await office.ask(("饭", 1))
    assert (refused["code"], refused["wrong"]) == ("WRONG_STATE", "NOT_STOCKED")
    same = {"fromStoreId": office.desk.store, "toStoreId": office.desk.store}
    lines = [await office.desk.line("米", 1)]
    assert await office.desk.code("createTransfer", **same, lines=lines) == "BAD_INPUT"


async def test_what_is_archived_on_its_way_arrives(office: Office) -> None:
    await office.stock(米=20)
    sent = await office.sent(("米", 5))
    product = await office.desk.product("米")
    await office.desk.do("archiveProduct", productId=product, withStock=True)
    assert (await office.ask(("米", 1)))["wrong"] == "ARCHIVED"
    got = await office.receive(sent, {"productId": product, "received": "5"})
    assert got["state"] == "RECEIVED"


async def test_lists_pages_and_states(office: Office) -> None:
    desk = office.desk
    await office.stock(米=20)
    requests = [(await office.ask(("米", 1)))["id"] for _ in range(3)]
    sent = await office.sent(("米", 2))

    async def ids(**variables: Any) -> list[list[str]]:
        data = (await desk.asking.raw(LISTS, desk.cashier, **variables))["data"]
        return [[row["id"] for row in data[name]["nodes"]] for name in ("requests", "transfers")]

    newest_first = [sent, *reversed(requests)]
    assert await ids() == [newest_first, [sent]]
    assert await ids(states=["REQUESTED"]) == [newest_first[1:], []]
    assert await ids(states=["SHIPPED"]) == [[sent], [sent]]
    # The cashier does not work in the warehouse.
    assert await ids(stores=[office.warehouse]) == [[], []]
    assert (await ids(first=2))[0] == newest_first[:2]


class TestWho:
    async def test_the_roles(self, office: Office) -> None:
        """Stores request and receive, head office approves and ships; each reads its own."""
        desk = office.desk
        await office.stock(米=20)
        line = await desk.line("米", 1)
        here = {"storeId": desk.store, "lines": [line]}
        assert await desk.code("requestReplenishment", by=office.buyer, **here) == "FORBIDDEN"
        request = (await office.ask(("米", 5)))["id"]
        refused = {
            "approveReplenishment": {"fromStoreId": office.warehouse},
            "rejectReplenishment": {"reason": "x"},
            "shipTransfer": {},
            "cancelTransfer": {},
        }
        for by in (desk.cashier, desk.manager):
            for name, values in refused.items():
                assert await desk.code(name, by=by, transferId=request, **values) == "FORBIDDEN", (
                    name
                )
        elsewhere = await office.ask(("米", 1), storeId=office.warehouse)
        assert elsewhere["code"] == "UNKNOWN_STORE"
        await office.approve(request)
        await office.ship(request)
        assert (await office.receive(request, by=desk.manager))["state"] == "RECEIVED"

    async def test_only_the_receiver_receives(self, office: Office) -> None:
        desk = office.desk
        await desk.receive("米", 9)
        to_warehouse = await desk.do(
            "createTransfer",
            by=office.buyer,
            fromStoreId=desk.store,
            toStoreId=office.warehouse,
            lines=[await desk.line("米", 4)],
        )
        await office.ship(to_warehouse["id"])
        seen = await desk.ask(ONE, desk.cashier, id=to_warehouse["id"])
        assert seen["state"] == "SHIPPED", "the sender sees it"
        refused = await office.receive(to_warehouse["id"])
        assert refused["code"] == "UNKNOWN_TRANSFER"
        assert (await office.receive(to_warehouse["id"], by=office.buyer))["state"] == "RECEIVED"

    async def test_a_foreign_id_and_an_absent_one(self, office: Office, stranger: Chain) -> None:
        await office.stock(米=20)
        foreign = await an_office(stranger)
        theirs, product = await office.sent(("米", 5)), await office.desk.product("米")
        desk = foreign.desk
        inputs: dict[str, dict[str, Any]] = {
            "approveReplenishment": {"fromStoreId": foreign.warehouse},
            "rejectReplenishment": {"reason": "x"},
            "withdrawReplenishment": {},
            "shipTransfer": {},
            "receiveTransfer": {},
            "cancelTransfer": {},
        }
        for name, values in inputs.items():
            answers = [
                await desk.do(name, transferId=id, **values) for id in (theirs, str(uuid4()))
            ]
            for answer in answers:
                assert answer["code"] == "UNKNOWN_TRANSFER", name
        assert await desk.ask(ONE, id=theirs) is None
        assert await desk.ask(SUGGESTIONS, store=office.desk.store) == []
        await foreign.stock(油=5)
        mine = await foreign.ask(("油", 1))
        strange = {"productId": product, "quantity": "1"}
        for store in (office.warehouse, str(uuid4())):
            answer = await foreign.approve(mine["id"], fromStoreId=store)
            assert answer["code"] == "UNKNOWN_STORE"
        approving = {"fromStoreId": foreign.warehouse, "lines": [strange]}
        receiving: dict[str, Any] = {"lines": [{"productId": product, "received": "1"}]}
        for name, values in (("approveReplenishment", approving), ("receiveTransfer", receiving)):
            answer = await desk.do(name, transferId=mine["id"], **values)
            assert answer["code"] == "UNKNOWN_PRODUCT", name


async def test_two_receivers_over_http(office: Office) -> None:
    await office.stock(米=20)
    sent = await office.sent(("米", 10))
    line = {"productId": await office.desk.product("米"), "received": "6"}
    answers = await asyncio.gather(*(office.receive(sent, line) for _ in range(3)))
    assert sorted(each.get("code") or each["state"] for each in answers) == [
        "EXCEEDS_TRANSFER",
        "EXCEEDS_TRANSFER",
        "PARTIAL",
    ]
    refused = next(each for each in answers if "excesses" in each)
    assert refused["excesses"] == [{"product": {"name": "米"}, "requested": "6", "allowed": "4"}]
