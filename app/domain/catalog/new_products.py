"""Creating a product, with its codes, thresholds, category and opening stock: all or nothing."""

from collections.abc import Awaitable, Callable, Generator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from decimal import Decimal
from typing import Any, NamedTuple
from uuid import UUID

from uuid_utils.compat import uuid7

from app.db.core.unit import Database, Unit
from app.db.tables import Product
from app.domain.access import Viewer
from app.domain.catalog.categories import open_path, read_path
from app.domain.catalog.images import hold_image
from app.domain.catalog.namespace import NewCode, read_barcode, read_sku, take_codes
from app.domain.catalog.products import (
    ProductDescription,
    check_category,
    check_warning,
    get_product,
    index_texts,
    threshold,
)
from app.domain.claims import claim
from app.domain.errors import InvalidQuantity, Malformed, Refused, UnknownUnit
from app.domain.paths import at_path
from app.domain.rules.texts import clean
from app.domain.rules.units import is_known, scale_of, to_base, unit_of

MOST_BARCODES = 20


@dataclass(frozen=True, slots=True)
class FirstValues:
    """What a new product may have from the start; otherwise other use cases set it later.

    `barcode` is of a pack of `pack_quantity` units, of one unit by default. `opening` prints the
    opening stock that `Stocking` books.
    """

    reorder_point: Decimal | None = None
    expiry_warning_days: int | None = None
    barcode: str | None = None
    pack_quantity: Decimal | None = None
    category_path: str | None = None
    opening: tuple[Any, ...] = ()


NOTHING = FirstValues()
Stocking = Callable[[Unit, Product], Awaitable[None]]
"""Books the opening stock of a new product in the unit that creates it."""


@dataclass(frozen=True, slots=True)
class ProductRequest:
    """A product to be created: its code and unit, its description and its first values.

    `barcodes` are of one unit. An unusual unit needs `confirm_unit`.
    """

    sku: str
    unit: str
    kind: str
    described: ProductDescription
    barcodes: Sequence[str] = ()
    tracks_batches: bool = False
    shelf_life_days: int | None = None
    confirm_unit: bool = False
    first: FirstValues = NOTHING


class NewProduct(NamedTuple):
    """A product before it is saved: its row, its codes with the SKU first, and the names of its
    category's path."""

    row: Product
    codes: list[NewCode]
    path: tuple[str, ...]


async def create_product(
    db: Database,
    viewer: Viewer,
    key: UUID,
    request: ProductRequest,
    stocking: Stocking | None = None,
) -> Product:
    """Create a product. Its unit never changes, nor does whether it is kept by batches.

    All or nothing. Raises Refused: AlreadyTaken for a sku or barcode in use, UnknownCategory,
    UnknownUnit for an unusual unit without `confirm_unit`; Malformed for an invalid quantity;
    and what `stocking` raises.
    """
    new = new_product(viewer.tenant, request)
    product = new.row
    async with db.unit(viewer.tenant) as unit:
        printed = _printed(request, product)
        if earlier := await claim(unit, viewer.claimant, key, product.id, *printed):
            return await get_product(unit, earlier)
        await check_category(unit, product.category_id)
        await hold_image(unit, product.image_url)
        product.category_id = await open_path(unit, new.path) or product.category_id
        unit.session.add(product)
        await unit.session.flush()
        await take_codes(unit, product, new.codes)
        if stocking is not None:
            with _not_saved():
                await stocking(unit, product)
    return product


def _printed(request: ProductRequest, product: Product) -> tuple[object, ...]:
    """What identifies the request of a key."""
    shown = [code.shown for code in _read_barcodes(request.barcodes)]
    return (
        "createProduct",
        product.sku,
        product.unit,
        request.kind,
        shown,
        request.described.printed(),
        request.tracks_batches,
        request.shelf_life_days,
        # Without first values it is the request of earlier versions: a retry finds its claim.
        *([asdict(request.first)] if request.first != NOTHING else []),
    )


def new_product(tenant: UUID, request: ProductRequest) -> NewProduct:
    """A product with these values, which is not saved.

    Raises Refused(UnknownUnit), Malformed, InvalidText.
    """
    described, life = request.described, request.shelf_life_days
    sku_code = read_sku(request.sku)
    clean(described.name, "name", 200, required=True)
    unit_name = unit_of(clean(request.unit, "unit", 10, required=True))
    if not request.confirm_unit and not is_known(unit_name):
        raise Refused(UnknownUnit(unit_name, path=("unit",)))
    codes = _read_barcodes(request.barcodes)
    if life is not None and not (request.tracks_batches and 0 <= life <= 36500):
        raise Malformed(
            "shelfLifeDays",
            "保质期须为 0 至 36500 天，且商品须按批次管理",
            "The shelf life is 0 to 36500 days, for a product that tracks batches.",
        )
    columns = described.cleaned()
    product = Product(
        tenant_id=tenant,
        id=uuid7(),
        sku=sku_code.shown,
        kind=request.kind,
        unit=unit_name,
        scale=scale_of(unit_name),
        tracks_batches=request.tracks_batches,
        shelf_life_days=life,
        **{"spec": "", **columns},
    )
    with _not_saved():
        with at_path("overstockPoint"):
            product.overstock_point = threshold(product, described.overstock_point)
        more, path = _prepare(product, request.first)
    index_texts(product)
    return NewProduct(product, [sku_code, *codes, *more], path)


def _read_barcodes(barcodes: Sequence[str]) -> list[NewCode]:
    """The barcodes of one unit. Raises Malformed for too many, InvalidText."""
    if len(barcodes) > MOST_BARCODES:
        raise Malformed(
            "barcodes", f"条码最多 {MOST_BARCODES} 个", f"Barcodes: give at most {MOST_BARCODES}."
        )
    return [read_barcode(text, "barcodes", str(i)) for i, text in enumerate(barcodes)]


@contextmanager
def _not_saved() -> Generator[None]:
    """Raises Malformed for InvalidQuantity, which names a product: a new one does not exist."""
    try:
        yield
    except Refused as refused:
        if not isinstance(refused.refusal, InvalidQuantity):
            raise
        quantity = refused.refusal.quantity
        zh = f"数量 {quantity} 无效：须大于 0，且符合商品的单位"
        en = f"The quantity {quantity} is not valid: it is above 0 and fits the product's unit."
        error = Malformed(None, zh, en)
        error.path = refused.refusal.path or ()
        raise error from None


def _prepare(product: Product, first: FirstValues) -> tuple[list[NewCode], tuple[str, ...]]:
    """Gives the product its thresholds. Returns its first barcode, and its category's path.

    Raises Malformed, InvalidText, Refused(InvalidQuantity).
    """
    with at_path("reorderPoint"):
        product.reorder_point = threshold(product, first.reorder_point) or 0
    if first.expiry_warning_days is not None:
        check_warning(first.expiry_warning_days, "expiryWarningDays")
        product.own_warning_days = first.expiry_warning_days
    if first.category_path is not None and product.category_id is not None:
        raise Malformed(
            "categoryPath",
            "分类和分类路径只能填一个",
            "Give a category or a path, not both.",
        )
    path = () if first.category_path is None else read_path(first.category_path, "categoryPath")
    if first.barcode is None:
        return [], path
    pack = None if first.pack_quantity is None else to_base(first.pack_quantity, product.scale)
    if pack is None and first.pack_quantity is not None:
        where = ("barcode", "packQuantity")
        raise Refused(InvalidQuantity(product.id, str(first.pack_quantity), path=where))
    return [read_barcode(first.barcode, "barcode", "code", pack=pack)], path
