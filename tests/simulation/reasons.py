"""Precision and recall of suggested reasons on variances whose causes are known.

`python -m tests.simulation.reasons [STOCKTAKES [SEED]]`
"""

import random
import sys
from collections.abc import Iterable
from typing import NamedTuple

from app.domain.rules.variances import SuggestedReason, suggest
from tests.support.labelled_variances import labelled

Pair = tuple[SuggestedReason | None, SuggestedReason | None]
"""What was suggested, and the cause."""


class Score(NamedTuple):
    suggested: int
    caused: int
    right: int

    @property
    def precision(self) -> float:
        return self.right / max(1, self.suggested)

    @property
    def recall(self) -> float:
        return self.right / max(1, self.caused)


def pairs(seed: str, stocktakes: int) -> list[Pair]:
    results: list[Pair] = []
    for number in range(stocktakes):
        rows = labelled(f"{seed} {number}")
        every = [each.difference for each in rows]
        for difference, cause in rows:
            suggestion = suggest(difference, every)
            results.append((suggestion and suggestion.reason, cause))
    return results


def score_of(results: Iterable[Pair], reason: SuggestedReason | None = None) -> Score:
    """The score of one reason, or of all together."""
    results = [pair for pair in results if reason is None or reason in pair]
    return Score(
        sum(mine is not None and reason in (None, mine) for mine, _ in results),
        sum(cause is not None and reason in (None, cause) for _, cause in results),
        sum(mine is cause is not None for mine, cause in results),
    )


def score(seed: str, stocktakes: int) -> Score:
    return score_of(pairs(seed, stocktakes))


def main(stocktakes: str = "2000", seed: str = "") -> None:
    seed = seed or str(random.randrange(10**6))
    results, write = pairs(seed, int(stocktakes)), sys.stdout.write
    write(f"{stocktakes} stocktakes, seed {seed}: differences, precision, recall\n")
    for reason in (*SuggestedReason, None):
        own, name = score_of(results, reason), reason.name if reason else "ALL"
        write(f"{name:22}{own.caused:6}{own.precision:8.2f}{own.recall:8.2f}\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
