"""Units, scale labels and printed labels over HTTP."""

from typing import Any

import pytest

from app.domain.rules.codes import check_digit
from tests.api.test_batches import day
from tests.api.test_codes import scan
from tests.support.api import Desk
from tests.support.symbols import scanned

LABEL = """
query($product: UUID!, $batch: String, $expires: Date, $produced: Date) {
  productLabel(productId: $product, batchNo: $batch, expiresOn: $expires, producedOn: $produced) {
    symbology text svg product { name }
  }
}
"""
UNITS = """
query($p: UUID!, $s: UUID!) { product(id: $p) {
  displayUnit units { name holds } level(storeId: $s) { available availableText }
} }
"""
COLA = [{"name": "瓶", "quantity": "500"}, {"name": "箱", "quantity": "24", "of": "瓶"}]


async def cola(desk: Desk, **more: Any) -> str:
    product = await desk.product("可乐", unit="ml")
    created = await desk.do("setUnits", productId=product, units=COLA, **more)
    assert "code" not in created, created
    return product


async def test_cases_come_in_and_bottles_go_out(desk: Desk) -> None:
    product = await cola(desk, displayUnit="箱")
    await desk.do("receive", storeId=desk.store, lines=[await desk.line("可乐", 2, unit="箱")])
    await desk.do("sell", storeId=desk.store, lines=[await desk.line("可乐", 5, unit="瓶")])
    await desk.do("consume", storeId=desk.store, lines=[await desk.line("可乐", "0.12", unit="l")])
    assert await desk.ask(UNITS, p=product, s=desk.store) == {
        "displayUnit": "箱",
        "units": [{"name": "箱", "holds": "12000"}, {"name": "瓶", "holds": "500"}],
        "level": {"available": "21380", "availableText": "1 箱 18 瓶 380 ml"},
    }


async def test_what_does_not_divide_is_refused(desk: Desk) -> None:
    await cola(desk)
    line = await desk.line("可乐", "0.001", unit="瓶")
    refused = await desk.do("receive", storeId=desk.store, lines=[line])
    assert (refused["code"], refused["quantity"]) == ("INVALID_QUANTITY", "0.001")
    for unit in ("桶", "kg"):
        wrong = await desk.line("可乐", "1", unit=unit)
        assert await desk.code("receive", storeId=desk.store, lines=[wrong]) == "BAD_INPUT"


@pytest.mark.parametrize(
    "units",
    [
        [{"name": "kg", "quantity": "2"}],
        [{"name": "ml", "quantity": "2"}],
        [{"name": "瓶", "quantity": "2"}, {"name": "瓶", "quantity": "3"}],
        [{"name": "箱", "quantity": "2", "of": "瓶"}],
    ],
)
async def test_units_that_cannot_be(desk: Desk, units: Any) -> None:
    product = await desk.product("可乐", unit="ml")
    assert await desk.code("setUnits", productId=product, units=units) == "BAD_INPUT"


def printed(layout: str, **fields: str) -> str:
    for sign, digits in fields.items():
        layout = layout.replace(sign * len(digits), digits)
    return layout[:-1] + check_digit(layout[:-1])


