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
    union,
)

from app.db.assortment import listed
from app.db.channel_limits import OfferColumns, on_offer, remaining
from app.db.core.snapshot import AnySession, with_one_plan
from app.db.core.statement import Statement, arrays, rows, rows_of
from app.db.core.table import row_class
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
    """Base units of a product that the store, or a channel of it, can sell or use."""

    name: str
    held: int


class Offering(NamedTuple):
    """What a store offers at a revision, by name, and the stock of what that takes."""

    store: Store
    revision: int
    dishes: list[Dish]
    shelves: dict[UUID, Shelf]


P, L, S, F = (table.__table__.c for table in (Product, Level, Store, Feed))
TENANT, STORE = bindparam("tenant", type_=Uuid()), bindparam("store", type_=Uuid())
CHANNEL = bindparam("channel", type_=Text())
IDS = func.any(bindparam("ids", type_=ARRAY(Uuid())))
HERE = and_(L.tenant_id == P.tenant_id, L.product_id == P.id, L.store_id == STORE)
SERVED = or_(P.kind == "DISH", P.kind == "SERVICE", P.kind == "BUNDLE")
OF_FEED = and_(F.tenant_id == S.tenant_id, F.store_id == S.id)


def _offering(condition: Any, channel: Any) -> Statement:
    """The store with its revision, the rows of `Dish`, and those of what they take."""
    dishes = _dishes(condition, channel).cte("dishes")
    D, N, held = dishes.c, Need.__table__.c, free(L) if channel is None else on_offer(L, channel)
    parts = union(
        select(D.id.label("product_id")).where(D.kind == "GOODS"),
        select(N.product_id)
        .join_from(dishes, Need.__table__, N.recipe_id == D.recipe_id)
        .where(N.tenant_id == TENANT, ~N.optional, D.kind != "GOODS"),
    ).subquery("parts")
    shelves = (
        select(P.id, P.name, held)
        .join_from(parts, Product.__table__, P.id == parts.c.product_id)
        .outerjoin(Level.__table__, HERE)
        .where(P.tenant_id == TENANT)
    )
    by_name = select(*D).order_by(D.pinyin, D.id)
    return Statement(
        select(*S, F.revision, rows_of(by_name), rows_of(shelves))
        .join_from(Store.__table__, Feed.__table__, OF_FEED)
        .where(S.tenant_id == TENANT, S.id == STORE)
    )


def _dishes(condition: Any, channel: Any) -> Any:
    columns = [
        L.sold_out_until if name == "sold_out_until" else P[name] for name in Dish._fields[:-2]
    ]
    most = null() if channel is None else remaining(OfferColumns(P.tenant_id, STORE, P.id, channel))
    off = marked_down(P.tenant_id, STORE, P.id, store_day(S.timezone, func.now()))
    percent = case((SERVED, null()), else_=off)
    return (
        select(*columns, most.label("ration"), percent.label("percent"))
        .join_from(Store.__table__, Product.__table__, P.tenant_id == S.tenant_id)
        .outerjoin(Level.__table__, HERE)
        .where(S.tenant_id == TENANT, S.id == STORE)
        .where(P.archived_at.is_(None), condition, listed(STORE, channel))
    )


# Compiled statements, not ORM queries: a menu may have hundreds of rows. Each exists twice: for all
# stock, and for the part of it that a channel may sell.
MENUS = [_offering(or_(SERVED, P.id == IDS), channel) for channel in (None, CHANNEL)]
CHOSEN = [_offering(P.id == IDS, channel) for channel in (None, CHANNEL)]
STORE_ROW = row_class(Store)


async def offering(
    session: AnySession,
    tenant: UUID,
    store: UUID,
    channel: str | None,
    products: Collection[UUID] | None,
    also: Collection[UUID] = (),
) -> Offering | None:
    """What the store offers of these products of any kind, or without `products` all its dishes,
    services and bundles and `also` these; None if there is no such store."""
    query, ids = (MENUS, also) if products is None else (CHOSEN, products)
    values = {"tenant": tenant, "store": store, "channel": channel, "ids": list(ids)}
    # Planning so many parts takes as long as running them.
    records = await query[channel is not None].fetch(with_one_plan(session), **values)
    if not records:
        return None
    *columns, revision, dishes, shelves = records[0]
    return Offering(
        STORE_ROW(*columns),
        revision,
        [Dish(*row) for row in dishes],
        {product: Shelf(name, held) for product, name, held in shelves},
    )


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
