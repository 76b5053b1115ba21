"""Use cases of barcodes: add, correct and remove the codes of a product and its packs."""

from decimal import Decimal
from uuid import UUID, uuid5

from app.db import codes as rows
from app.db.core.unit import Database, Unit
from app.db.tables import Product, ProductCode
from app.domain.access import Viewer
from app.domain.catalog.namespace import NewCode, read_barcode, take_codes, taken
from app.domain.catalog.products import announce, get_product
from app.domain.claims import claim
from app.domain.errors import InvalidQuantity, Refused, UnknownBarcode
from app.domain.rules.codes import in_house
from app.domain.rules.units import to_base


async def add_barcode(
    db: Database,
    viewer: Viewer,
    key: UUID,
    product_id: UUID,
    code: str | None,
    pack_quantity: Decimal | None,
) -> Product:
    """Another code of the product: of one unit, or of a pack of `pack_quantity` units.

    Without a code an in-house one is generated, the same for the same key. A code that the
    product has already gets the pack quantity, if that is another one. Raises Refused:
    UnknownProduct, AlreadyTaken, InvalidQuantity.
    """
    own_code = in_house(uuid5(viewer.tenant, str(key)).int)
    new = read_barcode(own_code if code is None else code, "code")
    async with db.unit(viewer.tenant) as unit:
        request = ("addBarcode", product_id, new.shown, pack_quantity)
        earlier = await claim(unit, viewer.claimant, key, product_id, *request)
        product = await get_product(unit, product_id)
        if earlier is None:
            pack = None if pack_quantity is None else _base(product, pack_quantity)
            await take_codes(unit, product, [new._replace(pack=pack)])
            await announce(unit, product)
    return product


async def remove_barcode(
    db: Database, viewer: Viewer, key: UUID, product_id: UUID, code: str
) -> Product:
    """Takes a barcode from the product; the code is free for another one.

    Raises Refused: UnknownProduct, UnknownBarcode.
    """
    old = read_barcode(code, "code")
    async with db.unit(viewer.tenant) as unit:
        request = ("removeBarcode", product_id, old.shown)
        earlier = await claim(unit, viewer.claimant, key, product_id, *request)
        product = await get_product(unit, product_id)
        if earlier is None:
            row = await _barcode(unit, product, old)
            if row.is_sku:
                row.code = row.pack_quantity = None
            else:
                await rows.remove(unit, row)
            await announce(unit, product)
    return product


async def set_barcode_pack(
    db: Database, viewer: Viewer, key: UUID, product_id: UUID, code: str, pack_quantity: Decimal
) -> Product:
    """Corrects how much one pack with this barcode holds.

    Raises Refused: UnknownProduct, UnknownBarcode, InvalidQuantity, AlreadyTaken for a barcode
    that is the SKU as well, and so means one unit.
    """
    old = read_barcode(code, "code")
    async with db.unit(viewer.tenant) as unit:
        request = ("setBarcodePack", product_id, old.shown, pack_quantity)
        earlier = await claim(unit, viewer.claimant, key, product_id, *request)
        product = await get_product(unit, product_id)
        if earlier is None:
            row, pack = await _barcode(unit, product, old), _base(product, pack_quantity)
            if row.is_sku and pack != product.scale:
                raise taken(old, row)
            row.pack_quantity = pack
            await announce(unit, product)
    return product


async def _barcode(unit: Unit, product: Product, code: NewCode) -> ProductCode:
    row = (await rows.locked(unit, [code.name])).get(code.name)
    if row is None or row.code is None or row.product_id != product.id:
        raise Refused(UnknownBarcode(code.shown, path=code.path))
    return row


def _base(product: Product, quantity: Decimal) -> int:
    base = to_base(quantity, product.scale)
    if base is None:
        raise Refused(InvalidQuantity(product.id, str(quantity)))
    return base
