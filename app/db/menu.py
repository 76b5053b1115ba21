"""Quantities that a store, or a channel of it, can sell of goods, dishes and services."""

from collections.abc import Collection
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    Text,
    Uuid,
    and_,
    bindparam,
    case,
    column,
    func,
    literal,
    null,
    or_,
    select,
)

from app.db.assortment import listed
from app.db.channel_limits import OfferColumns, on_offer, remaining
from app.db.core.snapshot import AnySession
from app.db.core.statement import Statement, arrays, rows
from app.db.core.unit import Unit
from app.db.days import store_day
from app.db.markdowns import marked_down
from app.db.reservations import free
from app.db.tables import Feed, Level, Need, Product, Store

UNLIMITED = 10**12
"""Quantity offered of a dish without ingredients: no stock limits it."""


class Dish(NamedTuple):
    """A product on the menu of a store; `price` is in fen.

    `ration` is the channel's limit in base units, independent of the stock. `percent` is the
    markdown of the batch that is sold next, 0 if only later batches have one; None if no batch has
    one.
    """

    id: UUID
    name: str
    pinyin: str
    spec: str
    unit: str
    kind: str
    scale: int
    price: int | None
    image_url: str | None
    recipe_id: UUID | None
    sold_out_until: datetime | None
    ration: int | None
    percent: int | None


class Shelf(NamedTuple):
    """Stock of a product that dishes use."""

    name: str
    held: int


P, L = Product.__table__.c, Level.__table__.c
TENANT, STORE = bindparam("tenant", type_=Uuid()), bindparam("store", type_=Uuid())
CHANNEL = bindparam("channel", type_=Text())
IDS = func.any(bindparam("ids", type_=ARRAY(Uuid())))
HERE = and_(L.tenant_id == P.tenant_id, L.product_id == P.id, L.store_id == STORE)


def _offering(condition: Any, channel: Any, percent: Any) -> Any:
    S, F = Store.__table__.c, Feed.__table__.c
    columns = [
        L.sold_out_until if name == "sold_out_until" else P[name] for name in Dish._fields[:-2]
    ]
    most = null() if channel is None else remaining(OfferColumns(P.tenant_id, STORE, P.id, channel))
    offered = and_(
        P.tenant_id == S.tenant_id, P.archived_at.is_(None), condition, listed(STORE, channel)
    )
    return (
        select(S.few_threshold, F.revision, *columns, most, percent)
        .select_from(Store.__table__)
        .join(Feed.__table__, and_(F.tenant_id == S.tenant_id, F.store_id == S.id))
        .outerjoin(Product.__table__.outerjoin(Level.__table__, HERE), offered)
        .where(S.tenant_id == TENANT, S.id == STORE)
        .order_by(P.pinyin, P.id)
    )


def _shelving(held: Any) -> Any:
    return (
        select(P.id, P.name, held)
        .select_from(Product.__table__)
        .outerjoin(Level.__table__, HERE)
        .where(P.tenant_id == TENANT, P.id == IDS)
    )


# Compiled statements, not ORM queries: a menu may have hundreds of rows. Each exists twice: for the
# whole shelf, and for the part of it that a channel may sell.
SERVED = or_(P.kind == "DISH", P.kind == "SERVICE", P.kind == "BUNDLE")
MENUS = [Statement(_offering(SERVED, channel, null())) for channel in (None, CHANNEL)]
PERCENT = marked_down(P.tenant_id, STORE, P.id, store_day(Store.timezone, func.now()))
CHOSEN = [Statement(_offering(P.id == IDS, channel, PERCENT)) for channel in (None, CHANNEL)]
SHELVES = [Statement(_shelving(held)) for held in (free(L), on_offer(L, CHANNEL))]


async def offered(
    session: AnySession,
    tenant: UUID,
    store: UUID,
    channel: str | None,
    products: Collection[UUID] | None,
) -> tuple[int, int, list[Dish]]:
    """The `few_threshold` of the store, its revision, and the products that it offers at that
    revision.

    With `products` these, of any kind; otherwise all dishes, services and bundles, by name.
    """
    values: dict[str, Any] = {"tenant": tenant, "store": store, "channel": channel}
    query = (MENUS if products is None else CHOSEN)[channel is not None]
    if products is not None:
        values["ids"] = list(products)
    records = await query.fetch(session, **values)
    few, revision = records[0][:2]
    return few, revision, [Dish(*row[2:]) for row in records if row[2] is not None]


