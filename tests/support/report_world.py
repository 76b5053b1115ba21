"""A chain with a random history, and sums of its ledger, entry by entry."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from random import Random
from typing import Any
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

from sqlalchemy import select, update

from app.db.overview import store_days
from app.db.tables import Category, Entry, Movement, Product
from app.domain.errors import OutOfStock
from app.domain.ledger.draft import Draft, Line, Place
from app.domain.rules.kinds import ON_HAND_BINS, PHYSICAL_BINS, Kind
from app.domain.rules.metrics import Dimension
from app.domain.rules.periods import Period
from tests.support.shop import Shop, day

ZONES = ("Asia/Shanghai", "America/Los_Angeles", "Pacific/Auckland")
STOCK = {"米": 400, "盐": 400, "醋": 400, "茶": 400, "油": 400, "葱": 5}
NAMES = tuple(STOCK)
MILK = "奶"
"""A product with batches."""
KINDS = (
    *(Kind.SALE, Kind.SALE, Kind.SALE, Kind.RECEIPT, Kind.LOSS, Kind.GAIN, Kind.QUARANTINE),
    *(Kind.RETURN, Kind.RETURN_WASTED, Kind.CONSUMPTION, Kind.SHIPMENT, Kind.TRANSFER_RECEIPT),
)
MOVES = 90


class World:
    """A chain of three stores in three zones with a random history."""

    def __init__(self, shop: Shop, rng: Random) -> None:
        self.shop, self.rng = shop, rng
        self.stores: list[UUID] = []
        self.posted: list[Movement] = []
        self.categories: dict[UUID, UUID | None] = {}

    async def set_up(self) -> None:
        shop = self.shop
        self.stores = [await shop.another_store(zone) for zone in ZONES]
        self.top, self.below = uuid4(), uuid4()
        rows = (self.top, "食品", None), (self.below, "调料", self.top)
        for id, name, parent in rows:
            async with shop.db.unit(shop.tenant) as unit:
                unit.session.add(
                    Category(tenant_id=shop.tenant, id=id, name=name, parent_id=parent)
                )
        await shop.cook("炒饭", 米=1, 油=2)
        for store in self.stores:
            for name in NAMES:
                await self.post(Kind.RECEIPT, store, name, STOCK[name])

    async def post(self, kind: Kind, store: UUID, name: str, quantity: int) -> None:
        """A movement that happened now, lately or weeks ago."""
        rng, now = self.rng, datetime.now(UTC)
        minutes = rng.choice((0, rng.randint(1, 600), rng.randint(600, 60_000)))
        channel = rng.choice(("COUNTER", "WECHAT")) if kind in (Kind.SALE, Kind.RETURN) else None
        draft = await self.shop.draft(kind, (name, quantity), store=store, channel=channel)
        draft = replace(draft, occurred_at=now - timedelta(minutes=minutes), dated=True)
        if kind is Kind.RECEIPT:
            cost = rng.randint(1, 99_999)
            draft = replace(draft, lines=tuple(replace(x, unit_cost=cost) for x in draft.lines))
        if kind is Kind.SHIPMENT:
            target = rng.choice([each for each in self.stores if each != store])
            draft = replace(
                draft, lines=tuple(to(x, Place(target, "transit")) for x in draft.lines)
            )
        if kind in (Kind.LOSS, Kind.GAIN):
            draft = replace(draft, reason=rng.choice(("盘点", "过期")))
        await self.submit(draft)

    async def submit(self, draft: Draft) -> None:
        outcome = await self.shop.post(draft)
        if isinstance(outcome, Movement):
            self.posted.append(outcome)
        elif not isinstance(outcome, OutOfStock):
            raise AssertionError(outcome)

    async def receive_transit(self) -> None:
        """Ends the transfers, which have no documents here (I10)."""
        for store in self.stores:
            for name in NAMES:
                coming = (await self.shop.level(name, store)).transit
                if coming:
                    lines = (name, coming)
                    await self.shop.do(Kind.TRANSFER_RECEIPT, lines, store=store)

    async def step(self) -> None:
        """A movement, a reversal, a dish, or a change of the catalog."""
        rng, shop = self.rng, self.shop
        name, dice = rng.choice(NAMES), rng.random()
        if dice < 0.1:
            await shop.reverse(rng.choice(self.posted))
        elif dice < 0.2:
            await shop.order(("炒饭", rng.randint(1, 3)), store=rng.choice(self.stores))
        elif dice < 0.25:
            number, lasts = rng.choice("ABC"), day(rng.choice((-3, 0, 4, 12, 29, 31)))
            store = rng.choice(self.stores)
            await shop.deliver(MILK, rng.randint(1, 9), number, lasts, store=store)
            await self.post(Kind.SALE, store, MILK, rng.randint(1, 3))
        elif dice < 0.3:
            archived = rng.choice((None, datetime.now(UTC)))
            await self.change(name, archived_at=archived)
        elif dice < 0.35:
            await self.change(name, category_id=rng.choice((None, self.top, self.below)))
        else:
            await self.post(rng.choice(KINDS), rng.choice(self.stores), name, rng.randint(1, 9))

    async def change(self, name: str, **values: Any) -> None:
        of = Product.tenant_id == self.shop.tenant, Product.id == self.shop.products[name]
        async with self.shop.db.unit(self.shop.tenant) as unit:
            await unit.session.execute(update(Product).where(*of).values(**values))

    async def read(self) -> Sequence[Any]:
        """Every entry with its movement."""
        same = (Movement.tenant_id == Entry.tenant_id) & (Movement.id == Entry.movement_id)
        query = select(Entry, Movement).join(Movement, same)
        async with self.shop.db.read(self.shop.tenant) as session:
            products = select(Product.id, Product.category_id)
            self.categories = dict(
                (await session.execute(products.where(Product.tenant_id == self.shop.tenant))).all()
            )
            return (await session.execute(query.where(Entry.tenant_id == self.shop.tenant))).all()

    def key(
        self, group: str, store: UUID, product: UUID, movement: Any = None, shift: int = 0
    ) -> Any:
        """The key of what a movement did to a level; its day counts `shift` days later."""
        match group:
            case "ALL":
                return None
            case "STORE":
                return store
            case "ALL":
                return None
            case "PRODUCT":
                return product
            case "CATEGORY":
                return self.categories[product]
            case "HOUR":
                return movement.occurred_at.astimezone(ZoneInfo(movement.timezone)).hour
            case "CHANNEL":
                return movement.channel or ""
            case "REASON":
                return movement.reason or ""
            case _:
                return bucket(group, movement.business_date + timedelta(days=shift))

    async def today(self, store: UUID) -> date:
        """The present day in a store."""
        async with self.shop.db.read(self.shop.tenant) as session:
            [today] = await store_days(session, self.shop.tenant, [store])
        return today.day


def bucket(group: str, day: date) -> date:
    """The first day of the day, week or month."""
    match group:
        case "WEEK":
            return day - timedelta(days=day.weekday())
        case "MONTH":
            return day.replace(day=1)
        case _:
            return day


def to(line: Line, target: Place) -> Line:
    return replace(line, target=target)


def sides(entry: Any, movement: Any) -> list[tuple[int, UUID, str, UUID, str]]:
    """What the entry took and gave; of a reversal, what the movement that it undoes did."""
    ways = (entry.from_store, entry.from_bin), (entry.to_store, entry.to_bin)
    if movement.reverses_id is not None:
        (store, bin), (other, opposite) = reversed(ways)
        return [(-1, store, bin, other, opposite)]
    (store, bin), (other, opposite) = ways
    return [(1, store, bin, other, opposite)]


def summed(rows: Sequence[Any], key: Callable[..., Any], days: Period) -> dict[Any, Counter[str]]:
    """Sales and losses by key, added up entry by entry."""
    sums: dict[Any, Counter[str]] = {}
    for entry, movement in rows:
        if not days.since <= movement.business_date <= days.until:
            continue
        [(sign, source, from_bin, target, to_bin)] = sides(entry, movement)
        cost = sign * (entry.cost or 0)
        amount, discount = sign * (entry.amount or 0), sign * (entry.discount or 0)

        def add(store: UUID, entry: Any = entry, movement: Any = movement, **values: int) -> None:
            sums.setdefault(key(store, entry.product_id, movement), Counter()).update(values)

        quantity = sign * entry.quantity
        if to_bin == "customer":
            add(target, revenue=amount, cost=cost, discount=discount, sold=quantity, consumed=cost)
        if from_bin == "customer":
            sums_back = {"revenue": -amount, "cost": -cost, "discount": -discount}
            add(source, **sums_back, returned=quantity, consumed=-cost)
        if to_bin == "kitchen":
            add(target, consumed=cost)
        if to_bin == "waste":
            add(target, wasted=cost)
        if to_bin == "variance":
            add(target, missing=cost)
        if from_bin == "variance":
            add(source, surplus=cost)
    return sums


def held(
    rows: Sequence[Any], key: Callable[[UUID, UUID], Any], happened: Callable[[Any], bool]
) -> dict[Any, tuple[int, int]]:
    """Value and quantity on hand by key, added up entry by entry.

    A key is left out if it has no value and none of its levels has goods. A level can be below
    zero at a past moment, if what was received was recorded with a later time than its sale.
    """
    values, goods = Counter[Any](), Counter[tuple[Any, UUID, UUID]]()
    for entry, movement in rows:
        if happened(movement):
            for sign, store, bin in (
                (-1, entry.from_store, entry.from_bin),
                (1, entry.to_store, entry.to_bin),
            ):
                if bin in PHYSICAL_BINS:
                    name = key(store, entry.product_id)
                    values[name] += sign * (entry.cost or 0)
                    quantity = sign * entry.quantity * (bin in ON_HAND_BINS)
                    goods[name, store, entry.product_id] += quantity
    on_hand = Counter[Any]()
    for (name, _, _), quantity in goods.items():
        on_hand[name] += quantity
    stocked = {name for (name, _, _), quantity in goods.items() if quantity}
    return {
        name: (value, on_hand[name]) for name, value in values.items() if value or name in stocked
    }


def turnover(
    rows: Sequence[Any], world: World, group: str, days: Period
) -> dict[Any, tuple[int, int, int]]:
    """Opening and closing value and consumption by key, added up entry by entry."""

    def value(until: date) -> dict[Any, tuple[int, int]]:
        return held(rows, lambda s, p: world.key(group, s, p), lambda m: m.business_date <= until)

    opening, closing = value(days.since - timedelta(days=1)), value(days.until)
    consumed = summed(rows, lambda s, p, _m: world.key(group, s, p), days)
    sums = {
        key: (
            opening.get(key, (0, 0))[0],
            closing.get(key, (0, 0))[0],
            consumed.get(key, Counter())["consumed"],
        )
        for key in {*opening, *closing, *consumed}
    }
    return {key: each for key, each in sums.items() if any(each)}


TO = {"customer": "SOLD", "supplier": "SENT_BACK", "waste": "WASTED", "variance": "MISSING"}
FROM = {"customer": "RETURNED", "supplier": "RECEIVED", "variance": "FOUND"}


def flows(rows: Sequence[Any]) -> Iterator[tuple[str, UUID, Any, Any, int]]:
    """Each flow of the ledger: its name, store, entry, movement and sign."""
    for entry, movement in rows:
        [(sign, source, from_bin, target, to_bin)] = sides(entry, movement)
        named = [(TO.get(to_bin), target), (FROM.get(from_bin), source)]
        if to_bin == "kitchen":
            named.append(("USED", target))
        if source != target:
            named += [("TO_STORE", source), ("FROM_STORE", target)]
        yield from ((flow, store, entry, movement, sign) for flow, store in named if flow)


def keyed(world: World, dimension: Dimension, flow: tuple[Any, ...], shift: int) -> Any:
    """The key of a flow whose day counts `shift` days later."""
    name, store, entry, movement, _ = flow
    match dimension:
        case Dimension.WEEKDAY:
            return (movement.business_date + timedelta(days=shift)).isoweekday()
        case Dimension.REASON if name not in ("WASTED", "MISSING", "FOUND"):
            return ""
        case _:
            return world.key(dimension.name, store, entry.product_id, movement, shift)
