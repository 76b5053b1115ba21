"""Scanning over HTTP: a code fills in batch, dates and quantity, and its content is shown."""

from typing import Any

import pytest

from tests.api.test_batches import day, shelves
from tests.support.api import Desk

GTIN = "06901234567892"
SCAN = """
query($store: UUID!, $code: String!) {
  scan(storeId: $store, code: $code) {
    content { form name batch expiresOn producedOn weight count fault }
    product { name } packQuantity level { available } can
  }
}
"""


async def scan(desk: Desk, code: str) -> Any:
    return await desk.ask(SCAN, store=desk.store, code=code)


def message(batch: str, days: int) -> str:
    return f"]d201{GTIN}17{day(days)[2:].replace('-', '')}10{batch}"


async def test_receive_and_sell_by_scan(fresh: Desk) -> None:
    await fresh.product("奶", tracksBatches=True, barcodes=["6901234567892"])
    later, sooner = message("L2", 40), message("L1", 9)
    for code in (later, sooner):
        lines = [{"code": code, "packs": "6"}]
        assert "id" in await fresh.do("receive", storeId=fresh.store, lines=lines)
    assert await shelves(fresh) == {"L1": "6", "L2": "6"}
    scanned = await scan(fresh, later)
    assert scanned["content"] == {
        "form": "GS1",
        "name": GTIN,
        "batch": "L2",
        "expiresOn": day(40),
        "producedOn": None,
        "weight": None,
        "count": None,
        "fault": None,
    }
    assert (scanned["product"]["name"], scanned["level"]["available"]) == ("奶", "12")
    # A scanned batch is sold from that batch; a plain code takes the batch that expires first.
    await fresh.do("sell", storeId=fresh.store, lines=[{"code": later}])
    await fresh.do("sell", storeId=fresh.store, lines=[{"code": "6901234567892"}])
    assert await shelves(fresh) == {"L1": "5", "L2": "5"}
    # A batch number that was never received does not stop a sale.
    sold = await fresh.do("sell", storeId=fresh.store, lines=[{"code": message("L9", 9)}])
    assert "id" in sold, sold
    assert await shelves(fresh) == {"L1": "4", "L2": "5"}


async def test_what_is_said_goes_before_what_is_scanned(fresh: Desk) -> None:
    await fresh.product("奶", tracksBatches=True, barcodes=["6901234567892"])
    line = {"code": message("L1", 9), "quantity": "2", "batchNo": "B"}
    await fresh.do("receive", storeId=fresh.store, lines=[line])
    assert await shelves(fresh) == {"B": "2"}


async def test_weight_and_count_are_quantities(fresh: Desk) -> None:
    await fresh.product("苹果", unit="斤", barcodes=["6901234567892"])
    receive = f"01{GTIN}3103001500"
    await fresh.do("receive", storeId=fresh.store, lines=[{"code": receive}])
    assert (await fresh.level("苹果"))["available"] == "3"
    product = await fresh.product("水", barcodes=["96385074"])
    box = f"02{'96385074'.zfill(14)}3712"
    await fresh.do("receive", storeId=fresh.store, lines=[{"code": box}])
    assert product
    assert (await fresh.level("水"))["available"] == "12"


async def test_a_misread_code_is_not_taken(fresh: Desk) -> None:
    await fresh.product("奶", barcodes=["6901234567892"])
    wrong = f"]C101{GTIN[:-1]}310A"
    scanned = await scan(fresh, wrong)
    assert (scanned["content"]["fault"], scanned["product"]) == ("CHECK_DIGIT", None)
    lines = [{"code": wrong}]
    assert await fresh.code("receive", storeId=fresh.store, lines=lines) == "BAD_INPUT"


@pytest.mark.parametrize("code", ["6900000000007", "nobody", message("A", 3)])
async def test_an_unknown_code_offers_its_name(fresh: Desk, code: str) -> None:
    scanned = await scan(fresh, code)
    assert scanned["product"] is None
    created = await fresh.do(
        "createProduct",
        sku="x",
        name="新品",
        unit="袋",
        barcodes=[scanned["content"]["name"]],
    )
    assert "id" in created, created
    assert (await scan(fresh, code))["product"]["name"] == "新品"
