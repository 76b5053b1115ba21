"""The menu: what a store can make of what is on its shelf, each dish alone or a cart together."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import NamedTuple
from uuid import UUID

from app.db import identity
from app.db import menu as rows
from app.db.core.snapshot import Reads
from app.db.core.unit import Database, clock
from app.db.levels import open_levels
from app.db.menu import Dish
from app.db.tables import Direction, Level, Store
from app.domain import access
from app.domain.access import Can, Viewer
from app.domain.catalog.cookbook import Cookbook
from app.domain.claims import claim
from app.domain.errors import Malformed, Refused, UnknownStore, unknown_products
from app.domain.paths import at_path
from app.domain.rules.days import day_end
from app.domain.rules.labels import PLENTY, SOLD_OUT, Availability, availability
from app.domain.rules.recipes import Need, makeable, makeable_lines
from app.domain.rules.units import to_base

MOST_LINES = 100


class Limiting(NamedTuple):
    """The product of which there is too little for one more."""

    id: UUID
    name: str


@dataclass(frozen=True, slots=True)
class Serving:
    """A product as a store can sell it now. `sold_out`: staff marked it as sold out.

    `makeable` is in whole units, None when nothing limits it, and `limiting` the product that
    does; both are None for those who may not know.
    """

    dish: Dish
    makeable: int | None
    limiting: Limiting | None
    availability: Availability
    sold_out: bool

    # Attributes, not resolvers: the cost of a menu is the cost of its fields.
    id = property(lambda self: self.dish.id)
    name = property(lambda self: self.dish.name)
    spec = property(lambda self: self.dish.spec)
    unit = property(lambda self: self.dish.unit)
    kind = property(lambda self: self.dish.kind)
    image_url = property(lambda self: self.dish.image_url)
    price = property(lambda self: yuan(self.dish.price))
    percent = property(lambda self: self.dish.percent or None)


class Board(NamedTuple):
    """Products of a store with what they take, and the shelf they take it from."""

    dishes: dict[UUID, Dish]
    needs: dict[UUID, Sequence[Need]]
    shelf: dict[UUID, int]
    names: dict[UUID, str]
    store: Store
    revision: int

    def servings(self, products: Iterable[UUID], exact: bool) -> list[Serving]:
        """These products as they can be sold; numbers and reasons only when `exact`."""
        now = clock()
        return [self._serving(self.dishes[product], exact, now) for product in products]

    def _serving(self, dish: Dish, exact: bool, now: datetime) -> Serving:
        if dish.sold_out_until is not None and dish.sold_out_until > now:
            return Serving(dish, 0, None, SOLD_OUT, True)
        limit = makeable(self.needs[dish.id], self.shelf)
        most = None if dish.ration is None else dish.ration // dish.scale
        if limit is None and most is None:
            return Serving(dish, None, None, PLENTY, False)
        count, part = (most or 0, None) if limit is None else limit
        if most is not None and most < count:
            count, part = most, None
        label = self._label(dish, count)
        if not exact:
            return Serving(dish, None, None, label, False)
        limiting = None if part is None else Limiting(part, self.names[part])
        return Serving(dish, count, limiting, label, False)

    def _label(self, dish: Dish, count: int) -> Availability:
        """The label of a product of which `count` units can be made; goods are also sold in parts
        of a unit."""
        if dish.kind != "GOODS":
            return availability(count, 1, self.store.few_threshold, dish.unit)
        held = self.shelf.get(dish.id, 0)
        free = held if dish.ration is None else min(held, dish.ration)
        return availability(free, dish.scale, self.store.few_threshold, dish.unit)


async def board(
    cookbook: Cookbook,
    tenant: UUID,
    store: UUID,
    channel: str | None = None,
    products: Collection[UUID] | None = None,
    also: Collection[UUID] = (),
    reads: Reads | None = None,
) -> Board:
    """All dishes and services of the store and `also` these, or these products of any kind.

    Quantities are what the channel may sell, or without a channel all that is available. It is
    read in a snapshot of its own, unless `reads` gives one. Raises Refused(UnknownStore).
    """
    async with (reads or cookbook.db).read(tenant) as session:
        offering = await rows.offering(session, tenant, store, channel, products, also)
        if offering is None:
            raise Refused(UnknownStore(str(store)))
        dishes, shelves = offering.dishes, offering.shelves
        recipes = [dish.recipe_id for dish in dishes if dish.recipe_id and dish.kind != "GOODS"]
        takes = await cookbook.needs(session, tenant, recipes)
    return Board(
        {dish.id: dish for dish in dishes},
        {dish.id: _needs(dish, takes) for dish in dishes},
        {product: shelf.held for product, shelf in shelves.items()},
        {product: shelf.name for product, shelf in shelves.items()},
        offering.store,
        offering.revision,
    )


def yuan(fen: int | None) -> str | None:
    return None if fen is None else f"{fen // 100}.{fen % 100:02d}"


def _needs(dish: Dish, takes: Mapping[UUID, Sequence[Need]]) -> Sequence[Need]:
    if dish.kind == "GOODS":
        return [Need(dish.id, dish.scale)]
    return takes[dish.recipe_id] if dish.recipe_id else []


class CartDemand(NamedTuple):
    """One line of a cart, and how many of it the shelf allows beside the other lines.

    `makeable` is None for customers when it is not enough, and more than the store shows.
    """

    dish: Dish
    requested: int
    makeable: int | None


async def can_make(
    cookbook: Cookbook,
    reads: Reads,
    place: Direction,
    channel: str | None,
    lines: Sequence[tuple[UUID, Decimal]],
    exact: bool,
) -> list[CartDemand]:
    """Each line of a cart, and how much of it a store can make beside the other lines, never more
    than requested; as a channel can sell it, or from all stock without a channel. Without
    `exact`, a quantity above the store's threshold for few is None unless it is enough.

    Raises Refused: UnknownStore, UnknownProduct; Malformed for what is not in whole base units.
    """
    if not 1 <= len(lines) <= MOST_LINES:
        raise Malformed(
            "lines", f"明细须为 1 至 {MOST_LINES} 行", f"Lines: give 1 to {MOST_LINES}."
        )
    products = {product for product, _ in lines}
    menu = await board(cookbook, place.tenant_id, place.subject_id, channel, products, reads=reads)
    if missing := products - menu.dishes.keys():
        raise unknown_products(missing)
    counts: list[int] = []
    for number, (product, quantity) in enumerate(lines):
        count = to_base(quantity, menu.dishes[product].scale)
        if count is None:
            with at_path("lines", str(number)):
                raise Malformed(
                    "quantity",
                    f"数量 {quantity} 无效：不能换算成整数个最小单位",
                    f"Quantity {quantity} is not a whole number of the smallest unit.",
                )
        counts.append(count)
    # In base units of what is sold: a dish has one to a unit.
    needs = [_one_base_unit(menu, product) for product, _ in lines]
    most = makeable_lines(list(zip(needs, counts, strict=True)), menu.shelf)
    servings = menu.servings((product for product, _ in lines), exact=False)
    left = {id: dish.ration for id, dish in menu.dishes.items()}
    demands: list[CartDemand] = []
    for serving, count, allowed in zip(servings, counts, most, strict=True):
        given = 0 if serving.sold_out else _within(_within(count, allowed), left[serving.id])
        shown = exact or given == count or given <= menu.store.few_threshold * serving.dish.scale
        demands.append(CartDemand(serving.dish, count, given if shown else None))
        if (ration := left[serving.id]) is not None:
            left[serving.id] = ration - given
    return demands


def _within(count: int, allowed: int | None) -> int:
    return count if allowed is None else min(count, allowed)


def _one_base_unit(menu: Board, product: UUID) -> Sequence[Need]:
    if menu.dishes[product].kind == "GOODS":
        return [Need(product, 1)]
    return menu.needs[product]


async def set_sold_out(
    db: Database, viewer: Viewer, key: UUID, store_id: UUID, product_id: UUID, sold_out: bool
) -> Level:
    """Takes a product off a store's menu until its next midnight, or puts it back. 估清

    Raises Refused: UnknownStore, UnknownProduct.
    """
    access.at(viewer, Can.SELL_OUT, store_id)
    async with db.unit(viewer.tenant) as unit:
        await open_levels(unit, {(store_id, product_id)})
    async with db.unit(viewer.tenant) as unit:
        request = ("setSoldOut", store_id, product_id, sold_out)
        earlier = await claim(unit, viewer.claimant, key, product_id, *request)
        if earlier is None:
            [store] = await identity.stores_by_id(unit.session, unit.tenant, [store_id])
            until = day_end(unit.now, store.timezone) if sold_out else None
            if not await rows.set_sold_out(unit, store_id, product_id, until):
                raise unknown_products([product_id])
    async with db.read(viewer.tenant) as session:
        level = await session.get(Level, (viewer.tenant, store_id, product_id))
    assert level is not None
    return level


async def reopen(db: Database, tenant: UUID) -> None:
    """Ends yesterday's sold-out marks, and names their products in the stores' feeds."""
    async with db.read(tenant) as session:
        if not await rows.lapsed(session, tenant, clock()):
            return
    async with db.unit(tenant) as unit:
        await rows.reopen(unit)
