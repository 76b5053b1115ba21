"""Use cases of the catalog topic: what the chain keeps, and how it is named, packed and judged."""

from collections.abc import Collection
from dataclasses import asdict, dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from app.db import catalog as rows
from app.db.alerts import judge
from app.db.catalog import ProductFilter
from app.db.categories import categories_by_id
from app.db.core.snapshot import AnySession
from app.db.core.unit import Database, Unit
from app.db.levels import open_levels
from app.db.tables import Level, Product
from app.domain import access
from app.domain.access import Can, Viewer
from app.domain.catalog.images import hold_image
from app.domain.catalog.namespace import change_sku, read_sku
from app.domain.catalog.pinyin import full, search_text
from app.domain.claims import claim
from app.domain.errors import (
    InvalidQuantity,
    Malformed,
    Refused,
    UnknownCategory,
    UnknownProduct,
    WrongState,
    WrongStateReason,
    unknown_products,
)
from app.domain.ledger.crossings import standings
from app.domain.rules.codes import code_key
from app.domain.rules.spelling import search_key
from app.domain.rules.texts import clean, link
from app.domain.rules.units import LIMIT, to_base

FEN = 100
WARNABLE_DAYS = range(7, 31)


async def read_products(
    session: AnySession, tenant: UUID, ids: Collection[UUID]
) -> dict[UUID, Product]:
    """These products, archived ones too. Raises Refused(UnknownProduct) with all missing ids."""
    products = {row.id: row for row in await rows.products_by_id(session, tenant, ids)}
    if missing := set(ids) - products.keys():
        raise unknown_products(missing)
    return products


def product_filter(
    search: str | None,
    category_id: UUID | None,
    kind: str | None,
    archived: bool | None,
    updated_since: datetime | None,
) -> ProductFilter:
    """The products that a list shows: without `archived` those in use, or of changes all.

    Raises InvalidText.
    """
    words = clean(search, "search", 100)
    return ProductFilter(
        words and search_key(words),
        words and code_key(words),
        category_id,
        kind,
        archived if updated_since is not None else bool(archived),
        updated_since,
    )


@dataclass(frozen=True, slots=True)
class ProductDescription:
    """Fields of a product; None leaves a field unchanged (empty for a new product).

    `emptied` are the fields that lose their value. `own_image` is whether this server keeps the
    image of `image_url`: then the link may be http, as on a host without TLS.
    """

    name: str | None = None
    spec: str | None = None
    price: int | None = None
    category_id: UUID | None = None
    image_url: str | None = None
    overstock_point: Decimal | None = None
    for_sale: bool | None = None
    emptied: tuple[str, ...] = ()
    own_image: bool = False

    def printed(self) -> dict[str, Any]:
        """The fields for a fingerprint. Fields of later versions only if they are given, so that a
        retry still finds its claim."""
        later = {"for_sale": self.for_sale, "emptied": self.emptied}
        plain = asdict(self)
        del plain["own_image"]
        return {
            **{name: each for name, each in plain.items() if name not in later},
            **{name: each for name, each in later.items() if each not in (None, ())},
        }

    def _image_link(self) -> str | None:
        """The link. Raises InvalidText."""
        if self.own_image or not self.image_url:
            return self.image_url or None
        return link(self.image_url, "imageUrl", 500)

    def cleaned(self) -> dict[str, Any]:
        """The columns to write. `price` comes in 1/10000 yuan and is kept in fen."""
        values: dict[str, Any] = {
            "name": clean(self.name, "name", 200),
            "spec": clean(self.spec, "spec", 100),
            "image_url": self._image_link(),
            "category_id": self.category_id,
            "for_sale": self.for_sale,
        }
        if self.price is not None:
            fen, rest = divmod(self.price, FEN)
            if rest:
                raise Malformed("price", "价格最多两位小数", "A price has at most 2 decimals.")
            values["price"] = fen
        given = {name: value for name, value in values.items() if value is not None}
        return given | {name: "" if name == "spec" else None for name in self.emptied}


async def update_product(
    db: Database,
    viewer: Viewer,
    key: UUID,
    product_id: UUID,
    described: ProductDescription,
    sku: str | None = None,
) -> Product:
    """Changes what is given. Raises Refused: UnknownProduct, UnknownCategory, AlreadyTaken."""
    columns = described.cleaned()
    sku_code = None if sku is None else read_sku(sku)
    async with db.unit(viewer.tenant) as unit:
        # Without a SKU it is the request of earlier versions: a retry still finds its claim.
        printed = described.printed()
        request = ("updateProduct", product_id, printed, *([sku_code.shown] if sku_code else []))
        earlier = await claim(unit, viewer.claimant, key, product_id, *request)
        product = await get_product(unit, product_id)
        if earlier is None:
            await check_category(unit, described.category_id)
            await hold_image(unit, columns.get("image_url"))
            for name, value in columns.items():
                setattr(product, name, value)
            if sku_code is not None:
                await change_sku(unit, product, sku_code)
            if described.overstock_point is not None:
                product.overstock_point = threshold(product, described.overstock_point)
            index_texts(product)
            await announce(unit, product, {"overstock_point": product.overstock_point})
    return product


