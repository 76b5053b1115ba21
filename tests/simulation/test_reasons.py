"""Suggested reasons of labelled variances: how many are right, and how many are recognized."""

from tests.simulation.reasons import score

STOCKTAKES = 1500


def test_suggested_reasons(seed: str) -> None:
    """Of what is suggested 9 in 10 are right; of what has a cause 7 in 10 are recognized."""
    total = score(seed, STOCKTAKES)
    assert total.precision >= 0.9, total
    assert total.recall >= 0.7, total
