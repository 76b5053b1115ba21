"""Reversals in the ledger: what they cost, where they take goods from, and their order."""

from dataclasses import replace
from typing import NamedTuple
from uuid import UUID

from hypothesis import given, settings
from hypothesis import strategies as st

from app.db.stock import entries_of
from app.db.tables import Entry, Movement
from app.domain.errors import OutOfStock
from app.domain.ledger.costs import MovementCosts
from app.domain.ledger.draft import Line, Place
from app.domain.ledger.locked import LockedLevel, Move
from app.domain.rules.kinds import Kind
from tests.ledger.test_dishes import costed, worth
from tests.support.shop import Shop, day


async def reversal(shop: Shop, movement: Movement) -> list[Entry]:
    outcome = await shop.reverse(movement)
    assert isinstance(outcome, Movement), outcome
    async with shop.db.read(shop.tenant) as session:
        return list(await entries_of(session, shop.tenant, [outcome.id]))


async def test_a_slip_of_the_finger_leaves_no_trace_in_the_value(shop: Shop) -> None:
    await costed(shop, Kind.RECEIPT, 10, 280_000)
    slip = await costed(shop, Kind.RECEIPT, 10, 28_000_000)
    [entry] = await reversal(shop, slip)
    assert (entry.cost, entry.own_cost) == (280_000_000, True)
    assert await worth(shop) == (10, 2_800_000, 280_000)


async def test_a_reversal_beyond_the_value_leaves_at_the_average(shop: Shop) -> None:
    await costed(shop, Kind.RECEIPT, 10, 10_000)
    dear = await costed(shop, Kind.RECEIPT, 10, 90_000)
    await shop.sell("米", 5)
    [entry] = await reversal(shop, dear)
    assert (entry.cost, entry.own_cost) == (500_000, False)
    assert await worth(shop) == (5, 250_000, 50_000)


async def test_what_leaves_last_takes_the_whole_value(shop: Shop) -> None:
    cheap = await costed(shop, Kind.RECEIPT, 10, 10_000)
    await costed(shop, Kind.RECEIPT, 10, 90_000)
    await shop.sell("米", 10)
    [entry] = await reversal(shop, cheap)
    assert (entry.cost, entry.own_cost) == (500_000, False)
    assert (await worth(shop))[:2] == (0, 0)


async def test_other_entries_have_no_basis(shop: Shop) -> None:
    await costed(shop, Kind.RECEIPT, 10, 10_000)
    sale = await shop.sell("米", 4)
    assert isinstance(sale, Movement)
    [entry] = await reversal(shop, sale)
    assert (entry.cost, entry.own_cost) == (40_000, None)


async def test_reversed_receipts_take_the_rest_from_quarantine(shop: Shop) -> None:
    came = await costed(shop, Kind.RECEIPT, 10, 10_000)
    await costed(shop, Kind.RECEIPT, 2, 70_000)
    await shop.do(Kind.QUARANTINE, ("米", 9))
    entries = await reversal(shop, came)
    assert [(each.from_bin, each.quantity, each.cost) for each in entries] == [
        ("shelf", 3, 30_000),
        ("quarantine", 7, 70_000),
    ]
    assert await shop.bins("米") == (0, 0, 2, 0)
    assert (await shop.level("米")).value == 140_000


async def test_a_reversal_that_finds_too_little_says_how_much_there_is(shop: Shop) -> None:
    came = await costed(shop, Kind.RECEIPT, 10, 10_000)
    await shop.sell("米", 2)
    await shop.do(Kind.QUARANTINE, ("米", 5))
    outcome = await shop.reverse(came)
    assert isinstance(outcome, OutOfStock)
    assert [(each.requested, each.available) for each in outcome.shortages] == [(10, 8)]


async def test_a_sale_beyond_stock_is_reversed_to_where_it_was(shop: Shop) -> None:
    sale = await shop.sell("米", 4, accept_shortage=True)
    assert isinstance(sale, Movement)
    assert len(await reversal(shop, sale)) == 2
    assert await shop.bins("米") == (0, 0, 0, 0)