async def shelves(
    session: AnySession,
    tenant: UUID,
    store: UUID,
    channel: str | None,
    products: Collection[UUID],
) -> dict[UUID, Shelf]:
    """Base units on the store's shelf that the channel may sell; all of them without a channel."""
    values = {"tenant": tenant, "store": store, "channel": channel, "ids": list(products)}
    query = SHELVES[channel is not None]
    records = await query.fetch(session, **values)
    return {product: Shelf(name, held) for product, name, held in records}


def sellable(store: Any, channel: Any = None) -> Any:
    """SQL: base units of a product that the store can sell now, or a channel of it. The query must
    join the product's level in the store."""

    def there(level: Any) -> Any:
        return free(level) if channel is None else on_offer(level, channel)

    part = Level.__table__.alias("part")
    makeable = (
        select(func.min(there(part.c) / Need.quantity))
        .select_from(Need)
        .outerjoin(
            part,
            and_(
                part.c.tenant_id == Need.tenant_id,
                part.c.store_id == store,
                part.c.product_id == Need.product_id,
            ),
        )
        .where(
            Need.tenant_id == Product.tenant_id,
            Need.recipe_id == Product.recipe_id,
            ~Need.optional,
        )
        .correlate(Product, *(each.table for each in (store, channel) if hasattr(each, "table")))
        .scalar_subquery()
    )
    held = case(
        (Product.archived_at.is_not(None), 0),
        (~listed(store, channel), 0),
        (Level.sold_out_until > func.now(), 0),
        (Product.kind == "GOODS", there(L)),
        else_=func.coalesce(makeable, literal(UNLIMITED)),
    )
    if channel is None:
        return held
    most = remaining(OfferColumns(P.tenant_id, store, P.id, channel))
    return func.least(held, func.coalesce(most, literal(UNLIMITED)))


Offer = tuple[UUID, UUID, str | None]
"""A store, a product, and the channel that sells it; None for sales without a limit."""


def _selling(*ruled: Any) -> Statement:
    offers = rows("offered", L.store_id, L.product_id, *ruled)
    channel = offers.c.channel if ruled else None
    there = and_(
        Level.tenant_id == Product.tenant_id,
        Level.product_id == Product.id,
        Level.store_id == offers.c.store_id,
    )
    columns = [offers.c.store_id, Product.id, *([] if channel is None else [channel])]
    return Statement(
        select(*columns, sellable(offers.c.store_id, channel))
        .select_from(offers)
        .join(Product, and_(Product.tenant_id == TENANT, Product.id == offers.c.product_id))
        .outerjoin(Level, there)
    )


# Built once: building them takes longer than running them.
SELLING, SELLING_BY_CHANNEL = _selling(), _selling(column("channel", Text()))


async def sellable_by_offer(
    session: AnySession, tenant: UUID, offers: Collection[Offer]
) -> dict[Offer, int]:
    """Base units of each offer that can be sold now."""
    quantities: dict[Offer, int] = {}
    if whole := [(store, product) for store, product, channel in offers if channel is None]:
        values = arrays("offered", ["store_id", "product_id"], whole)
        for store, product, base in await SELLING.fetch(session, tenant=tenant, **values):
            quantities[store, product, None] = int(base)
    if ruled := [offer for offer in offers if offer[2] is not None]:
        values = arrays("offered", ["store_id", "product_id", "channel"], ruled)
        for *offer, base in await SELLING_BY_CHANNEL.fetch(session, tenant=tenant, **values):
            quantities[offer[0], offer[1], offer[2]] = int(base)
    return quantities


async def set_sold_out(unit: Unit, store: UUID, product: UUID, until: datetime | None) -> bool:
    """Set or clear the sold-out mark of a level; False when the level does not exist."""
    level = await unit.session.scalar(
        select(Level)
        .where(Level.tenant_id == unit.tenant)
        .where(Level.store_id == store, Level.product_id == product)
        .with_for_update()
    )
    if level is None:
        return False
    level.sold_out_until = until
    level.shown = level.shown or until is not None
    unit.changed(store, product)
    return True


async def reopen(unit: Unit) -> None:
    """Clear the sold-out marks whose day is over, and record their products as changed in the
    feeds."""
    levels = await unit.session.scalars(
        select(Level)
        .where(Level.tenant_id == unit.tenant, Level.sold_out_until <= unit.now)
        .order_by(Level.store_id, Level.product_id)
        .with_for_update()
    )
    for level in levels:
        level.sold_out_until = None
        unit.changed(level.store_id, level.product_id)


async def lapsed(session: AnySession, tenant: UUID, now: datetime) -> bool:
    """Whether any mark's day is over."""
    query = select(Level.product_id).where(Level.tenant_id == tenant, Level.sold_out_until <= now)
    return (await session.execute(query.limit(1))).first() is not None
