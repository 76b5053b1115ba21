"""Prices in fen: what sold goods are charged, and how parts of them share it."""

from collections.abc import Iterable
from decimal import Decimal
from typing import NamedTuple

from app.domain.rules.costs import share

MOST_AMOUNT = 10**13
"""No line is charged more, so that the sums of a report stay inside 64 bits."""


class Charge(NamedTuple):
    """What goods are sold for: `amount` is `price` × quantity − `discount`.

    `price` is for one unit; None when the goods were sold at several prices.
    """

    price: int | None
    discount: int
    amount: int

    def part(self, quantity: int, whole: int) -> "Charge":
        """The share of `quantity` out of `whole` base units; the whole is the charge itself."""
        discount = share(self.discount, quantity, whole)
        return Charge(self.price, discount, share(self.amount, quantity, whole))

    def minus(self, other: "Charge") -> "Charge":
        """What is left of the charge after a part of it; the price stays."""
        return Charge(self.price, self.discount - other.discount, self.amount - other.amount)


def charge_of(price: int, quantity: Decimal, discount: int = 0) -> Charge:
    """The charge of `quantity` units, rounded half up to the fen."""
    # Whole numbers, because a product of decimals would be rounded to 28 digits.
    count, size = quantity.as_integer_ratio()
    return Charge(price, discount, (2 * price * count + size) // (2 * size) - discount)


def parts(charge: Charge, quantities: Iterable[int]) -> list[Charge]:
    """The shares of these quantities, in order; they add up to the charge, to the fen."""
    quantities = list(quantities)
    left, rest = sum(quantities), charge
    shares: list[Charge] = []
    for quantity in quantities:
        shares.append(rest.part(quantity, left))
        rest, left = rest.minus(shares[-1]), left - quantity
    return shares