async def test_a_scale_label_is_weighed_and_sold(fresh: Desk) -> None:
    layouts = ["21PPPPPWWWWWC", "22PPPPPAAAAAC", "26PPPPPAAAAAWWWWWC"]
    await fresh.do("updateStore", storeId=fresh.store, scaleLabels=layouts)
    product = await fresh.product("苹果", unit="kg", price="12.80")
    await fresh.do("addBarcode", productId=product, code="00012")
    await fresh.receive("苹果", "10")
    light = printed(layouts[0], P="00012", W="01234")
    scan_of_light = await scan(fresh, light)
    assert (scan_of_light["content"]["form"], scan_of_light["content"]["weight"]) == ("SCALE", 1234)
    assert scan_of_light["product"]["name"] == "苹果"
    for code, left in (
        (light, "8.766"),
        (printed(layouts[1], P="00012", A="01280"), "7.766"),
        (printed(layouts[2], P="00012", A="00640", W="00500"), "7.266"),
    ):
        sold = await fresh.do("sell", storeId=fresh.store, lines=[{"code": code}])
        assert "id" in sold, sold
        assert (await fresh.level("苹果"))["available"] == left
    wrong = light[:-1] + str((int(light[-1]) + 1) % 10)
    assert (await scan(fresh, wrong))["content"]["fault"] == "CHECK_DIGIT"
    assert await fresh.code("sell", storeId=fresh.store, lines=[{"code": wrong}]) == "BAD_INPUT"
    bad = {"storeId": fresh.store, "scaleLabels": ["21PPPPPWWWWW"]}
    assert await fresh.code("updateStore", **bad) == "BAD_INPUT"


async def label(desk: Desk, name: str, **more: Any) -> Any:
    return await desk.ask(LABEL, product=await desk.product(name), **more)


async def test_an_in_house_label_is_printed_and_scanned(fresh: Desk) -> None:
    product = await fresh.product("豆沙包", sku="BUN-1", tracksBatches=True)
    named = await label(fresh, "豆沙包")
    assert scanned(named["svg"]) == [("]C0", "BUN-1")]
    coded = await fresh.do("addBarcode", productId=product)
    [code] = [each["code"] for each in coded["barcodes"]]
    plain = await label(fresh, "豆沙包")
    assert (plain["symbology"], plain["text"]) == ("EAN_13", code)
    assert scanned(plain["svg"]) == [("]E0", code)]
    dated = await label(fresh, "豆沙包", batch="A-1", expires=day(20), produced=day(-1))
    assert dated["symbology"] == "DATA_MATRIX"
    [(identifier, text)] = scanned(dated["svg"])
    received = await fresh.do(
        "receive", storeId=fresh.store, lines=[{"code": identifier + text, "packs": "30"}]
    )
    assert "id" in received, received
    answer = (await scan(fresh, identifier + text))["content"]
    assert (answer["batch"], answer["expiresOn"], answer["producedOn"]) == ("A-1", day(20), day(-1))


async def test_labels_that_cannot_be_printed(fresh: Desk, outsider: Desk) -> None:
    product = await fresh.product("豆沙包", sku="豆沙包")
    assert scanned((await label(fresh, "豆沙包"))["svg"])[0][1] == "豆沙包"
    assert await fresh.asking.code(LABEL, fresh.owner, product=product, batch="A") == "BAD_INPUT"
    await fresh.do("addBarcode", productId=product)
    for batch in ("批号", "A(1)", "x" * 21):
        values = {"product": product, "batch": batch}
        assert await fresh.asking.code(LABEL, fresh.owner, **values) == "BAD_INPUT", batch
    foreign = await fresh.asking(LABEL, fresh.owner, product=await outsider.product("米"))
    assert foreign is None


@pytest.mark.parametrize("spelled", ["KG", "㎏", "ｋｇ", "Kg", "公斤"])
async def test_a_unit_is_a_measure_by_any_spelling(fresh: Desk, spelled: str) -> None:
    product = await fresh.product("散糖", unit=spelled)
    for line in (
        {"quantity": "1.5"},
        {"quantity": "500", "unit": "Ｇ"},
        {"quantity": "1", "unit": "斤"},
    ):
        lines = [{"productId": product, **line}]
        assert "id" in await fresh.do("receive", storeId=fresh.store, lines=lines)
    assert (await fresh.level("散糖"))["onHand"] == "2.5"


async def test_an_unusual_unit_is_confirmed(fresh: Desk) -> None:
    values = {"sku": "U-1", "name": "货", "unit": "kq"}
    refused = await fresh.do("createProduct", **values)
    assert refused["code"] == "UNKNOWN_UNIT"
    assert (await fresh.do("createProduct", **values, confirmUnit=True))["unit"] == "kq"
