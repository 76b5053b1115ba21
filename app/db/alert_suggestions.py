"""The data of alert suggestions: the stock of a product in all stores, its supplier, and best
sellers."""

from collections.abc import Collection
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import and_, func, select
from sqlalchemy.dialects.postgresql import distinct_on

from app.db.alert_facts import sold_lately
from app.db.core.snapshot import AnySession
from app.db.core.statement import among
from app.db.levels import Pair
from app.db.purchases import on_order
from app.db.reservations import free
from app.db.rollups import DEMAND, DEMANDED
from app.db.tables import (
    Level,
    Product,
    PurchaseLine,
    PurchaseOrder,
    RollUp,
    Store,
    Supplier,
    TransferLine,
)
from app.db.transfers import awaited

RECENT_DAYS = 7
"""The number of last days by which best sellers are ranked."""


class StockRow(NamedTuple):
    """A product in a store, in base units of `scale`."""

    store_id: UUID
    product_id: UUID
    store: str
    unit: str
    scale: int
    free: int
    coming: int
    sold: int
    lead_days: int
    reorder_point: int


async def stock_of_products(
    session: AnySession, tenant: UUID, products: Collection[UUID], days: int
) -> list[StockRow]:
    """These products in each store that has a level of them; `sold` in the last `days`."""
    L = Level.__table__.c
    query = (
        select(
            L.store_id,
            L.product_id,
            Store.name,
            Product.unit,
            L.scale,
            free(L),
            L.transit,
            Store.lead_days,
            L.reorder_point,
        )
        .join(Store, and_(Store.tenant_id == L.tenant_id, Store.id == L.store_id))
        .join(Product, and_(Product.tenant_id == L.tenant_id, Product.id == L.product_id))
        .where(L.tenant_id == tenant, among(L.product_id, products), Level.shown)
        .order_by(L.product_id, L.store_id)
    )
    levels: Any = list(await session.execute(query))
    pairs: list[Pair] = [(row[0], row[1]) for row in levels]
    sold = await sold_lately(session, tenant, pairs, days)
    ordered = await on_order(session, tenant, pairs)
    waits = awaited(tenant).where(among(TransferLine.product_id, products))
    rows: Any = await session.execute(waits)
    waiting = {(row[0], row[1]): int(row[2]) for row in rows}
    stock: list[StockRow] = []
    for row, pair in zip(levels, pairs, strict=True):
        *known, available, transit, lead_days, reorder_point = row
        coming = transit + ordered.get(pair, 0) + waiting.get(pair, 0)
        values = (*known, int(available), coming, sold.get(pair, 0), lead_days, reorder_point)
        stock.append(StockRow._make(values))
    return stock


async def latest_suppliers(
    session: AnySession, tenant: UUID, products: Collection[UUID]
) -> dict[UUID, UUID]:
    """The supplier that each product was ordered from last, if it is not archived."""
    L, P = PurchaseLine, PurchaseOrder
    query = (
        select(L.product_id, P.supplier_id)
        .ext(distinct_on(L.product_id))
        .join(P, and_(P.tenant_id == L.tenant_id, P.id == L.purchase_id))
        .join(Supplier, and_(Supplier.tenant_id == P.tenant_id, Supplier.id == P.supplier_id))
        .where(L.tenant_id == tenant, among(L.product_id, products))
        .where(Supplier.archived_at.is_(None))
        .order_by(L.product_id, P.ordered_at.desc())
    )
    return {row[0]: row[1] for row in await session.execute(query)}


class Seller(NamedTuple):
    """A product that sells well in a store."""

    store_id: UUID
    product_id: UUID
    category_id: UUID | None
    name: str


async def best_sellers(
    session: AnySession, tenant: UUID, stores: Collection[UUID]
) -> dict[UUID, list[Seller]]:
    """The 20 goods that sold best in each store lately, the best first."""
    U, P = RollUp, Product
    place = func.row_number().over(
        partition_by=U.store_id, order_by=func.sum(DEMANDED * 1.0 / P.scale).desc()
    )
    query = (
        select(U.store_id, U.product_id, P.category_id, P.name, place.label("place"))
        .join(P, and_(P.tenant_id == U.tenant_id, P.id == U.product_id))
        .where(U.tenant_id == tenant, among(U.store_id, stores), U.flow.in_(DEMAND))
        .where(U.day > func.current_date() - RECENT_DAYS, P.kind == "GOODS", P.for_sale)
        .where(P.archived_at.is_(None))
        .group_by(U.store_id, U.product_id, P.category_id, P.name)
        .having(func.sum(DEMANDED) > 0)
        .subquery()
    )
    best = select(query).where(query.c.place <= 20).order_by(query.c.store_id, query.c.place)
    sellers: dict[UUID, list[Seller]] = {}
    for row in await session.execute(best):
        sellers.setdefault(row[0], []).append(Seller(*row[:4]))
    return sellers
