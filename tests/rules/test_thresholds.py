"""Thresholds: every walk of a stock against a model with memory."""

from hypothesis import given
from hypothesis import strategies as st

from app.domain.rules.thresholds import Step, crossing, standing

STOCK = st.integers(0, 30)


def test_a_threshold_of_four_fires_when_five_becomes_four() -> None:
    assert crossing(5, 4, 4, 1) is Step.RAISE
    assert crossing(6, 5, 4, 1) is None
    assert crossing(4, 0, 4, 1) is None, "it has fired"
    assert crossing(30, 0, 4, 1) is Step.RAISE


def test_it_recovers_a_little_above_the_threshold() -> None:
    assert crossing(4, 5, 4, 1) is Step.RESOLVE
    assert crossing(5, 6, 4, 1) is Step.CLOSE
    assert crossing(0, 6, 4, 1) is Step.CLOSE
    assert crossing(100, 110, 100, 1) is Step.RESOLVE
    assert crossing(100, 111, 100, 1) is Step.CLOSE


@given(st.integers(0, 20), st.integers(1, 3), STOCK, st.lists(STOCK))
def test_an_alert_is_open_while_the_stock_is_at_the_limit(
    limit: int, scale: int, first: int, walk: list[int]
) -> None:
    """One that is not closed is opened again; it closes at the recovery alone."""
    before, lasting, closed = first + limit + 1, False, True
    for after in walk:
        match crossing(before, after, limit, scale):
            case Step.RAISE:
                lasting, closed = True, False
            case Step.RESOLVE:
                assert lasting
                lasting = False
            case Step.CLOSE:
                lasting, closed = False, True
        assert lasting == (after <= limit)
        assert not closed or after > limit
        before = after


@given(STOCK, st.integers(1, 20), st.integers(1, 3))
def test_a_new_limit_is_judged_like_a_fall_to_it(quantity: int, limit: int, scale: int) -> None:
    step = standing(quantity, limit, scale)
    assert (step is Step.RAISE) == (quantity <= limit)
    if quantity > limit:
        assert step is crossing(limit, quantity, limit, scale)


def test_without_a_limit_nothing_is_low() -> None:
    assert standing(0, 0, 1) is Step.CLOSE
