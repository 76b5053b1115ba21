"""What mutations answer shows no more of other rows than a query of the same reader would."""

import random
from collections.abc import Callable, Iterator
from typing import Any
from unittest.mock import patch
from uuid import uuid4

import pytest

from app.domain.ledger import guests
from tests.security.documents import Document, documents, nodes
from tests.security.secrets import Reader, slot
from tests.security.walk import Answer, Walk, permission
from tests.security.world import World

Place = dict[str, Any]


def line(place: Place, quantity: str = "1", **more: Any) -> Place:
    return {"productId": place["product"], "quantity": quantity, **more}


def booked(place: Place) -> Place:
    return {"storeId": place["store"], "lines": [line(place)]}


def sale(place: Place) -> Place:
    return {"occurredAt": "2026-11-23T09:30:00+08:00", "key": str(uuid4()), **booked(place)}


def ordered(place: Place) -> Place:
    contact = {"contact": uuid4().hex, "channel": "WECHAT"}
    return {"store": place["code"], "lines": [line(place)], **contact}


def product(**more: Any) -> Callable[[Place], Place]:
    return lambda place: {"productId": place["product"], **more}


def rule(**more: Any) -> Callable[[Place], Place]:
    return lambda place: {
        **{"productId": place["product"], "storeId": place["store"], "channel": "DELIVERY"},
        **more,
    }


INPUTS: dict[str, Callable[[Place], Place]] = {
    **dict.fromkeys(("sell", "receive", "openStock", "consume", "returnToSupplier"), booked),
    "adjust": lambda place: {**booked(place), "kind": "GAIN"},
    "syncSales": lambda place: {"operations": [sale(place)]},
    "placeOrder": ordered,
    "payOrder": lambda place: {"orderId": place["order"]},
    "updateProduct": product(spec="5kg"),
    "archiveProduct": product(archived=False),
    "addBarcode": lambda place: {"productId": place["product"], "code": f"b{uuid4().hex}"},
    "setBarcodePack": lambda place: {
        "productId": place["product"],
        "code": place["barcode"],
        "packQuantity": "12",
    },
    "setUnits": product(units=[{"name": "箱", "quantity": "12"}]),
    "setExpiryWarning": lambda place: {
        "productId": place["product"],
        "storeId": place["store"],
        "days": 15,
    },
    "setReorderPoint": lambda place: {
        "productId": place["product"],
        "storeId": place["store"],
        "quantity": str(slot("reorder", 0, 0)),
    },
    "setRecipe": lambda place: {
        "productId": place["dish"],
        "components": [line(place, str(slot("recipe", 0, 0)))],
    },
    "setSoldOut": lambda place: {
        **{"productId": place["product"], "storeId": place["store"]},
        "soldOut": False,
    },
    "setChannelQuota": rule(quantity="7"),
    "setChannelPause": rule(paused=False),
    "requestWriteOff": lambda place: {**booked(place), "reason": "破损"},
    "requestReplenishment": booked,
    "closeStocktake": lambda place: {"stocktakeId": place["closed"]},
    "createTransfer": lambda place: {
        "fromStoreId": place["store"],
        "toStoreId": place["elsewhere"],
        "lines": [line(place)],
    },
    "updatePurchaseOrder": lambda place: {"purchaseOrderId": place["purchaseOrder"]},
    "createPurchaseOrder": lambda place: {**booked(place), "supplierId": place["supplier"]},
    "updateSupplier": lambda place: {"supplierId": place["supplier"]},
    "archiveSupplier": lambda place: {"supplierId": place["supplier"], "archived": False},
    "receivePurchaseOrder": lambda place: {
        "purchaseOrderId": place["purchaseOrder"],
        "lines": [line(place)],
    },
    "sellPass": lambda place: {
        **{"storeId": place["store"], "productId": place["card"]},
        **{"customer": uuid4().hex, "uses": 3},
    },
    "returnOrder": lambda place: {
        "orderId": place["order"],
        "lines": [line(place)],
        "disposition": "SHELF",
    },
}
"""Mutations that each reader with the permission can run again and again."""
READERS = 2
"""Readers who run each mutation without --all."""


@pytest.fixture
def walk(world: World) -> Walk:
    return Walk(world)


def built(root: str) -> list[Document]:
    return documents("mutation", root, nodes("mutation", root), ["input"])


