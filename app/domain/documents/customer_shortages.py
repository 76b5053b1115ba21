"""What customers learn when goods are missing: products of their own order, never ingredients."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from uuid import UUID

from app.db.orders import PlacedLine
from app.domain.errors import OutOfStock, Shortage


def for_customers(
    refusal: OutOfStock,
    lines: Sequence[PlacedLine],
    parts: Mapping[UUID, Collection[UUID]],
    few: int,
) -> OutOfStock:
    """The refusal with the ordered products that are short.

    `parts` are the ingredients of each ordered dish. A quantity above `few` whole units is not
    told, and neither is how many of a dish can be made.
    """
    short = {each.product_id: each for each in refusal.shortages}
    shortages: dict[UUID, Shortage] = {}
    for line in lines:
        product = line.product_id
        if product not in short and short.keys().isdisjoint(parts.get(product, ())):
            continue
        earlier = shortages.get(product)
        requested = line.quantity + (earlier.requested if earlier else 0)
        available = _shown(short.get(product), few)
        shortages[product] = Shortage(product, requested, available, line.scale, public=True)
    return replace(refusal, shortages=tuple(shortages.values()))


def _shown(shortage: Shortage | None, few: int) -> int | None:
    if shortage is None or shortage.available is None:
        return None
    return shortage.available if shortage.available <= few * shortage.scale else None
