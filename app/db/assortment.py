"""The assortment: which products a store lists for customers, in all channels or in one."""

from collections.abc import Collection, Iterable, Sequence
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import and_, case, delete, func, literal, select
from sqlalchemy.dialects.postgresql import insert

from app.db.categories import subtree
from app.db.core.snapshot import AnySession
from app.db.core.statement import among
from app.db.core.unit import Unit
from app.db.tables import Assortment, Level, Need, Product

EVERY_CHANNEL = ""
"""The channel of an entry that holds for all channels without one of their own."""

MOST_ROWS = 5000
"""Rows of one statement: PostgreSQL takes at most 32767 arguments."""


class Entry(NamedTuple):
    """A product in a store; `channel` is `EVERY_CHANNEL` for all channels."""

    product_id: UUID
    store_id: UUID
    channel: str


def listed(store: Any, channel: Any = None) -> Any:
    """SQL: whether the store lists a product for sale, in this channel or in any.

    The query must join the product's level in the store. Without an entry, goods are listed where
    they were ever stocked, and a product with a recipe where one of its components was.
    """
    correlated = (
        Product,
        Level,
        *(each.table for each in (store, channel) if hasattr(each, "table")),
    )

    def entry(condition: Any) -> Any:
        return (
            select(Assortment.listed)
            .where(
                Assortment.tenant_id == Product.tenant_id,
                Assortment.product_id == Product.id,
                Assortment.store_id == store,
                condition,
            )
            .limit(1)
            .correlate(*correlated)
            .scalar_subquery()
        )

    by_default = func.coalesce(entry(Assortment.channel == EVERY_CHANNEL), _stocked(store))
    if channel is None:
        in_one = func.coalesce(entry(Assortment.listed), False)
        return and_(Product.for_sale, in_one | by_default)
    return and_(Product.for_sale, func.coalesce(entry(Assortment.channel == channel), by_default))


def _stocked(store: Any) -> Any:
    part = Level.__table__.alias("stocked")
    needs = and_(Need.tenant_id == Product.tenant_id, Need.recipe_id == Product.recipe_id)
    here = and_(
        part.c.tenant_id == Need.tenant_id,
        part.c.store_id == store,
        part.c.product_id == Need.product_id,
        part.c.version > 0,
    )
    tables = (Product, *([store.table] if hasattr(store, "table") else []))
    has_parts = select(literal(1)).where(needs).correlate(*tables).exists()
    has_stocked_parts = select(literal(1)).where(needs, here).correlate(*tables).exists()
    return case(
        (Product.kind == "GOODS", func.coalesce(Level.version > 0, False)),
        (has_parts, has_stocked_parts),
        else_=literal(True),
    )


async def entries_of(
    session: AnySession, tenant: UUID, products: Collection[UUID]
) -> Sequence[Assortment]:
    """The entries of these products, by store and channel."""
    query = (
        select(Assortment)
        .where(Assortment.tenant_id == tenant, among(Assortment.product_id, products))
        .order_by(Assortment.product_id, Assortment.store_id, Assortment.channel)
    )
    return (await session.scalars(query)).all()


async def put(unit: Unit, entries: Iterable[Entry], *, is_listed: bool) -> None:
    """Write the entries, and record their products as changed in the feeds of their stores.

    An entry for every channel replaces the entries of single channels.
    """
    chosen = sorted(set(entries))
    whole = {(each.product_id, each.store_id) for each in chosen if each.channel == EVERY_CHANNEL}
    if whole:
        stores = among(Assortment.store_id, {store for _, store in whole})
        products = among(Assortment.product_id, {product for product, _ in whole})
        mine = Assortment.tenant_id == unit.tenant
        await unit.session.execute(delete(Assortment).where(mine, stores, products))
    rows = [{"tenant_id": unit.tenant, **each._asdict(), "listed": is_listed} for each in chosen]
    key = ("tenant_id", "product_id", "store_id", "channel")
    for start in range(0, len(rows), MOST_ROWS):
        await unit.session.execute(
            insert(Assortment)
            .values(rows[start : start + MOST_ROWS])
            .on_conflict_do_update(index_elements=key, set_={"listed": is_listed})
        )
    for each in chosen:
        unit.changed(each.store_id, each.product_id)
        # Boards read the product again, although no quantity of its level changed.
        unit.document_changed(each.store_id, each.product_id)


async def products_of_category(
    session: AnySession, tenant: UUID, category: UUID, limit: int
) -> Sequence[UUID]:
    """Products of the category and of those below it that are not archived, at most `limit`."""
    query = (
        select(Product.id)
        .where(Product.tenant_id == tenant, Product.category_id.in_(subtree(tenant, category)))
        .where(Product.archived_at.is_(None))
        .order_by(Product.id)
        .limit(limit)
    )
    return (await session.scalars(query)).all()
