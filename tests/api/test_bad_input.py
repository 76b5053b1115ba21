"""Whatever is sent to any field: an answer with a code, and nothing written when it is refused."""

import random
import re
from dataclasses import dataclass, replace
from typing import Any
from uuid import uuid4

import asyncpg
import orjson
import pytest

from app.db.core.unit import Database
from app.resolvers import SCHEMA
from app.run.embedded import Urls
from tests.support.api import Desk, a_desk
from tests.support.examples import example_arguments
from tests.support.hostile import EVERYTHING, LITERALS, NIL, Path, Root, places, values
from tests.support.identity import Asking, a_chain
from tests.support.inputs import of_alerts, of_passes, of_transfers, of_write_offs
from tests.support.report_arguments import REPORTS
from tests.support.stocktakes import stocktake_inputs

CODES = {"BAD_INPUT", "FORBIDDEN", "UNAUTHENTICATED", "COST_EXCEEDED"}
CORE = SCHEMA._schema
TYPES = {
    "query": CORE.query_type,
    "mutation": CORE.mutation_type,
    "subscription": CORE.subscription_type,
}
ROOTS = [
    (operation, name)
    for operation, type_ in TYPES.items()
    for name in (type_.fields if type_ else ())
]
# They take the very input that `consume` takes: its lines are tried there.
TWINS = ("produce", "returnToSupplier")
# Without --all a place gets each STRIDE-th of its values.
STRIDE = 24
KEYLESS = ("signIn", "signInWithWechat", "signInWithDouyin", "refreshSession", "syncSales")
TABLES = """
SELECT string_agg(format('SELECT %L, count(*) FROM %I', relname, relname), ' UNION ALL ')
FROM pg_class WHERE relkind IN ('r', 'p') AND relnamespace = 'public'::regnamespace
AND NOT relispartition AND relname NOT IN ('alembic_version', 'levels')
"""
LEVELS = """
UNION ALL
SELECT 'levels', coalesce(sum(version + shelf + quarantine + reorder_point), 0) FROM levels
"""


@dataclass(frozen=True)
class Stocked:
    """A desk, and the ids that arguments of its roots need."""

    desk: Desk
    known: dict[str, str]


@pytest.fixture(scope="session")
async def counting(urls: Urls) -> Any:
    """The number of rows in every table, in one query."""
    connection = await asyncpg.connect(urls.owner)
    query = f"{await connection.fetchval(TABLES)} {LEVELS}"

    async def count() -> dict[str, int]:
        return dict(await connection.fetch(query))

    yield count
    await connection.close()


@pytest.fixture(scope="module")
async def victim(db: Database, asking: Asking) -> Desk:
    """A desk for this module only, because accepted inputs change its store."""
    return await a_desk(await a_chain(db, asking))


@pytest.fixture(scope="module")
async def reading(victim: Desk) -> Stocked:
    """A desk for roots that change nothing, and what it knows."""
    return await stocked(victim)


async def stocked(chain_desk: Desk) -> Stocked:
    """The same people with products of their own."""
    desk = replace(chain_desk, products={})
    known = {
        "product": await desk.product("米"),
        "dish": await desk.product("饭", kind="DISH"),
        "service": await desk.product("剪", kind="SERVICE"),
        "milk": await desk.product("奶", tracksBatches=True),
        "store": desk.store,
        "code": desk.chain.founded.store.code,
    }
    # Create the levels: the first request for a product in a store inserts a row with 0.
    await desk.receive("米", 10_000)
    for opened in ("dish", "service"):
        at = {"storeId": desk.store, "productId": known[opened]}
        await desk.do("setSoldOut", **at, soldOut=False)
    # A recipe creates the dish's level in every store.
    parts = [{"productId": known["product"], "quantity": "1"}]
    await desk.do("setRecipe", productId=known["dish"], components=parts)
    return Stocked(desk, known)


async def good(stock: Stocked, name: str) -> dict[str, Any]:
    """Arguments that the root field accepts."""
    known = stock.known
    bought = await of_purchases(stock.desk, name)
    arguments = {**mutations(**known), **bought}.get(name)
    if arguments is None:
        fields = {
            each: field for type_ in TYPES.values() if type_ for each, field in type_.fields.items()
        }
        return queries(**known).get(name) or example_arguments(fields[name], known)
    return {"input": arguments if name in KEYLESS else {"key": NIL, **arguments}}


def mutations(**known: str) -> dict[str, Any]:
    product, store = known["product"], known["store"]
    line = {"productId": product, "quantity": "1"}
    return {
        **of_stock(product, store, line),
        **of_catalog(**known),
        **of_channels(product, known["milk"], store),
        **of_orders(store, known["code"], line),
        **of_write_offs(store, line),
        **stocktake_inputs(store, line, NIL),
        **of_transfers(store, line),
        **of_passes(store, known["service"]),
        **of_people(store),
    }


