"""Printed labels: a product's code as a symbol that any scanner reads."""

import re
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from app.db import catalog as rows
from app.db.codes import barcodes_of
from app.db.core.snapshot import Reads
from app.db.tables import Product
from app.domain.access import Viewer
from app.domain.errors import Malformed
from app.domain.rules.codes import LENGTHS, check_digit_ok
from app.domain.rules.texts import clean

BATCH = re.compile(r"[!\"%&'*+,\-./0-9:;<=>?A-Z_a-z]{1,20}")
"""GS1 General Specifications 3.4.1 and 7.11; without the parentheses that set off an AI."""


@dataclass(frozen=True, slots=True)
class Printed:
    """A symbol as SVG, and the human-readable text below it."""

    product: Product
    symbology: str
    text: str
    svg: str


async def product_label(
    reads: Reads,
    viewer: Viewer,
    product_id: UUID,
    batch_no: str | None,
    expires_on: date | None,
    produced_on: date | None,
) -> Printed | None:
    """The label of a product, by its first GTIN, else by its sku; None for no such product.

    With a batch or a date it is a GS1 DataMatrix, so that receiving it is one scan. Raises
    Malformed for a batch number that GS1 has no place for, and for dates without a GTIN.
    """
    batch_no = clean(batch_no, "batchNo", 20)
    if batch_no is not None and not BATCH.fullmatch(batch_no):
        raise Malformed(
            "batchNo",
            "标签上的批号最多 20 个字符，只能用字母、数字和常用符号",
            "A batch number on a label has at most 20 letters, digits and simple signs.",
        )
    async with reads.read(viewer.tenant) as session:
        products = await rows.products_by_id(session, viewer.tenant, [product_id])
        codes = await barcodes_of(session, viewer.tenant, [product_id])
    if not products:
        return None
    shown = [each.code or "" for each in codes]
    gtins = (code for code in shown if len(code) == max(LENGTHS) and check_digit_ok(code))
    gtin = next(gtins, None)
    dated = [("11", _day(produced_on)), ("17", _day(expires_on)), ("10", batch_no)]
    has_data = any(value for _, value in dated)
    if gtin is None:
        if has_data:
            raise Malformed(
                "productId",
                "该商品没有商品条码，请先添加条码（可生成店内码）",
                "The product has no GTIN: add a barcode first, or have one created.",
            )
        return _named(products[0], shown[0] if shown else products[0].sku)
    if has_data:
        parts = "".join(f"({ai}){value}" for ai, value in [("01", gtin), *dated] if value)
        return _printed(products[0], "DATA_MATRIX", parts, gs1=True)
    if gtin.startswith("0"):
        return _printed(products[0], "EAN_13", gtin[1:])
    return _printed(products[0], "CODE_128", f"(01){gtin}", gs1=True)


def _named(product: Product, text: str) -> Printed:
    """Code 128 has no Chinese characters; a QR code does."""
    return _printed(product, "CODE_128" if text.isascii() else "QR_CODE", text)


def _day(day: date | None) -> str | None:
    return None if day is None else f"{day:%y%m%d}"


FORMATS = {
    "EAN_13": "EAN13",
    "CODE_128": "Code128",
    "QR_CODE": "QRCode",
    "DATA_MATRIX": "DataMatrix",
}


def _printed(product: Product, symbology: str, text: str, gs1: bool = False) -> Printed:
    # Loaded at the first label.
    import zxingcpp

    # `Any`: zxing-cpp types its options as unknown. Only GS1 symbols take the option.
    writer: Any = zxingcpp
    options = {"gs1": True} if gs1 else {}
    symbol = writer.create_barcode(
        text, getattr(writer.BarcodeFormat, FORMATS[symbology]), **options
    )
    return Printed(product, symbology, text, symbol.to_svg())
