"""Analytics equal sums over the whole ledger, to the last fen, on random histories."""

from collections import Counter
from datetime import timedelta
from typing import Any

from app.db.analytics import Choice
from app.domain.reports.analytics import OrderBy, analytics
from app.domain.rules.metrics import Dimension, Metric
from app.domain.rules.periods import Comparison, Period, compared_with
from tests.support.report_world import World, flows, keyed
from tests.support.shop import day


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
                    shift = (days.since - period.since).days
                    key = tuple(keyed(world, each, flow, shift) for each in dimensions)
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
