"""One namespace of codes: any spelling of a code finds one product, and no two products share
one."""

import asyncio
from random import Random
from typing import Any
from uuid import uuid4

import pytest

from app.domain.rules.codes import check_digit
from tests.support.api import Desk

SCAN = """
query($store: UUID!, $code: String!) {
  scan(storeId: $store, code: $code) { product { id } packQuantity content { fault } }
}
"""
BY_SKU = "query($sku: String!) { product(sku: $sku) { id } }"
BY_BARCODE = "query($code: String!) { product(barcode: $code) { id barcodes { code } } }"


def letters() -> str:
    return uuid4().hex[:10].upper().translate(str.maketrans("0123456789", "GHKMNPRSTV"))


def gtin(digits: int) -> str:
    body = f"9{uuid4().int % 10 ** (digits - 2):0{digits - 2}d}"
    return body + check_digit(body)


def wide(text: str) -> str:
    """In full width, as a Chinese keyboard writes it."""
    return "".join(chr(ord(each) + 0xFEE0) if "!" <= each <= "~" else each for each in text)


def spellings(code: str) -> list[str]:
    return [
        code,
        code.lower(),
        wide(code),
        f"  {code}\t",
        f"{code[:3]} {code[3:]}",
        f"\u200b{code[:2]}\u2060{code[2:]}\ufeff",
        f"\u202e{code}\u202c",
    ]


async def created(desk: Desk, sku: str, *barcodes: str) -> Any:
    values = {"name": "货", "unit": "件", "barcodes": list(barcodes)}
    return await desk.do("createProduct", sku=sku, **values)


async def scanned(desk: Desk, code: str) -> Any:
    answer = await desk.ask(SCAN, store=desk.store, code=code)
    return answer["product"] and answer["product"]["id"], answer["packQuantity"]


@pytest.mark.parametrize("digits", [8, 12, 13, 14])
async def test_a_sku_that_is_a_gtin_is_found(desk: Desk, digits: int) -> None:
    sku = gtin(digits)
    product = (await created(desk, sku))["id"]
    for spelled in (sku, sku.zfill(14), wide(sku), f"(01){sku.zfill(14)}"):
        assert await scanned(desk, spelled) == (product, "1")
    assert (await desk.ask(BY_SKU, sku=sku.zfill(14)))["id"] == product
    lines = [{"code": sku, "quantity": "5"}]
    assert "id" in await desk.do("receive", storeId=desk.store, lines=lines)


@pytest.mark.parametrize("field", ["sku", "barcode"])
async def test_every_spelling_finds_the_product_and_is_taken(desk: Desk, field: str) -> None:
    code = letters() + "-7"
    other = letters()
    codes = (code, other) if field == "sku" else (other, code)
    product = (await created(desk, *codes))["id"]
    for spelled in (*spellings(code), code.replace("-", "\u2011"), code.replace("-", "－")):
        assert await scanned(desk, spelled) == (product, "1"), spelled
        for attempt in ((spelled,), (letters(), spelled)):
            refused = await created(desk, *attempt)
            assert refused["code"] == "ALREADY_TAKEN", spelled
            assert refused["owner"]["id"] == product
        another = await desk.product(letters())
        refused = await desk.do("addBarcode", productId=another, code=spelled, packQuantity="12")
        assert (refused["code"], refused["path"]) == ("ALREADY_TAKEN", ["input", "code"])


async def test_a_number_is_one_code_with_leading_zeros(desk: Desk) -> None:
    number = str(10**5 + uuid4().int % 10**5)[1:].lstrip("0") or "7"
    product = await created(desk, number)
    if product.get("code") == "ALREADY_TAKEN":  # an earlier test has the number
        return
    assert await scanned(desk, number.zfill(5)) == (product["id"], "1")
    assert (await created(desk, number.zfill(6)))["code"] == "ALREADY_TAKEN"


async def test_letters_that_look_alike_are_one_code(desk: Desk) -> None:
    sku = f"{letters()}ABC"
    product = (await created(desk, sku))["id"]
    refused = await created(desk, sku.replace("ABC", "АВС"))  # Cyrillic
    assert (refused["code"], refused["owner"]["id"]) == ("ALREADY_TAKEN", product)


