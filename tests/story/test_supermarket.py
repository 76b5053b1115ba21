"""One day of the supermarket: delivered, sold in three places, returned, written off, moved."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

from tests.story.conftest import Demo
from tests.support.live import dialled, watching

RICE = "RICE-5KG"
SCAN = """query($store: UUID!, $code: String!) { scan(storeId: $store, code: $code) {
  product { id name } level { available } can } }"""
FRONT = """query($store: String!) { storefront(store: $store) {
  products(first: 200) { nodes { name kind } } } }"""
BARCODES = "query($sku: String!) { product(sku: $sku) { barcodes { code } } }"
FEED = """subscription($store: String!, $products: [UUID!]!) {
  availabilityFeed(store: $store, productIds: $products) {
    products { product { name } availability { text } } } }"""
BATCHES = """query($stores: [UUID!], $product: UUID!) {
  batches(storeIds: $stores, productId: $product, sort: DAYS_LEFT) {
    nodes { batch { number } shelf daysLeft } } }"""
SYNC = """mutation($input: SyncSalesInput!) { syncSales(input: $input) { results { outcome {
  ... on Movement { id kind } ... on Problem { code message } } } } }"""
ALERTS = """query($stores: [UUID!]) { alerts(storeIds: $stores) {
  nodes { id rule state text product { name } } } }"""


async def test_each_trade_shows_its_own(demo: Demo) -> None:
    """A customer of the salon sees services, one of the restaurant dishes, and no ingredient."""
    kinds: dict[str, set[str]] = {}
    names: dict[str, set[str]] = {}
    for store in demo.stores:
        front = await demo.customer.ask(FRONT, store=store)
        kinds[store] = {each["kind"] for each in front["products"]["nodes"]}
        names[store] = {each["name"] for each in front["products"]["nodes"]}
    assert kinds["demo"] == kinds["demo-west"] == {"GOODS"}
    assert kinds["demo-salon"] == {"SERVICE", "PASS"}
    assert kinds["demo-kitchen"] == {"DISH"}
    assert names["demo"] == names["demo-west"]
    assert "番茄炒蛋" in names["demo-kitchen"]
    assert "食用油" not in names["demo-kitchen"]


async def test_a_delivery_is_received_by_scanning(demo: Demo) -> None:
    """The cashier scans a bag and books twenty: every terminal of the store shows them."""
    store, before = demo.stores["demo"], await demo.level(RICE, "demo")
    [barcode] = (await demo.cashier.ask(BARCODES, sku=RICE))["barcodes"]
    scanned = await demo.cashier.ask(SCAN, store=store, code=barcode["code"])
    assert scanned["product"]["name"] == "东北大米"
    assert "RECEIVE" in scanned["can"]
    base_url, token = str(demo.manager.asking.http.base_url), demo.manager.token
    assert token
    async with watching(base_url, token, store) as terminal:  # pyright: ignore[reportArgumentType] an id as text
        line = {"code": barcode["code"], "quantity": "20"}
        received = await demo.cashier.do("receive", storeId=store, lines=[line])
        assert received["kind"] == "RECEIPT"
        await terminal.hear(1)
        shown = terminal.levels[scanned["product"]["id"]]
    assert int(shown["onHand"]) == int(before["onHand"]) + 20


async def test_the_last_bags_are_sold_once(demo: Demo) -> None:
    """Counter and mini-program share one stock: a customer's label follows within a second."""
    store, rice = demo.stores["demo-west"], await demo.product(RICE)
    level = await demo.level(RICE, "demo-west")
    assert await demo.label("demo-west", "东北大米") == "库存充足"
    async with dialled(str(demo.customer.asking.http.base_url)) as phone:
        await phone.subscribe(FEED, store="demo-west", products=[rice])
        await phone.next()
        left = int(level["available"]) - 4
        lines = [await demo.line(RICE, str(left))]
        sold = await demo.cashier.do("sell", storeId=store, lines=lines)
        assert sold["kind"] == "SALE"
        [shown] = (await phone.next(1))["products"]
        assert shown["availability"]["text"].startswith("仅剩 4 ")
    order: dict[str, Any] = {"store": "demo-west", "channel": "WECHAT", "contact": "13700000001"}
    placed = await demo.customer.do("placeOrder", **order, lines=[await demo.line(RICE, "2")])
    assert placed["state"] == "HELD"
    # Guests may not hold all that is left: the counter has its part.
    another = order | {"contact": "13700000002"}
    refused = await demo.customer.do("placeOrder", **another, lines=[await demo.line(RICE, "1")])
    assert refused["code"] == "GUEST_LIMIT_REACHED"
    sold = await demo.cashier.do("sell", storeId=store, lines=[await demo.line(RICE, "2")])
    assert sold["kind"] == "SALE"
    assert await demo.label("demo-west", "东北大米") == "已售罄"
    refused = await demo.cashier.do("sell", storeId=store, lines=[await demo.line(RICE, "1")])
    assert refused["__typename"] == "OutOfStock"
    paid = await demo.cashier.do("payOrder", orderId=placed["id"], reference="4200000002")
    assert paid["state"] == "PAID"
    handed = await demo.cashier.do("fulfilOrder", orderId=placed["id"])
    assert handed["state"] == "FULFILLED"
    level = await demo.level(RICE, "demo-west")
    assert (level["onHand"], level["reserved"], level["status"]) == ("0", "0", "OUT")


