"""Scanned goods on their way between stores: the batch that is shipped is the one that arrives."""

import pytest

from tests.api.test_batches import day
from tests.api.test_scanned import code, milk, shelf
from tests.api.test_transfers import an_office
from tests.support.api import Desk


@pytest.mark.parametrize("by", ["code", "number and expiry"])
async def test_number_and_expiry_choose_what_is_shipped_and_received(fresh: Desk, by: str) -> None:
    product = await milk(fresh)
    office = await an_office(fresh.chain)
    office.desk.products["奶"] = product
    for days in (20, 60):
        lines = [{"code": code(days), "quantity": "5"}]
        assert "id" in await fresh.do("receive", storeId=office.warehouse, lines=lines)
    request = await office.ask(("奶", 4))
    await office.approve(request["id"])
    named = {"productId": product, "batchNo": "B1", "expiresOn": day(60)}
    refused = await office.ship(request["id"], lines=[{"code": code(-1), "quantity": "2"}])
    assert refused["code"] == "BATCH_EXPIRED"
    line = {"code": code(60)} if by == "code" else named
    shipped = await office.ship(request["id"], lines=[{**line, "quantity": "2"}])
    assert "id" in shipped, shipped
    received = await office.receive(request["id"], {**line, "received": "2"})
    assert "id" in received, received
    assert await shelf(office.desk) == {day(60): "2"}