@pytest.mark.parametrize("name", ["", " ", "\u200b", "\u3164", "\u2800", "\u202e\u202c", "\u0301"])
async def test_a_name_needs_a_visible_character(desk: Desk, name: str) -> None:
    assert await desk.code("createProduct", sku=letters(), name=name, unit="件") == "BAD_INPUT"
    assert await desk.code("createProduct", sku=name, name="货", unit="件") == "BAD_INPUT"


async def test_a_sku_and_a_barcode_of_one_product_may_be_equal(desk: Desk) -> None:
    sku = gtin(13)
    product = (await created(desk, sku, sku))["id"]
    assert await scanned(desk, sku) == (product, "1")
    refused = await desk.do("addBarcode", productId=product, code=sku, packQuantity="12")
    assert refused["code"] == "ALREADY_TAKEN"
    answer = await desk.do("removeBarcode", productId=product, code=sku)
    assert answer["barcodes"] == []
    assert await scanned(desk, sku) == (product, "1")
    other = letters()
    assert (await desk.do("updateProduct", productId=product, sku=other))["sku"] == other
    assert await scanned(desk, sku) == (None, None)


async def test_a_barcode_is_removed_and_corrected(desk: Desk) -> None:
    code = letters()
    product, other = await desk.product(letters()), await desk.product(letters())
    await desk.do("addBarcode", productId=product, code=code, packQuantity="24")
    for name in ("removeBarcode", "setBarcodePack"):
        more = {"packQuantity": "6"} if name == "setBarcodePack" else {}
        refused = await desk.do(name, productId=other, code=code, **more)
        assert refused["code"] == "UNKNOWN_BARCODE"
    for quantity in ("0", "0.5"):
        refused = await desk.do(
            "setBarcodePack", productId=product, code=code, packQuantity=quantity
        )
        assert refused["code"] == "INVALID_QUANTITY"
    key, last = str(uuid4()), str(uuid4())
    for _ in range(2):
        corrected = await desk.do(
            "setBarcodePack", key=key, productId=product, code=wide(code), packQuantity="12"
        )
        assert corrected["barcodes"] == [{"code": code, "packQuantity": "12"}]
    again = await desk.do("addBarcode", productId=product, code=code, packQuantity="6")
    assert again["barcodes"] == [{"code": code, "packQuantity": "6"}]
    for _ in range(2):
        removed = await desk.do("removeBarcode", key=last, productId=product, code=code.lower())
        assert removed["barcodes"] == []
    assert (await desk.do("addBarcode", productId=other, code=code))["id"] == other


async def test_a_barcode_of_an_archived_product_moves(desk: Desk) -> None:
    code, sku = gtin(13), letters()
    old = (await created(desk, sku, code))["id"]
    await desk.do("archiveProduct", productId=old)
    assert (await scanned(desk, code))[0] == old
    new = (await created(desk, letters(), code))["id"]
    assert (await scanned(desk, code))[0] == new
    back = await desk.do("archiveProduct", productId=old, archived=False)
    assert back["barcodes"] == []
    # An archived product keeps its SKU: the ledger still shows it.
    await desk.do("archiveProduct", productId=old)
    assert (await created(desk, sku))["code"] == "ALREADY_TAKEN"


async def test_a_changed_sku_is_free_again(desk: Desk) -> None:
    before, after = letters(), letters()
    product = (await created(desk, before))["id"]
    changed = await desk.do("updateProduct", productId=product, sku=after, name="新名")
    assert (changed["sku"], changed["name"]) == (after, "新名")
    assert (await scanned(desk, after), await scanned(desk, before)) == (
        (product, "1"),
        (None, None),
    )
    other = (await created(desk, before))["id"]
    refused = await desk.do("updateProduct", productId=other, sku=after.lower())
    assert (refused["code"], refused["owner"]["id"]) == ("ALREADY_TAKEN", product)
    # Another spelling of its own SKU is no other code.
    assert (await desk.do("updateProduct", productId=product, sku=after.lower()))[
        "sku"
    ] == after.lower()


