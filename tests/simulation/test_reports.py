"""Reports equal sums over the whole ledger, to the last fen, on random histories."""

from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from random import Random
from typing import Any
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import select, update

from app.db import flow_reports, stock_reports, stock_values
from app.db.analytics import Choice
from app.db.flow_reports import FlowFilter
from app.db.loss_people import losses_by_person
from app.db.stock_values import StockFilter
from app.db.tables import Category, Entry, Movement, Product
from app.domain.errors import OutOfStock
from app.domain.ledger.draft import Draft, Line, Place
from app.domain.movements.checkpoints import keep_checkpoints
from app.domain.reports.analytics import OrderBy, analytics
from app.domain.rules.kinds import ON_HAND_BINS, PHYSICAL_BINS, Kind
from app.domain.rules.metrics import Dimension, Metric
from app.domain.rules.periods import Comparison, Period, compared_with
from tests.support.shop import Shop, day

ZONES = ("Asia/Shanghai", "America/Los_Angeles", "Pacific/Auckland")
NAMES = ("米", "盐", "醋", "茶", "油")
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
                await self.post(Kind.RECEIPT, store, name, 400)

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
            archived = rng.choice((None, datetime.now(UTC)))
            await self.change(name, archived_at=archived)
        elif dice < 0.3:
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

    def key(self, group: str, store: UUID, product: UUID) -> Any:
        match group:
            case "STORE":
                return store
            case "PRODUCT":
                return product
            case _:
                return self.categories[product]


def to(line: Line, target: Place) -> Line:
    return replace(line, target=target)