def of_stock(product: str, store: str, line: Any) -> dict[str, Any]:
    paper = {"key": str(uuid4()), "storeId": store, "lines": [line]}
    return {
        **dict.fromkeys(("openStock", "receive", "sell", "consume", "produce"), paper),
        "returnToSupplier": paper,
        "adjust": {**paper, "kind": "GAIN"},
        "syncSales": {
            "operations": [
                {
                    "key": str(uuid4()),
                    "storeId": store,
                    "occurredAt": "2026-11-23T09:30:00+08:00",
                    "lines": [line],
                }
            ]
        },
        **of_alerts(product, store),
    }


def of_catalog(
    product: str, dish: str, service: str, milk: str, store: str, code: str
) -> dict[str, Any]:
    return {
        "createProduct": {"sku": uuid4().hex, "name": "米", "unit": "袋"},
        "archiveProduct": {"productId": product, "archived": False},
        "requestImageUpload": {"contentType": "image/png", "size": 9},
        "createCategory": {"name": uuid4().hex},
        "setAssortment": {"productIds": [product], "listed": True},
        "setMarkdown": {"storeId": store, "batchId": NIL, "percent": 20},
        "updateCategory": {"categoryId": NIL, "parentId": NIL},
        "addBarcode": {"productId": product, "code": uuid4().hex},
        "removeBarcode": {"productId": product, "code": "1"},
        "setBarcodePack": {"productId": product, "code": "1", "packQuantity": "1"},
        "setExpiryWarning": {"productId": product, "days": 15},
        "setUnits": {"productId": product, "units": [{"name": "箱", "quantity": "12"}]},
        "setRecipe": {
            "productId": dish,
            "components": [{"productId": product, "quantity": "1"}],
        },
        "setSoldOut": {"storeId": store, "productId": product, "soldOut": False},
        "requestExport": {"report": "LEVELS", "storeIds": [store]},
        "bulkQuery": {"kind": "LEVELS", "filter": {"storeIds": [store]}},
    }


def of_channels(product: str, milk: str, store: str) -> dict[str, Any]:
    return {
        "setChannelFreshness": {"productId": milk, "channel": "WECHAT", "daysLeft": 3},
        "setChannelBuffer": {"productId": product, "channel": "WECHAT", "quantity": "1"},
        "setChannelQuota": {"productId": product, "channel": "DOUYIN", "quantity": "1"},
        "setChannelPause": {"productId": product, "channel": "DELIVERY", "paused": True},
        "connectChannel": {
            "storeId": store,
            "channel": "DOUYIN",
            "appId": "app",
            "secret": "x",
            "shopId": "1",
        },
        "setListing": {"linkId": NIL, "productId": product, "sku": "1"},
        "removeListing": {"linkId": NIL, "sku": "1"},
    }


def of_orders(store: str, code: str, line: Any) -> dict[str, Any]:
    return {
        "placeOrder": {"store": code, "channel": "WECHAT", "contact": "x", "lines": [line]},
    }


async def of_purchases(desk: Desk, name: str) -> dict[str, Any]:
    """For a root of the topic a supplier, and an order that waits for more than is tried."""
    if not {"Supplier", "Purchase"} & set(re.findall("[A-Z][a-z]+", name)):
        return {}
    supplier = (await desk.do("createSupplier", name=uuid4().hex))["id"]
    lines = [await desk.line("米", 10**10)]
    order = {"supplierId": supplier, "storeId": desk.store, "lines": lines}
    order_id = (await desk.do("createPurchaseOrder", **order))["id"]
    ended = {"purchaseOrderId": order_id, "reason": "x"}
    return {
        "createSupplier": {"name": uuid4().hex},
        "updateSupplier": {"supplierId": supplier},
        "archiveSupplier": {"supplierId": supplier, "archived": False},
        "createPurchaseOrder": order,
        "updatePurchaseOrder": {"purchaseOrderId": order_id, "note": "x"},
        "cancelPurchaseOrder": ended,
        "closePurchaseOrder": ended,
        "receivePurchaseOrder": {"purchaseOrderId": order_id, "lines": [await desk.line("米", 1)]},
    }


def of_people(store: str) -> dict[str, Any]:
    return {
        "signIn": {"login": "nobody", "password": "no password"},
        "inviteStaff": {
            "login": uuid4().hex,
            "name": "x",
            "password": "long enough",
            "role": "CASHIER",
            "storeIds": [store],
        },
        "setStaffRole": {"staffId": NIL, "role": "CASHIER", "storeIds": []},
        "changePassword": {"oldPassword": "no password", "newPassword": "雨后竹林 17 步"},
        "resetStaffPassword": {"staffId": NIL, "password": "雨后竹林 17 步"},
        "revealContact": {"orderId": NIL},
        "eraseCustomer": {"contact": "13700137000"},
        **{key: {"code": "x", "store": "x"} for key in ("signInWithWechat", "signInWithDouyin")},
        "setMiniApp": {"channel": "WECHAT", "appId": "x", "secret": "x"},
        "createApiKey": {"name": "x", "scopes": ["STOCK_READ"]},
        "setBackdateDays": {"days": 30},
        "registerTill": {"storeId": store, "deviceId": "POS-1", "name": "前台"},
        "createStore": {"code": uuid4().hex, "name": "x"},
        "updateStore": {"storeId": store, "name": "南山店"},
    }


