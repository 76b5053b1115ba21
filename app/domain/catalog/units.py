"""Use cases of the units topic: what a shop counts a product in beside its unit."""

from collections.abc import Sequence
from decimal import Decimal
from typing import NamedTuple
from uuid import UUID

from app.db import units as rows
from app.db.core.unit import Database
from app.db.tables import Product
from app.domain.access import Viewer
from app.domain.catalog.products import announce, get_product
from app.domain.claims import claim
from app.domain.errors import InvalidQuantity, Malformed, Refused
from app.domain.rules.texts import clean
from app.domain.rules.units import MEASURES, size_of, to_base, unit_of

MOST_UNITS = 10


class Pack(NamedTuple):
    """A unit as it was sent: `quantity` of the unit `of`, by default the product's own unit."""

    name: str
    quantity: Decimal
    of: str | None = None


async def set_units(
    db: Database,
    viewer: Viewer,
    key: UUID,
    product_id: UUID,
    packs: Sequence[Pack],
    display: str | None,
    opened: str | None,
) -> Product:
    """Gives the product these units and no others: each an exact number of base units.

    `display` is the one the shop reads, `opened` the one that is opened and used up in parts.
    Raises Refused: UnknownProduct, InvalidQuantity for what is not whole in base units.
    """
    if len(packs) > MOST_UNITS:
        raise Malformed("units", f"单位最多 {MOST_UNITS} 个", f"Units: give at most {MOST_UNITS}.")
    async with db.unit(viewer.tenant) as unit:
        request = ("setUnits", product_id, packs, display, opened)
        earlier = await claim(unit, viewer.claimant, key, product_id, *request)
        product = await get_product(unit, product_id)
        if earlier is None:
            sizes = _sizes(product, packs)
            await rows.replace(unit, product_id, sizes)
            product.display_unit = _one_of(sizes, display, "displayUnit")
            container = sizes.get(_one_of(sizes, opened, "openedUnit") or "")
            product.container = container
            await announce(unit, product, {"container": container})
    return product


def _sizes(product: Product, packs: Sequence[Pack]) -> dict[str, int]:
    sizes: dict[str, int] = {}
    for pack in packs:
        name = unit_of(clean(pack.name, "name", 10, required=True))
        if name in sizes or name in MEASURES or name == product.unit:
            raise Malformed("name", f"单位“{name}”已存在", f"Unit {name!r} already exists.")
        size = size_of(pack.of or product.unit, product.unit, sizes)
        if size is None:
            raise Malformed(
                "of",
                f"单位“{pack.of}”还没有定义，请先列出较小的单位",
                f"Unit {pack.of!r} is not defined yet: list smaller units first.",
            )
        base = to_base(pack.quantity, size)
        if base is None:
            raise Refused(InvalidQuantity(product.id, str(pack.quantity)))
        sizes[name] = base
    return sizes


def _one_of(sizes: dict[str, int], name: str | None, field: str) -> str | None:
    if name is not None and name not in sizes:
        raise Malformed(
            field,
            "须为商品的基本单位或这里列出的单位",
            "Choose the product's own unit or a unit of this list.",
        )
    return name