@pytest.fixture
async def world(shop: Shop, seed: str, request: pytest.FixtureRequest) -> AsyncIterator[World]:
    world = World(shop, Random(f"{seed} {request.node.name}"))
    await world.set_up()
    for step in range(MOVES):
        await world.step()
        if step % 30 == 29:
            later = datetime.now(UTC) + timedelta(days=step // 30)
            await keep_checkpoints(shop.db, shop.tenant, later)
    yield world
    await world.receive_transit()


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
        amount = sign * (entry.amount or 0)

        def add(store: UUID, entry: Any = entry, movement: Any = movement, **values: int) -> None:
            sums.setdefault(key(store, entry.product_id, movement), Counter()).update(values)

        quantity = sign * entry.quantity
        if to_bin == "customer":
            add(target, revenue=amount, cost=cost, sold=quantity, consumed=cost)
        if from_bin == "customer":
            add(source, revenue=-amount, cost=-cost, returned=quantity, consumed=-cost)
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
    """Value and quantity on hand by key, added up entry by entry."""
    sums: dict[Any, list[int]] = {}
    for entry, movement in rows:
        if happened(movement):
            for sign, store, bin in (
                (-1, entry.from_store, entry.from_bin),
                (1, entry.to_store, entry.to_bin),
            ):
                if bin in PHYSICAL_BINS:
                    level = sums.setdefault(key(store, entry.product_id), [0, 0])
                    level[0] += sign * (entry.cost or 0)
                    level[1] += sign * entry.quantity * (bin in ON_HAND_BINS)
    return {name: (value, on_hand) for name, (value, on_hand) in sums.items() if value or on_hand}


async def test_reports_are_the_ledger(world: World) -> None:
    """Sales, losses, turnover and stock values, by every key, over random periods."""
    rows, rng, shop = await world.read(), world.rng, world.shop
    ids = {id for name, id in shop.products.items() if name in NAMES}
    chosen = StockFilter([shop.store, *world.stores])
    for _ in range(4):
        first = day(-rng.randint(0, 45))
        days = Period(first, first + timedelta(days=rng.randint(0, 30)))
        async with shop.db.read(shop.tenant) as session:
            await check_people(session, shop.tenant, FlowFilter(chosen.stores, days), rows)
            for group in ("STORE", "PRODUCT", "CATEGORY"):
                sold = summed(rows, lambda s, p, _m, g=group: world.key(g, s, p), days)
                filter = FlowFilter(chosen.stores, days)
                sales, total = await flow_reports.sales(session, shop.tenant, filter, group, 999)
                short = await flow_reports.sales(session, shop.tenant, filter, group, 1)
                assert short == (sales[:1], total)
                assert total[:5] == tuple(sum(s[n] for _, s in sales) for n in range(5))
                names = ("revenue", "cost", "sold", "returned")
                assert {
                    key: [getattr(sums, name) for name in names] for key, sums in sales
                } == only(sold, names, {key for key, _ in sales})
                lost = (await flow_reports.losses(session, shop.tenant, filter, group, 999)).rows
                assert {key: list(sums) for key, sums in lost} == only(
                    sold, ("wasted", "missing", "surplus"), {key for key, _ in lost}
                )
                turned = await stock_reports.turnover(session, shop.tenant, chosen, days, group)
                assert {key: sums[:3] for key, sums in turned} == turnover(
                    [row for row in rows if row[0].product_id in ids], world, group, days
                )
    moments = [movement.occurred_at for _, movement in rows]
    for at in [*rng.sample(moments, 6), None]:
        for group in ("STORE", "PRODUCT", "CATEGORY"):
            moment = (at, datetime.now(UTC)) if at else None
            async with shop.db.read(shop.tenant) as session:
                values = await stock_values.values(session, shop.tenant, chosen, group, moment)
            expected = held(
                rows,
                lambda s, p, g=group: world.key(g, s, p),
                lambda m, at=at: at is None or m.occurred_at <= at,
            )
            assert {key: sums[:2] for key, sums in values} == expected


async def check_people(session: Any, tenant: UUID, filter: FlowFilter, rows: Sequence[Any]) -> None:
    """Losses of each person in the stores of the filter, which are all that lost something."""
    actors = {movement.id: movement.actor_id for _, movement in rows}
    expected = summed(rows, lambda _s, _p, m: actors[m.reverses_id or m.id], Period(*filter.days))
    lost, total = await losses_by_person(session, tenant, filter, "PERSON", 999)
    names, shown = ("wasted", "missing", "surplus"), {key for key, _ in lost}
    assert {key: list(sums) for key, sums in lost} == only(expected, names, shown)
    assert total == (await flow_reports.losses(session, tenant, filter, "STORE", 1)).total


def only(
    sums: dict[Any, Counter[str]], names: Sequence[str], keys: set[Any]
) -> dict[Any, list[int]]:
    """These sums of each key; those whose sums are all zero only if the report lists them."""
    chosen = {key: [each[name] for name in names] for key, each in sums.items()}
    return {key: each for key, each in chosen.items() if any(each) or key in keys}


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


def keyed(world: World, dimension: Dimension, flow: tuple[Any, ...], day: date) -> Any:
    """The key of a flow that counts on this day."""
    _, store, entry, movement, _ = flow
    match dimension:
        case Dimension.DAY:
            return day
        case Dimension.WEEK:
            return day - timedelta(days=day.weekday())
        case Dimension.MONTH:
            return day.replace(day=1)
        case Dimension.WEEKDAY:
            return day.isoweekday()
        case Dimension.HOUR:
            return movement.occurred_at.astimezone(ZoneInfo(movement.timezone)).hour
        case Dimension.CHANNEL:
            return movement.channel or ""
        case Dimension.REASON:
            return movement.reason or "" if flow[0] in ("WASTED", "MISSING", "FOUND") else ""
        case _:
            return world.key(dimension.name, store, entry.product_id)


async def test_analytics_are_the_ledger(world: World) -> None:
    """Random questions, with filters and comparison, against every entry."""
    rows, rng, shop = await world.read(), world.rng, world.shop
    every = list(flows(rows))
    for _ in range(25):
        first = day(-rng.randint(0, 45))
        days = Period(first, first + timedelta(days=rng.randint(0, 30)))
        earlier = compared_with(days, rng.choice(list(Comparison)))
        dimensions = rng.sample([each for each in Dimension if each is not Dimension.PRODUCT], 2)
        dimensions = [Dimension.PRODUCT, *dimensions][rng.randint(0, 1) :]
        metrics = rng.sample(
            [
                each
                for each in Metric
                if each.value.unit != "QUANTITY" or Dimension.PRODUCT in dimensions
            ],
            5,
        )
        choice = Choice(
            rng.sample(world.stores, 2),
            days,
            earlier,
            products=rng.choice((None, rng.sample(sorted(shop.products.values()), 3))),
            channels=rng.choice((None, ["COUNTER"])),
            weekdays=rng.choice((None, [1, 3, 6, 7])),
        )
        async with shop.db.read(shop.tenant) as session:
            order = OrderBy(metrics[0], None, descending=True)
            answer = await analytics(
                session, shop.tenant, choice, metrics, dimensions, order, 10_000
            )
        shown = {(tuple(row.keys.values())): row for row in answer.rows}
        sums: dict[Any, Counter[Any]] = {(): Counter()}
        for flow in every:
            name, store, entry, movement, sign = flow
            if store not in choice.stores or not chosen_by(choice, entry, movement):
                continue
            for period, which in ((days, "now"), (earlier, "then")):
                if period.since <= movement.business_date <= period.until:
                    counts_on = movement.business_date + (days.since - period.since)
                    key = tuple(keyed(world, each, flow, counts_on) for each in dimensions)
                    for at, metric in enumerate(metrics):
                        parts = metric.value.terms, metric.value.whole or {}
                        for part, terms in enumerate(parts):
                            for (of, column), factor in terms.items():
                                if of == name:
                                    value = sign * factor * (getattr(entry, column) or 0)
                                    sums.setdefault(key, Counter())[at, part, which] += value
                                    sums[()][at, part, which] += value
        for key, expected in sums.items():
            row = shown.pop(key, None) if key else answer.total
            assert row is not None or not any(expected.values())
            for at, value in enumerate(row.values if row else ()):
                for which, parts in (("now", value.now), ("then", value.then)):
                    # Quantities are of one product, and have no total.
                    if parts is not None:
                        got = tuple(expected[at, part, which] for part in range(len(parts)))
                        assert parts == got
        assert not any(any(each.now or ()) for row in shown.values() for each in row.values)


def chosen_by(choice: Choice, entry: Any, movement: Any) -> bool:
    return (
        (choice.products is None or entry.product_id in choice.products)
        and (choice.channels is None or (movement.channel or "") in choice.channels)
        and (choice.weekdays is None or movement.business_date.isoweekday() in choice.weekdays)
    )