def queries(
    product: str, dish: str, service: str, milk: str, store: str, code: str
) -> dict[str, Any]:
    return {
        "orderFeed": {"storeIds": [store]},
        "alertFeed": {"storeIds": [store]},
        "alertRulePreview": {"input": {"rule": "SLOW_MOVING", "fewerThan": 3}},
        "approvalFeed": {"storeIds": [store]},
        "stocktakeFeed": {"storeIds": [store]},
        "writeOffFeed": {"storeIds": [store]},
        "replenishmentFeed": {"storeIds": [store]},
        "channelPreview": {"channel": "WECHAT", "productId": product, "buffer": "1"},
        **REPORTS,
        "menu": {"store": code},
        "canMake": {
            "store": code,
            "lines": [{"productId": product, "quantity": "1"}],
        },
        "menuFeed": {"store": code},
        "product": {"id": product},
        "upsertProducts": {"input": [{"sku": "x", "name": "x", "unit": "个"}], "key": NIL},
        "previewImport": {"fileId": NIL, "kind": "OPENING_STOCK", "storeId": store},
        "availabilityFeed": {
            "store": code,
            "productIds": [product],
        },
    }


async def root_of(stock: Stocked, operation: str, name: str) -> Root:
    type_ = TYPES[operation]
    assert type_
    return Root(operation, name, type_.fields[name], await good(stock, name))


def judged(what: str, status: int, body: bytes) -> bool:
    """Whether it was refused; fails unless the answer is one that a client can use."""
    assert status in (200, 400), (what, status, body)
    if status == 400:
        return True
    answer = orjson.loads(body)
    # A person has at most five exports that wait.
    exports = what.startswith(("requestExport", "bulkQuery"))
    expected = {*CODES, "RATE_LIMITED"} if exports else CODES
    for error in answer.get("errors", ()):
        assert error["extensions"]["code"] in expected, (what, error)
    if "errors" in answer:
        return True
    value = next(iter(answer["data"].values()))
    return isinstance(value, dict) and "code" in value


async def sent(desk: Desk, body: bytes, by: str, accept: str) -> tuple[int, bytes]:
    """The answer, or the first one of a stream."""
    headers = {
        "authorization": f"Bearer {by}",
        "content-type": "application/json",
        "accept": accept,
    }
    http = desk.asking.http
    async with http.stream("POST", "/graphql", content=body, headers=headers) as response:
        if not response.headers["content-type"].startswith("text/event-stream"):
            return response.status_code, await response.aread()
        async for line in response.aiter_lines():
            if line.startswith("data: {"):
                return response.status_code, line.removeprefix("data: ").encode()
    raise AssertionError("a stream without an event")


def sample(seed: str, name: str, path: Path, every: tuple[Any, ...]) -> tuple[Any, ...]:
    """One value in STRIDE, from a start that the seed chooses for this place."""
    return every[random.Random(f"{seed} {name} {path}").randrange(STRIDE) :: STRIDE]


def test_the_sample_covers_every_root_and_every_value(seed: str) -> None:
    unsent = [*EVERYTHING, *LITERALS]
    for operation, name in ROOTS:
        type_ = TYPES[operation]
        assert type_
        for argument, details in type_.fields[name].args.items():
            for path, kind in places((argument,), details.type):
                chosen = sample(seed, name, path, values(kind, NIL, NIL, NIL))
                assert chosen, (name, path)
                unsent = [value for value in unsent if value not in chosen]
    assert unsent == []


@pytest.mark.widened
@pytest.mark.parametrize(("operation", "name"), ROOTS, ids=[name for _, name in ROOTS])
async def test_any_value_of_any_field(
    victim: Desk,
    reading: Stocked,
    outsider: Desk,
    counting: Any,
    wide: bool,
    seed: str,
    operation: str,
    name: str,
) -> None:
    writes = operation == "mutation"
    # An accepted value may archive a product: each mutation has its own.
    stock = await stocked(victim) if writes else reading
    root = await root_of(stock, operation, name)
    desk = stock.desk
    accept = "text/event-stream" if operation == "subscription" else "application/json"
    foreign = (
        await outsider.product("米"),
        outsider.store,
        (await outsider.receive("米", 1))["id"],
    )
    rows = await counting() if writes else {}
    for path, type_ in root.places():
        if name in TWINS and len(path) > 2:
            continue
        every = values(type_, *foreign)
        for value in every if wide else sample(seed, name, path, every):
            what, body = root.body(path, value)
            what = f"{what} (TEST_SEED={seed})"
            refused = judged(what, *await sent(desk, body, desk.who(name), accept))
            # Another test may have opened a store of this name: then its levels are opened.
            elsewhere = (name, path) == ("placeOrder", ("input", "store"))
            if writes:
                before, rows = rows, await counting()
                assert not refused or elsewhere or rows == before, what
