"""One namespace for the SKUs, barcodes, pack barcodes and PLUs of a chain: a code names one
product, in any spelling.
"""

from collections.abc import Iterable
from typing import NamedTuple

from app.db import codes as rows
from app.db.core.unit import Unit
from app.db.tables import Product, ProductCode
from app.domain.errors import AlreadyTaken, Refused
from app.domain.rules.codes import code_key, normal
from app.domain.rules.spelling import plain
from app.domain.rules.texts import clean

LONGEST = 64


class NewCode(NamedTuple):
    """A code for a product; `path` is the field of the input that holds it.

    `pack` is in base units, None when the quantity in one pack is not given.
    """

    name: str
    shown: str
    path: tuple[str, ...]
    is_sku: bool = False
    pack: int | None = None


def read_sku(text: str) -> NewCode:
    """The SKU in half width, without invisible characters. Raises InvalidText."""
    sku = plain(clean(text, "sku", LONGEST, required=True))
    return NewCode(code_key(sku), sku, ("sku",), is_sku=True)


def read_barcode(text: str, field: str, *place: str, pack: int | None = None) -> NewCode:
    """The barcode as it is shown; a GTIN has 14 digits. Raises InvalidText."""
    code = normal(clean(text, field, LONGEST, required=True))
    return NewCode(code_key(code), code, (field, *place), pack=pack)


async def take_codes(unit: Unit, product: Product, codes: Iterable[NewCode]) -> None:
    """Gives the codes to the product; barcodes of archived products move to it.

    A code that the product has may become its SKU or its barcode as well. Raises
    Refused(AlreadyTaken).
    """
    # In one order, so that two requests for the same codes do not wait for each other in turn.
    for code in sorted(codes, key=lambda each: (each.name, not each.is_sku)):
        row = ProductCode(
            tenant_id=unit.tenant,
            name=code.name,
            product_id=product.id,
            is_sku=code.is_sku,
            code=None if code.is_sku else code.shown,
            pack_quantity=code.pack,
        )
        taken = await rows.claim(unit, row)
        if taken is not None:
            await _take_over(unit, product, code, taken)


async def _take_over(unit: Unit, product: Product, code: NewCode, row: ProductCode) -> None:
    """Gives the product a code that exists. Raises Refused(AlreadyTaken)."""
    if row.product_id != product.id:
        if row.is_sku or not await rows.is_archived(unit, row.product_id):
            raise taken(code, row)
        row.product_id, row.is_sku = product.id, code.is_sku
        row.code = None if code.is_sku else code.shown
        row.pack_quantity = code.pack
    elif code.is_sku:
        if row.is_sku or row.pack_quantity not in (None, product.scale):
            raise taken(code, row)
        row.is_sku = True
    else:
        same = row.code is not None and code.pack in (None, row.pack_quantity)
        if same or (row.is_sku and code.pack not in (None, product.scale)):
            raise taken(code, row)
        row.code, row.pack_quantity = code.shown, code.pack
    await unit.session.flush()


def taken(code: NewCode, row: ProductCode) -> Refused:
    """The exception to raise when `row` is in the way of the code."""
    field = "sku" if code.is_sku else "barcode"
    return Refused(AlreadyTaken(field, code.shown, row.product_id, path=code.path))


async def change_sku(unit: Unit, product: Product, code: NewCode) -> None:
    """Replaces the product's SKU; the old one is free. Raises Refused(AlreadyTaken)."""
    before = code_key(product.sku)
    if code.name != before:
        held = await rows.locked(unit, [before, code.name])
        await _release_sku(unit, held[before])
        await take_codes(unit, product, [code])
    product.sku = code.shown


async def _release_sku(unit: Unit, row: ProductCode) -> None:
    if row.code is None:
        await rows.remove(unit, row)
    else:
        row.is_sku = False
        await unit.session.flush()