async def test_of_requests_for_one_code_one_wins(desk: Desk) -> None:
    for _ in range(5):
        code = gtin(12)
        product = await desk.product(letters())
        other = await desk.product(letters())
        answers = await asyncio.gather(
            created(desk, code),
            created(desk, code.zfill(13)),
            created(desk, letters(), code.zfill(14), letters()),
            desk.do("addBarcode", productId=product, code=f" {code}", packQuantity="12"),
            desk.do("updateProduct", productId=other, sku=wide(code)),
        )
        kept = [each for each in answers if "id" in each]
        assert len(kept) == 1, answers
        assert (await scanned(desk, code))[0] == kept[0]["id"]
        assert {each["code"] for each in answers if "id" not in each} == {"ALREADY_TAKEN"}


async def test_two_products_exchange_codes_at_the_same_time(desk: Desk) -> None:
    """Neither waits for the other in turn: all are answered, and each code has one product."""
    codes = sorted(letters() for _ in range(2))
    products = [(await created(desk, code))["id"] for code in codes]
    spare = [letters() for _ in range(2)]
    answers = await asyncio.gather(
        *(
            desk.do("updateProduct", productId=product, sku=code)
            for _ in range(3)
            for product, code in zip(products, [codes[1], codes[0]], strict=True)
        ),
        created(desk, letters(), *spare),
        created(desk, letters(), *reversed(spare)),
    )
    assert all(each.get("id") or each["code"] == "ALREADY_TAKEN" for each in answers)
    assert len({(await scanned(desk, code))[0] for code in codes}) == 2


CODES = ("ab-1", "AB1", "7", "00012", "4006381333931", "中文", "a b 1")
CHANGES = ("createProduct", "addBarcode", "removeBarcode", "updateProduct", "archiveProduct")


def key_of(code: str) -> str:
    """What the codes of `CODES` have in common with their spellings, by simpler means."""
    return code.upper().replace(" ", "").lstrip("0")


async def test_no_two_products_share_a_code(fresh: Desk, seed: str) -> None:
    """Random changes of random spellings: after each, a code finds the product that took it."""
    choice = Random(seed)
    skus: dict[str, str] = {}
    barcodes: dict[str, str] = {}
    archived: set[str] = set()
    for _ in range(120):
        name, code = choice.choice(CHANGES), choice.choice(CODES)
        key, spelled = key_of(code), choice.choice(spellings(code))
        product = choice.choice(sorted(set(skus.values())) or [""])
        moves = barcodes.get(key) in archived and key not in skus
        free = moves or (key not in skus and key not in barcodes)
        if name == "createProduct":
            answer = await created(fresh, spelled)
            assert ("id" in answer) == free, (spelled, answer)
            if free:
                barcodes.pop(key, None)
                skus[key] = answer["id"]
        elif not product:
            continue
        elif name == "archiveProduct":
            gone = product not in archived
            await fresh.do(name, productId=product, archived=gone)
            archived ^= {product}
        elif name == "addBarcode":
            answer = await fresh.do(name, productId=product, code=spelled)
            mine = skus.get(key) == product and key not in barcodes
            assert ("id" in answer) == ((free and barcodes.get(key) != product) or mine), answer
            if "id" in answer:
                barcodes[key] = product
        elif name == "removeBarcode":
            answer = await fresh.do(name, productId=product, code=spelled)
            assert ("id" in answer) == (barcodes.get(key) == product), answer
            if "id" in answer:
                del barcodes[key]
        else:
            answer = await fresh.do(name, productId=product, sku=spelled)
            if "id" in answer:
                skus = {each: owner for each, owner in skus.items() if owner != product}
                if barcodes.get(key) != product:
                    barcodes.pop(key, None)
                skus[key] = product
        for each in CODES:
            owner = skus.get(key_of(each)) or barcodes.get(key_of(each))
            named = (await scanned(fresh, choice.choice(spellings(each))))[0]
            assert named == owner, (each, skus, barcodes)