async def test_a_till_without_a_line_syncs_later(demo: Demo) -> None:
    """Sold offline is sold: what the books lacked raises one alert that the manager handles."""
    store, soy = demo.stores["demo-west"], await demo.product("VINEGAR-420")
    before = await demo.level("VINEGAR-420", "demo-west")
    at = (datetime.now(UTC) - timedelta(minutes=20)).isoformat()
    operation = {
        "key": str(uuid4()),
        "storeId": store,
        "occurredAt": at,
        "receiptNo": f"XS-{uuid4().hex[:8]}",
        "lines": [{"productId": soy, "quantity": str(int(before["available"]) + 1)}],
    }
    # The answer was lost, so the till sends it again.
    synced = [await demo.cashier.ask(SYNC, input={"operations": [operation]}) for _ in range(2)]
    assert synced[0]["results"][0]["outcome"]["kind"] == "SALE"
    assert synced[0] == synced[1]
    assert (await demo.level("VINEGAR-420", "demo-west"))["onHand"] == "0"
    alerts = await demo.manager.ask(ALERTS, stores=[store])
    [alert] = [
        each
        for each in alerts["nodes"]
        if each["rule"] == "DISCREPANCY" and each["product"]["name"] == "山西陈醋"
    ]
    handled = await demo.manager.do("acknowledgeAlert", alertId=alert["id"])
    assert handled["state"] == "ACKNOWLEDGED"


async def test_what_comes_back_and_what_breaks(demo: Demo) -> None:
    """A return goes to the shelf; a broken bottle waits for the manager, who did not ask."""
    store = demo.stores["demo"]
    lines = [await demo.line("CHILI-280", "2")]
    sale = await demo.cashier.do("sell", storeId=store, lines=lines)
    back = await demo.cashier.do(
        "returnSale", saleId=sale["id"], disposition="SHELF", lines=[lines[0] | {"quantity": "1"}]
    )
    assert back["kind"] == "RETURN"
    before = await demo.level("CHILI-280", "demo")
    broken = await demo.cashier.do(
        "requestWriteOff", storeId=store, reason="破损", lines=[lines[0] | {"quantity": "1"}]
    )
    assert broken["state"] == "REQUESTED"
    level = await demo.level("CHILI-280", "demo")
    assert int(level["available"]) == int(before["available"]) - 1
    approved = await demo.manager.do("approveWriteOff", writeOffId=broken["id"])
    assert approved["state"] == "APPROVED"
    level = await demo.level("CHILI-280", "demo")
    assert int(level["onHand"]) == int(before["onHand"]) - 1


async def test_milk_that_expires_first_is_sold_first(demo: Demo) -> None:
    store, milk = demo.stores["demo"], await demo.product("MILK-1L")
    query = {"stores": [store], "product": milk}
    before = (await demo.cashier.ask(BATCHES, **query))["nodes"]
    assert [each["daysLeft"] for each in before] == sorted(each["daysLeft"] for each in before)
    lines = [await demo.line("MILK-1L", "1")]
    await demo.cashier.do("sell", storeId=store, lines=lines)
    after = (await demo.cashier.ask(BATCHES, **query))["nodes"]
    assert int(after[0]["shelf"]) == int(before[0]["shelf"]) - 1
    assert after[1:] == before[1:]


async def test_the_west_store_is_sent_what_it_lacks(demo: Demo) -> None:
    """Requested at night, shipped by head office, received short: every piece is accounted for."""
    west, east = demo.stores["demo-west"], demo.stores["demo"]
    lines = [await demo.line("PEANUT-300", "6")]
    request = await demo.manager.do("requestReplenishment", storeId=west, lines=lines)
    assert request["state"] == "REQUESTED"
    approved = await demo.buyer.do(
        "approveReplenishment", transferId=request["id"], fromStoreId=east
    )
    assert approved["state"] == "APPROVED"
    shipped = await demo.buyer.do("shipTransfer", transferId=request["id"])
    assert shipped["state"] == "SHIPPED"
    assert (await demo.level("PEANUT-300", "demo-west"))["incoming"] == "6"
    arrived = [{"productId": lines[0]["productId"], "received": "5", "lost": "1", "reason": "少件"}]
    received = await demo.cashier.do("receiveTransfer", transferId=request["id"], lines=arrived)
    [line] = received["lines"]
    counts = [line[name] for name in ("shipped", "received", "lost", "inTransit")]
    assert counts == ["6", "5", "1", "0"]
