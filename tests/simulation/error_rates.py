"""How often each method of counting is wrong.

`python -m tests.simulation.error_rates [DAYS [SEED]]`
"""

import random
import sys
from typing import NamedTuple

from tests.support.counting_methods import METHODS, PRODUCTS, Method, run


class Failures(NamedTuple):
    """Days, and products of all days, whose books did not end as the shelf; products whose
    difference was reported wrongly."""

    days: int
    products: int
    reports: int


def failures(method: Method, seed: str, days: int) -> Failures:
    results = [run(f"{seed} {number}", method) for number in range(days)]
    return Failures(
        sum(result.wrong_books > 0 for result in results),
        sum(result.wrong_books for result in results),
        sum(result.wrong_reports for result in results),
    )


def main(days: str = "1000", seed: str = "") -> None:
    seed = seed or str(random.randrange(10**6))
    write = sys.stdout.write
    write(f"{days} days, seed {seed}: wrong days, wrong books, wrong differences\n")
    for name, method in METHODS.items():
        wrong, products = failures(method, seed, int(days)), int(days) * PRODUCTS
        shares = wrong.days / int(days), wrong.products / products, wrong.reports / products
        write(f"{name:28}{''.join(f'{share:8.1%}' for share in shares)}\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
