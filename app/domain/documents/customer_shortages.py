"""Refusals as customers see them: products of their own order, never ingredients."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from uuid import UUID

from app.db import identity
from app.db.orders import PlacedLine
from app.domain.errors import GuestLimitReached, OutOfStock, Shortage
from app.domain.ledger.draft import Draft
from app.domain.movements.record import Books


async def for_customers(
    books: Books, drafted: Draft, refusal: OutOfStock | GuestLimitReached, tenant: UUID
) -> OutOfStock | GuestLimitReached:
    """The refusal of an order as its customer sees it."""
    assert drafted.order is not None
    lines, store_id = drafted.order.lines, drafted.order.store_id
    known = await books.cookbook.of(tenant, {line.product_id for line in lines})
    parts = {id: {each.need.product for each in dish.takes} for id, dish in known.items()}
    if isinstance(refusal, GuestLimitReached):
        return GuestLimitReached(products_of(lines, refusal.product_ids, parts))
    async with books.db.read(tenant) as session:
        [store] = await identity.stores_by_id(session, tenant, [store_id])
    return replace(refusal, shortages=shortages_of(lines, refusal, parts, store.few_threshold))


def products_of(
    lines: Sequence[PlacedLine],
    products: Collection[UUID],
    parts: Mapping[UUID, Collection[UUID]],
) -> tuple[UUID, ...]:
    """The ordered products that are among `products` or take one of them as an ingredient."""
    ordered = dict.fromkeys(line.product_id for line in lines)
    among = frozenset(products)
    return tuple(id for id in ordered if id in among or among.intersection(parts.get(id, ())))


def shortages_of(
    lines: Sequence[PlacedLine],
    refusal: OutOfStock,
    parts: Mapping[UUID, Collection[UUID]],
    few: int,
) -> tuple[Shortage, ...]:
    """The ordered products that are short; `parts` are the ingredients of each ordered dish.

    The available quantity is None above `few` whole units, and for dishes.
    """
    short = {each.product_id: each for each in refusal.shortages}
    ordered = products_of(lines, short.keys(), parts)
    shortages: dict[UUID, Shortage] = {}
    for line in lines:
        product = line.product_id
        if product not in ordered:
            continue
        earlier = shortages.get(product)
        requested = line.quantity + (earlier.requested if earlier else 0)
        available = _shown(short.get(product), few)
        shortages[product] = Shortage(product, requested, available, line.scale, public=True)
    return tuple(shortages.values())


def _shown(shortage: Shortage | None, few: int) -> int | None:
    if shortage is None or shortage.available is None:
        return None
    return shortage.available if shortage.available <= few * shortage.scale else None