async def archive_product(
    db: Database,
    viewer: Viewer,
    key: UUID,
    product_id: UUID,
    archived: bool,
    *,
    with_stock: bool = False,
) -> Product:
    """Take a product out of searches and the storefront, or back in; its stock stays.

    Raises Refused: UnknownProduct, WrongState(HAS_STOCK) unless `with_stock`.
    """
    async with db.unit(viewer.tenant) as unit:
        # Without the choice it is the request of earlier versions: a retry still finds its claim.
        request = ("archiveProduct", product_id, archived, *([True] if with_stock else []))
        earlier = await claim(unit, viewer.claimant, key, product_id, *request)
        product = await get_product(unit, product_id)
        if earlier is None:
            levels = await rows.locked_levels(unit, product_id)
            if archived and not with_stock and any(map(_has_stock, levels)):
                raise Refused(WrongState(WrongStateReason.HAS_STOCK))
            product.archived_at = (product.archived_at or unit.now) if archived else None
            await announce(unit, product)
    return product


async def set_reorder_point(
    db: Database,
    viewer: Viewer,
    key: UUID,
    product_id: UUID,
    store_id: UUID | None,
    quantity: Decimal | None,
) -> Product:
    """The level at or below which a store is LOW: of one store, or of all without their own.

    None removes it: a store has the product's again, and the product has none.

    Raises Refused: UnknownProduct, UnknownStore, InvalidQuantity.
    """
    await _open_thresholds(db, viewer, product_id, store_id)
    async with db.unit(viewer.tenant) as unit:
        request = ("setReorderPoint", product_id, store_id, quantity)
        earlier = await claim(unit, viewer.claimant, key, product_id, *request)
        product = await get_product(unit, product_id)
        if earlier is None:
            own = store_id is not None and quantity is not None
            point = threshold(product, quantity)
            if store_id is None:
                product.reorder_point = point or 0
            chosen = product.reorder_point if point is None else point
            levels = await rows.set_reorder_point(unit, product_id, store_id, chosen, own)
            await judge(unit, standings(levels))
    return product


async def set_expiry_warning(
    db: Database,
    viewer: Viewer,
    key: UUID,
    product_id: UUID,
    store_id: UUID | None,
    days: int | None,
) -> Product:
    """How long before its expiry a batch of the product counts as near it, from 7 to 30 days: in
    one store, or in all without a warning of their own. None removes it.

    Raises Refused: UnknownProduct, UnknownStore.
    """
    if days is not None:
        check_warning(days, "days")
    await _open_thresholds(db, viewer, product_id, store_id)
    async with db.unit(viewer.tenant) as unit:
        # Without a store it is the request of earlier versions: a retry still finds its claim.
        request = ("setExpiryWarning", product_id, days, *([store_id] if store_id else []))
        earlier = await claim(unit, viewer.claimant, key, product_id, *request)
        product = await get_product(unit, product_id)
        if earlier is None and store_id is not None:
            await rows.set_expiry_warning(unit, product_id, store_id, days)
        elif earlier is None:
            product.own_warning_days = days
            await announce(unit, product)
    return product


def check_warning(days: int, field: str) -> None:
    if days not in WARNABLE_DAYS:
        raise Malformed(field, "临期提醒须为 7 至 30 天", "The expiry warning is 7 to 30 days.")


async def _open_thresholds(
    db: Database, viewer: Viewer, product_id: UUID, store_id: UUID | None
) -> None:
    """Creates the level whose threshold is set. Without a store all stores are concerned.

    Raises Refused(UnknownStore), and Malformed without a store for those who have only some.
    """
    if store_id is not None:
        access.at(viewer, Can.SET_THRESHOLDS, store_id)
        async with db.unit(viewer.tenant) as unit:
            await open_levels(unit, {(store_id, product_id)})
    elif viewer.scope.reach(Can.SET_THRESHOLDS) is not access.Reach.ALL:
        raise Malformed("storeId", "请选择您负责的门店", "Choose one of your stores.")


def _has_stock(level: Level) -> bool:
    """Whether goods are in the store, or on their way to it."""
    return any((level.shelf, level.reserved, level.quarantine, level.transit))


def index_texts(product: Product) -> None:
    product.search = search_text(product.name, product.sku)
    product.pinyin = full(product.name)


def threshold(product: Product, quantity: Decimal | None) -> int | None:
    """The threshold in base units; 0 switches the warning off. Raises Refused(InvalidQuantity)."""
    if quantity is None or quantity == 0:
        return None if quantity is None else 0
    base = to_base(quantity, product.scale)
    if base is None or base > LIMIT:
        raise Refused(InvalidQuantity(product.id, str(quantity)))
    return base


async def get_product(unit: Unit, product_id: UUID) -> Product:
    """The product, locked. Raises Refused(UnknownProduct)."""
    product = await rows.locked_product(unit, product_id)
    if product is None:
        raise Refused(UnknownProduct((str(product_id),)))
    return product


async def check_category(unit: Unit, category_id: UUID | None) -> None:
    if category_id is not None and not await categories_by_id(
        unit.session, unit.tenant, [category_id]
    ):
        raise Refused(UnknownCategory(str(category_id)))


async def announce(unit: Unit, product: Product, columns: dict[str, Any] | None = None) -> None:
    """Announces the product in every store: terminals show it beside its level."""
    await unit.session.flush()
    for level in await rows.locked_levels(unit, product.id):
        for name, value in (columns or {}).items():
            setattr(level, name, value)
        unit.changed(level.store_id, product.id)
        # Boards read it again, although no number of its level changed.
        unit.document_changed(level.store_id, product.id)