async def test_suppliers_take_back_the_shelf_first_and_then_quarantine(shop: Shop) -> None:
    await shop.product("奶", batches=True)
    await shop.deliver("奶", 4, "OLD", day(3))
    await shop.deliver("奶", 6, "NEW", day(9))
    await shop.do(Kind.QUARANTINE, ("奶", 5))
    draft = await shop.draft(Kind.SUPPLIER_RETURN, ("奶", 8))
    lines = tuple(replace(line, rest=Kind.SUPPLIER_RETURN.value.rest) for line in draft.lines)
    outcome = await shop.post(replace(draft, lines=lines))
    assert isinstance(outcome, Movement), outcome
    async with shop.db.read(shop.tenant) as session:
        entries = await entries_of(session, shop.tenant, [outcome.id])
    assert [(each.from_bin, each.quantity) for each in entries] == [
        ("shelf", 5),
        ("quarantine", 3),
    ]
    assert await shop.bins("奶") == (0, 0, 2, 0)


class Step(NamedTuple):
    """Goods that come in at a unit cost, or leave a level."""

    quantity: int
    unit_cost: int | None


ARRIVALS = st.builds(Step, st.integers(1, 40), st.integers(0, 10**7))
STEPS = st.lists(ARRIVALS | st.builds(Step, st.integers(1, 60), st.none()), max_size=12)
STORE, PRODUCT = UUID(int=1), UUID(int=2)
SHELF, SUPPLIER, CUSTOMER = (Place(STORE, bin) for bin in ("shelf", "supplier", "customer"))


def carried(level: LockedLevel, quantity: int, source: Place, target: Place, **costs: int) -> int:
    """Applies one move to the level; returns its cost."""
    line = Line(PRODUCT, quantity, source, target, **costs)  # type: ignore[arg-type]
    cost = MovementCosts().carry(Move(line, quantity, level, level)).cost
    level.move(None, "shelf", quantity if target is SHELF else -quantity)
    return cost


def after(steps: list[Step]) -> LockedLevel:
    level = LockedLevel((STORE, PRODUCT), dict.fromkeys(("shelf",), 0), 0, 1)
    for quantity, unit_cost in steps:
        if unit_cost is not None:
            carried(level, quantity, SUPPLIER, SHELF, unit_cost=unit_cost)
        elif quantity <= level.held:
            carried(level, quantity, SHELF, CUSTOMER)
    return level


@given(STEPS, ARRIVALS)
@settings(max_examples=300)
def test_a_receipt_reversed_at_once_returns_value_and_count(steps: list[Step], slip: Step) -> None:
    level = after(steps)
    before = level.held, level.value
    assert slip.unit_cost is not None
    cost = carried(level, slip.quantity, SUPPLIER, SHELF, unit_cost=slip.unit_cost)
    assert carried(level, slip.quantity, SHELF, SUPPLIER, cost=cost) == cost
    assert (level.held, level.value) == before


@given(STEPS, ARRIVALS, STEPS)
@settings(max_examples=300)
def test_a_receipt_reversed_later_never_breaks_the_value(
    steps: list[Step], slip: Step, later: list[Step]
) -> None:
    level = after(steps)
    assert slip.unit_cost is not None
    cost = carried(level, slip.quantity, SUPPLIER, SHELF, unit_cost=slip.unit_cost)
    for quantity, unit_cost in later:
        if unit_cost is not None:
            carried(level, quantity, SUPPLIER, SHELF, unit_cost=unit_cost)
        elif quantity <= level.held:
            carried(level, quantity, SHELF, CUSTOMER)
    if slip.quantity <= level.held:
        carried(level, slip.quantity, SHELF, SUPPLIER, cost=cost)
    assert level.value >= 0
    assert level.held or level.value == 0
