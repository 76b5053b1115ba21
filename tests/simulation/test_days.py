"""Simulated days by the application's own rules: the books end as the shelf, every time."""

import os

import pytest

from tests.simulation.error_rates import failures
from tests.support.counting_methods import METHODS, at_the_end, by_position, run, unsynchronized

SIMULATED = int(os.environ.get("SIMULATION_RUNS", "0"))
"""Days of `make simulate`; else a sample, and 1,000 with --all."""
PART = 500


def days(wide: bool) -> int:
    if SIMULATED:
        return PART
    return 1000 if wide else 60


@pytest.mark.widened
@pytest.mark.parametrize("part", range(max(1, SIMULATED // PART)))
def test_the_books_end_as_the_shelf(seed: str, wide: bool, part: int) -> None:
    """The report has each planted difference and no other; a second count finds none."""
    seeds = [f"{seed} {part} {number}" for number in range(days(wide))]
    failed = {each: result for each in seeds if any(result := run(each, by_position))}
    assert failed == {}


def test_what_a_late_sale_leaves_uncertain_is_flagged(seed: str) -> None:
    """A till that records no zones synchronizes after the close of a product whose zones were
    counted before and after its sale: where the book ends wrong, an alert asks for a count."""
    results = [run(f"{seed} {number}", unsynchronized) for number in range(150)]
    assert any(result.wrong_books for result in results)
    assert sum(result.unflagged for result in results) == 0


def test_classic_methods_fail(seed: str) -> None:
    """The same days show that the differences are not easy to find."""
    for name, method in METHODS.items():
        wrong = failures(method, seed, 20)
        assert (wrong.days == 0) is (method is by_position), name


def test_equal_seeds_are_equal_days(seed: str) -> None:
    assert run(seed, at_the_end) == run(seed, at_the_end)