async def answers(walk: Walk, reader: Reader, root: str, target: str) -> list[Answer]:
    """The answers of the mutation, selecting everything below it, in several runs."""
    place = walk.world.places[{"own": (0, 0), "foreign": (1, 0)}[target]]
    place = {**place, "elsewhere": walk.world.places[0, 1]["store"]}
    waiting, received = built(root), []
    while waiting:
        document = waiting.pop()
        values = INPUTS[root](place)
        if root != "syncSales":
            values["key"] = str(uuid4())
        answer = await walk.ask(reader, document, target, input=values)
        if answer.codes == ["COST_EXCEEDED"]:
            waiting += document.halves()
        else:
            received.append(answer)
    return received


def runs() -> Iterator[tuple[str, str]]:
    """Each mutation with the target of those who may run it."""
    for root in INPUTS:
        yield root, "own"
    yield "placeOrder", "foreign"


@pytest.mark.widened
@pytest.mark.parametrize(("root", "target"), list(runs()), ids=str)
async def test_rows_of_mutations(walk: Walk, root: str, target: str, seed: str, wide: bool) -> None:
    can, store = permission(root), walk.world.store(0, 0)
    leaks: list[str] = []
    rows = 0
    readers = [each for each in walk.world.readers.values() if each.reaches(can, 0, [store])]
    rng = random.Random(f"{seed} {root}")
    for reader in readers if wide else rng.sample(readers, min(READERS, len(readers))):
        for answer in await answers(walk, reader, root, target):
            assert answer.codes == [], (str(answer), answer.text)
            leaks += walk.leaks(answer)
            rows += "code" not in answer.value and "Problem" not in str(answer.value)
    assert leaks == []
    assert rows


SHORT = """... on OutOfStock { message shortages { product { name } available } }"""
PLACE = (
    f"mutation($input: PlaceOrderInput!) {{ placeOrder(input: $input) {{ __typename {SHORT} }} }}"
)
SELL = f"mutation($input: SellInput!) {{ sell(input: $input) {{ __typename {SHORT} }} }}"


async def short(world: World, reader: Reader, product: str, quantity: str) -> Any:
    """The answer to an order, or a sale, of more than there is."""
    place = world.places[0, 0]
    lines = [{"productId": place[product], "quantity": quantity}]
    text, input = PLACE, {**ordered(place), "lines": lines}
    if reader.reaches(permission("sell"), 0, [world.store(0, 0)]):
        text, input = SELL, {**booked(place), "lines": lines}
    return await world.asking(text, reader.token, input={"key": str(uuid4()), **input})


@pytest.mark.parametrize("name", ["guest", "owner of another tenant"])
async def test_a_shortage_tells_customers_no_stock(world: World, name: str) -> None:
    """A dish is short by its name, not by what it is made of; and no number above the few."""
    # The tests before it have placed the orders that one address may leave unpaid.
    with patch.dict(guests.MOST_OPEN, {"address_index": 1000}):
        answer = await short(world, world.readers[name], "dish", "190")
    assert answer["__typename"] == "OutOfStock", answer
    [shortage] = answer["shortages"]
    assert shortage == {"product": {"name": "饭"}, "available": None}, answer
    assert "米" not in answer["message"]


async def test_a_shortage_tells_staff_the_stock(world: World) -> None:
    answer = await short(world, world.readers["cashier"], "product", "99999999")
    [shortage] = answer["shortages"]
    assert shortage["product"]["name"] == "米"
    assert int(shortage["available"]) > 10**7


async def test_a_shortage_tells_a_selling_key_no_stock(world: World) -> None:
    answer = await short(world, world.readers["key sale:write"], "product", "99999999")
    [shortage] = answer["shortages"]
    assert shortage["available"] is None


async def test_the_customer_reads_their_order(world: World, walk: Walk) -> None:
    """Its token shows the order's own texts, and nothing else."""
    customer = world.readers["customer"]
    given = documents("query", "order", nodes("query", "order"), ["id", "token"])
    texts = ""
    for document in await walk.fitting(customer, given, **world.customer):
        answer = await walk.ask(customer, document, "own", **world.customer)
        assert walk.leaks(answer) == []
        texts += answer.text
    assert all(text in texts for text in customer.knows)
