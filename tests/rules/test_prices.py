"""Charges: rounded once, and shared to the fen."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.movements.prices import OwnPrice, price_at
from app.domain.rules.prices import Charge, charge_of, marked_down, parts

QUANTITIES = st.lists(st.integers(1, 10**6), min_size=1, max_size=8)
CHARGES = st.builds(Charge, st.integers(0, 10**9), st.integers(0, 10**6), st.integers(0, 10**13))


@pytest.mark.parametrize(
    ("price", "quantity", "discount", "amount"),
    [
        (250, "3", 0, 750),
        (333, "0.5", 0, 167),  # 1.665 yuan is rounded half up.
        (101, "0.245", 0, 25),
        (999, "0.0005", 0, 0),
        (250, "3", 50, 700),
        (0, "12", 0, 0),
        (10**11 + 1, "999999999999999.999", 0, 99999999999999999900 * 10**6 + 10**15),
    ],
)
def test_an_amount_is_rounded_once(price: int, quantity: str, discount: int, amount: int) -> None:
    assert charge_of(price, Decimal(quantity), discount) == Charge(price, discount, amount)


@given(CHARGES, QUANTITIES)
def test_parts_add_up_to_the_charge(charge: Charge, quantities: list[int]) -> None:
    shares = parts(charge, [(quantity, 0) for quantity in quantities])
    assert sum(each.amount for each in shares) == charge.amount
    assert sum(each.discount for each in shares) == charge.discount
    assert all(each.amount >= 0 and each.discount >= 0 for each in shares)
    assert {each.price for each in shares} == {charge.price}


@given(CHARGES, QUANTITIES)
def test_no_part_takes_more_than_its_share_rounded(charge: Charge, quantities: list[int]) -> None:
    whole = sum(quantities)
    first = charge.part(quantities[0], whole)
    assert abs(first.amount * whole - charge.amount * quantities[0]) * 2 <= whole
    assert charge.part(whole, whole) == charge


def test_the_price_at_a_moment() -> None:
    day = datetime(2026, 11, 1, tzinfo=UTC)
    history = [(day - timedelta(days=90), 100), (day - timedelta(days=45), 200), (day, 300)]
    assert price_at(history, day + timedelta(days=1)) == OwnPrice(300, frozenset([200, 300]))
    assert price_at(history, day + timedelta(days=31)) == OwnPrice(300, frozenset([300]))
    assert price_at(history, day - timedelta(days=1)) == OwnPrice(200, frozenset([200, 300]))
    first = price_at(history, day - timedelta(days=365))
    assert first == OwnPrice(100, frozenset([100, 200, 300]))


@given(CHARGES, QUANTITIES, st.lists(st.integers(0, 99), min_size=9, max_size=9))
def test_markdowns_of_an_order_are_those_of_its_batches(
    charge: Charge, quantities: list[int], percents: list[int]
) -> None:
    """An order of the batches that are sold next costs what the counter charges, to the fen."""
    goods = list(zip(quantities, percents, strict=False))
    sold = parts(charge, goods)
    ordered = marked_down(charge, sum(quantity for quantity, _ in goods), goods)
    assert ordered.amount + ordered.discount == charge.amount + charge.discount
    assert abs(ordered.amount - sum(each.amount for each in sold)) <= len(goods)
    assert 0 <= ordered.amount <= charge.amount
