"""Reports equal sums over the whole ledger, to the last fen, on random histories."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import select, update

from app.db import stock_reports, stock_values
from app.db.flow_reports import FlowFilter
from app.db.loss_people import losses_by_person
from app.db.reorders import shortfalls
from app.db.reports import ChannelFilter
from app.db.stock_values import StockFilter
from app.db.tables import Batch, Level, Product, Store
from app.domain.reports import stock
from app.domain.reports.channels import ChannelGroupBy, channel_figures
from app.domain.reports.flows import GroupBy, LossGroupBy, loss_report, sales_report
from app.domain.reports.stock import (
    ExpiryGroupBy,
    SlowGroupBy,
    TurnoverGroupBy,
    turnover_report,
)
from app.domain.rules.kinds import ON_HAND_BINS
from app.domain.rules.periods import Comparison, Period, compared_with, first_day
from app.domain.rules.reordering import WINDOW_DAYS
from tests.support.report_world import MILK, NAMES, World, flows, held, summed, turnover
from tests.support.shop import day

SALES = ("revenue", "cost", "sold", "returned")
LOSSES = ("wasted", "missing", "surplus")
TIMES = ("DAY", "WEEK", "MONTH")


def some_period(world: World) -> Period:
    first = day(-world.rng.randint(0, 45))
    return Period(first, first + timedelta(days=world.rng.randint(0, 30)))


async def test_reports_are_the_ledger(world: World) -> None:
    """Sales, losses and channels by every key, over random periods and their comparisons."""
    rows, rng, shop = await world.read(), world.rng, world.shop
    stores = [shop.store, *world.stores]
    for _ in range(3):
        days, comparison = some_period(world), rng.choice(list(Comparison))
        filter = FlowFilter(stores, days)
        async with shop.db.read(shop.tenant) as session:
            await check_people(session, shop.tenant, filter, rows)
            for group in GroupBy:
                arguments = session, shop.tenant, filter, group.name, comparison
                report = await sales_report(*arguments, 999)
                check(world, rows, report, group.name, SALES, days, comparison)
                short = await sales_report(*arguments, 1)
                by_time = group.name in (*TIMES, "HOUR")
                assert (short.rows, short.total, short.compared_total) == (
                    report.rows if by_time else report.rows[:1],
                    report.total,
                    report.compared_total,
                )
            for loss_group in set(LossGroupBy) - {LossGroupBy.PERSON}:
                report = await loss_report(
                    session, shop.tenant, filter, loss_group.name, comparison, 999
                )
                check(world, rows, report, loss_group.name, LOSSES, days, comparison)
            for channel_group in ChannelGroupBy:
                await check_channels(session, world, rows, days, channel_group.name, comparison)


def check(
    world: World,
    rows: Sequence[Any],
    report: Any,
    group: str,
    names: Sequence[str],
    days: Period,
    comparison: Comparison,
) -> None:
    """The report has the sums of the ledger, in both periods, by key and in all."""
    earlier = compared_with(days, comparison)
    shift = (days.since - earlier.since).days
    now = summed(rows, lambda s, p, m: world.key(group, s, p, m), days)
    then = summed(rows, lambda s, p, m: world.key(group, s, p, m, shift), earlier)
    keys = {row.key for row in report.rows}
    assert {row.key: values(row.sums, names) for row in report.rows} == only(now, names, keys)
    for row in report.rows:
        compared = values(row.compared, names) if row.compared else [0] * len(names)
        assert compared == [then.get(row.key, Counter())[name] for name in names]
    for total, sums in ((report.total, now), (report.compared_total, then)):
        assert values(total, names) == [sum(each[name] for each in sums.values()) for name in names]


def values(sums: Any, names: Sequence[str]) -> list[int]:
    return [getattr(sums, name) for name in names]


async def check_people(session: Any, tenant: UUID, filter: FlowFilter, rows: Sequence[Any]) -> None:
    """Losses of each person in the stores of the filter, which are all that lost something."""
    actors = {movement.id: movement.actor_id for _, movement in rows}
    expected = summed(rows, lambda _s, _p, m: actors[m.reverses_id or m.id], Period(*filter.days))
    lost, total = await losses_by_person(session, tenant, filter, "PERSON", 999)
    shown = {key for key, _ in lost}
    assert {key: list(sums) for key, sums in lost} == only(expected, LOSSES, shown)
    report = await loss_report(session, tenant, filter, "STORE", None, 1)
    assert total == report.total


async def check_channels(
    session: Any,
    world: World,
    rows: Sequence[Any],
    days: Period,
    group: str,
    comparison: Comparison,
) -> None:
    """Revenue and cost of each channel, by store or time."""

    def key(shift: int) -> Any:
        return lambda s, p, m: (
            None if group == "CHANNEL" else world.key(group, s, p, m, shift),
            m.channel or "",
        )

    earlier = compared_with(days, comparison)
    filter = ChannelFilter([world.shop.store, *world.stores], *days, group)
    figures = await channel_figures(session, world.shop.tenant, filter, comparison)
    now = summed(rows, key(0), days)
    then = summed(rows, key((days.since - earlier.since).days), earlier)
    keys = {(each.store_id or each.day, each.key.channel) for each in figures}
    sold = {of: sums for of, sums in now.items() if of[1]}
    names = ("revenue", "cost")
    assert {
        (each.store_id or each.day, each.key.channel): values(each, names) for each in figures
    } == only(sold, names, keys)
    for each in figures:
        before = then.get((each.store_id or each.day, each.key.channel), Counter())
        compared = values(each.compared, names) if each.compared else [0, 0]
        assert compared == [before[name] for name in names]


async def test_stock_reports_are_the_ledger(world: World) -> None:
    """Turnover, stock values and slow movers by every key, at random moments."""
    rows, rng, shop = await world.read(), world.rng, world.shop
    goods = {id for name, id in shop.products.items() if name in (*NAMES, MILK)}
    rows = [row for row in rows if row[0].product_id in goods]
    chosen = StockFilter([shop.store, *world.stores])
    last = max([await world.today(store) for store in chosen.stores])
    for _ in range(3):
        days, comparison = some_period(world), rng.choice(list(Comparison))
        earlier = compared_with(days, comparison)
        for group in TurnoverGroupBy:
            async with shop.db.read(shop.tenant) as session:
                report = await turnover_report(
                    session, shop.tenant, chosen, days, group.name, comparison, 999
                )
            now = of_turnover(rows, world, group.name, days, last)
            then = of_turnover(rows, world, group.name, earlier, last, days.since - earlier.since)
            assert {row.key: row.sums[:3] for row in report.rows} == now
            for row in report.rows:
                compared = row.compared[:3] if row.compared else (0, 0, 0)
                assert compared == then.get(row.key, (0, 0, 0))
    moments = [movement.occurred_at for _, movement in rows]
    for at in [*rng.sample(moments, 6), None]:
        for name in ("STORE", "PRODUCT", "CATEGORY"):
            moment = (at, datetime.now(UTC)) if at else None
            async with shop.db.read(shop.tenant) as session:
                stocks = await stock_values.values(session, shop.tenant, chosen, name, moment)
            expected = held(
                rows,
                lambda s, p, g=name: world.key(g, s, p),
                lambda m, at=at: at is None or m.occurred_at <= at,
            )
            assert {key: sums[:2] for key, sums in stocks} == expected
    for window, cover in ((30, 90), (7, 20), (45, 400)):
        await check_slow_levels(world, rows, chosen, window, cover)
    async with shop.db.unit(shop.tenant) as unit:
        point = update(Level).where(Level.tenant_id == shop.tenant)
        await unit.session.execute(point.values(reorder_point=390, reorder_point_own=True))
    for cover in (3, 20):
        await check_reorders(world, rows, chosen, cover)


def of_turnover(
    rows: Sequence[Any],
    world: World,
    group: str,
    days: Period,
    last: Any,
    shift: timedelta = timedelta(),
) -> dict[Any, tuple[int, int, int]]:
    """Opening and closing value and consumption by key; each day, week or month has a row."""
    if group not in TIMES:
        return turnover(rows, world, group, days)
    parts: dict[Any, list[Any]] = {}
    for each in Period(days.since, min(days.until, last)).each():
        parts.setdefault(first_day(group, each + shift), []).append(each)
    sums = {}
    for key, part in parts.items():
        [one] = turnover(rows, world, "ALL", Period(part[0], part[-1])).values() or [(0, 0, 0)]
        sums[key] = one
    return sums


async def check_slow_levels(
    world: World, rows: Sequence[Any], chosen: StockFilter, window: int, cover: int
) -> None:
    shop = world.shop
    days = {store: await world.today(store) for store in chosen.stores}
    begun = {store: today - timedelta(days=window) for store, today in days.items()}
    demand: Counter[Any] = Counter()
    for name, store, entry, movement, sign in flows(rows):
        factor = {"SOLD": 1, "USED": 1, "RETURNED": -1}.get(name, 0)
        if movement.business_date > begun[store]:
            demand[store, entry.product_id] += sign * factor * entry.quantity
    now = held(rows, lambda s, p: (s, p), lambda _: True)
    expected = {
        level: (on_hand, value)
        for level, (value, on_hand) in now.items()
        if on_hand > 0
        and held(
            rows,
            lambda s, p: (s, p),
            lambda m, level=level: m.business_date <= begun[level[0]],
        ).get(level, (0, 0))[1]
        > 0
        and on_hand * window > demand[level] * cover
    }
    ask = shop.tenant, chosen, window, cover
    async with shop.db.read(shop.tenant) as session:
        slow = await stock_reports.slow_levels(session, *ask, 999)
        for group in SlowGroupBy:
            sums: dict[Any, tuple[int, int]] = {}
            for (store, product), (_, value) in expected.items():
                key = world.key(group.name, store, product)
                levels, whole = sums.get(key, (0, 0))
                sums[key] = (levels + 1, whole + value)
            by_key = await stock_reports.slow_sums(session, *ask, group.name, 999)
            assert dict(by_key) == sums
    assert {
        (each.store_id, each.product_id): (each.on_hand, each.value) for each in slow.rows
    } == expected
    assert all(each.sold == demand[each.store_id, each.product_id] for each in slow.rows)
    assert (slow.total, slow.value) == (len(expected), sum(value for _, value in expected.values()))


async def check_reorders(
    world: World, rows: Sequence[Any], chosen: StockFilter, cover: int
) -> None:
    """Demand, open days and need of each level that has to be ordered, day by day."""
    shop = world.shop
    async with shop.db.read(shop.tenant) as session:
        plan = await shortfalls(session, shop.tenant, chosen, None, cover, WINDOW_DAYS, 999)
        goods = {each.id: each for each in await session.scalars(select(Product))}
        stores = {each.id: each for each in await session.scalars(select(Store))}
        levels = list(await session.scalars(select(Level)))
    moves: defaultdict[Any, Counter[Any]] = defaultdict(Counter)
    for name, store, entry, movement, sign in flows(rows):
        demanded = sign * {"SOLD": 1, "USED": 1, "RETURNED": -1}.get(name, 0) * entry.quantity
        moves[store, entry.product_id][movement.business_date] += demanded
    expected = {}
    for level in levels:
        product, store = goods[level.product_id], stores[level.store_id]
        if product.archived_at is not None or product.kind != "GOODS":
            continue
        demand, open_days = demand_of(
            world, rows, level, product, store, moves.get(level.pair, Counter())
        )
        safe, full = (
            level.reorder_point - (-demand * days // open_days)
            for days in (store.lead_days, store.lead_days + cover)
        )
        position = level.shelf + level.transit
        if safe > 0 and position <= safe:
            needed = max(full, safe + 1) - position
            expected[level.pair] = (demand, open_days, needed)
    assert expected
    assert {
        (each.store_id, each.product_id): (each.demand, each.open_days, each.needed)
        for each in plan
    } == expected


def demand_of(
    world: World, rows: Sequence[Any], level: Any, product: Any, store: Any, moves: Counter[Any]
) -> tuple[int, int]:
    """The demand of a level in the window, and the days on which it was in stock."""
    zone = ZoneInfo(store.timezone)
    today = datetime.now(UTC).astimezone(zone).date()
    begin = today - timedelta(days=WINDOW_DAYS)
    inside = sorted(each for each in moves if begin <= each < today)

    def stock_after(day: Any) -> int:
        of_level = [row for row in rows if row[0].product_id == level.product_id]
        stocks = held(of_level, lambda s, _: s, lambda m: m.business_date <= day)
        return stocks.get(level.store_id, (0, 0))[1]

    start = begin
    if stock_after(begin - timedelta(days=1)) <= 0:
        known = min([product.created_at.astimezone(zone).date(), *(inside[:1] or [today])])
        start = max(known, begin)
    days = Period(start, today - timedelta(days=1)).each() if start < today else []
    open_days = sum(
        1 for each in days if each in inside or stock_after(each - timedelta(days=1)) > 0
    )
    return max(0, sum(moves[each] for each in inside)), max(1, open_days)


async def test_expiring_goods_are_the_ledger(world: World) -> None:
    """Batches on hand and their values, by every key, now and at random moments."""
    rows, rng, shop = await world.read(), world.rng, world.shop
    async with shop.db.read(shop.tenant) as session:
        batches = {each.id: each for each in await session.scalars(select(Batch))}
        costs = {
            (each.store_id, each.product_id): each.unit_cost
            for each in await session.scalars(select(Level))
        }
        zones = {each.id: ZoneInfo(each.timezone) for each in await session.scalars(select(Store))}
    moments = [movement.occurred_at for _, movement in rows]

    def sums(now: datetime, at: datetime, within: int, group: str) -> dict[Any, list[int]]:
        """Batches, quantity and value at the moment; its days count as those as far ahead now."""
        goods: Counter[Any] = Counter()
        for entry, movement in rows:
            if entry.batch_id is not None and movement.occurred_at <= at:
                for sign, store, bin in (
                    (-1, entry.from_store, entry.from_bin),
                    (1, entry.to_store, entry.to_bin),
                ):
                    if bin in ON_HAND_BINS:
                        goods[store, entry.product_id, entry.batch_id] += sign * entry.quantity
        by_key: dict[Any, list[int]] = {}
        for (store, product, id), quantity in goods.items():
            batch, today = batches[id], at.astimezone(zones[store]).date()
            left = batch.expires_on - today
            if quantity > 0 and left.days <= within:
                key = (
                    world.key(group, store, product)
                    if group not in TIMES
                    else first_day(group, now.astimezone(zones[store]).date() + left)
                )
                cost = costs[store, product] if batch.unit_cost is None else batch.unit_cost
                of_key = by_key.setdefault(key, [0, 0, 0])
                for place, added in enumerate((1, quantity, quantity * (cost or 0))):
                    of_key[place] += added
        return by_key

    for within in (0, 14, 90):
        at = rng.choice(moments)
        for group in ExpiryGroupBy:
            async with shop.db.read(shop.tenant) as session:
                report = await stock.expiry_report(
                    session, shop.tenant, StockFilter(list(zones)), within, group.name, 999, at
                )
            now = datetime.now(UTC)
            then = sums(now, at, within, group.name)
            assert {row.key: list(row.sums[:3]) for row in report.rows} == sums(
                now, now, within, group.name
            )
            for row in report.rows:
                compared = list(row.compared[:3]) if row.compared else None
                assert compared == then.get(row.key)
            assert report.compared_total is not None
            assert list(report.compared_total[:3]) == [
                sum(each[place] for each in then.values()) for place in range(3)
            ]


def only(
    sums: dict[Any, Counter[str]], names: Sequence[str], keys: set[Any]
) -> dict[Any, list[int]]:
    """These sums of each key; those whose sums are all zero only if the report lists them."""
    chosen = {key: [each[name] for name in names] for key, each in sums.items()}
    return {key: each for key, each in chosen.items() if any(each) or key in keys}
