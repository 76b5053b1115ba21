"""The assortment: the products that customers of a store or channel see and may order."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from app.db import assortment as rows
from app.db.assortment import EVERY_CHANNEL, Entry
from app.db.categories import categories_by_id
from app.db.core.unit import Database, Unit
from app.db.tables import Product
from app.domain import access
from app.domain.access import Can, Viewer
from app.domain.catalog.products import read_products
from app.domain.claims import claim
from app.domain.errors import Malformed, Refused, UnknownCategory, UnknownStore

MOST_PRODUCTS = 500


@dataclass(frozen=True, slots=True)
class AssortmentRequest:
    """Products, or all products of a category; stores and channels, None for all of them."""

    key: UUID
    products: Sequence[UUID] | None
    category: UUID | None
    stores: Sequence[UUID] | None
    channels: Sequence[str] | None
    listed: bool


async def set_assortment(
    db: Database, viewer: Viewer, request: AssortmentRequest
) -> Sequence[Product]:
    """List products in stores and channels, or no longer list them; the products.

    Without channels the entry holds for all of them and replaces those of single channels.
    Raises Refused: UnknownProduct, UnknownCategory, UnknownStore; Malformed for no products, for
    products and a category, and for more than `MOST_PRODUCTS` products.
    """
    stores = _reached(viewer, request.stores)
    async with db.unit(viewer.tenant) as unit:
        chosen = await _chosen(unit, request)
        [first, *_] = chosen
        parts = (request.products, request.category, request.stores, request.channels)
        earlier = await claim(
            unit, viewer.claimant, request.key, first, "setAssortment", *parts, request.listed
        )
        products = await read_products(unit.session, unit.tenant, chosen)
        if earlier is None:
            entries = [
                Entry(product, store, channel)
                for product in products
                for store in stores
                for channel in request.channels or (EVERY_CHANNEL,)
            ]
            await rows.put(unit, entries, is_listed=request.listed)
    return [products[id] for id in chosen]


def _reached(viewer: Viewer, requested: Sequence[UUID] | None) -> list[UUID]:
    """The requested stores, all that the viewer may change by default."""
    stores = access.some(viewer, Can.EDIT_CATALOG, requested)
    if missing := set(requested or ()) - set(stores):
        raise Refused(UnknownStore(", ".join(sorted(map(str, missing)))))
    return stores


async def _chosen(unit: Unit, request: AssortmentRequest) -> list[UUID]:
    """The products of the request, each once and in order."""
    if (request.products is None) == (request.category is None):
        raise Malformed(
            "productIds",
            "请选择商品或分类，且只选一种",
            "Give either products or a category.",
        )
    chosen = sorted(set(request.products or ()))
    if request.category is not None:
        if not await categories_by_id(unit.session, unit.tenant, [request.category]):
            raise Refused(UnknownCategory(str(request.category)))
        chosen = list(
            await rows.products_of_category(
                unit.session, unit.tenant, request.category, MOST_PRODUCTS + 1
            )
        )
    if not 1 <= len(chosen) <= MOST_PRODUCTS:
        raise Malformed(
            "productIds" if request.category is None else "categoryId",
            f"每次须选择 1 至 {MOST_PRODUCTS} 种商品",
            f"Choose 1 to {MOST_PRODUCTS} products.",
        )
    return chosen
