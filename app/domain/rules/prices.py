"""Charges of sold goods in fen, and the shares of their parts."""

from collections.abc import Sequence
from decimal import Decimal
from typing import NamedTuple

from app.domain.rules.costs import share

MOST_AMOUNT = 10**13
"""The largest charge of a line, so that the sums of a report stay inside 64 bits."""


class Charge(NamedTuple):
    """The charge of sold goods: `amount` is `price` × quantity − `discount`.

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

    def less(self, percent: int) -> "Charge":
        """The charge with `percent` off, rounded half up to the fen."""
        if not percent:
            return self
        discount = (2 * self.amount * percent + 100) // 200
        return Charge(self.price, self.discount + discount, self.amount - discount)


def charge_of(price: int, quantity: Decimal, discount: int = 0) -> Charge:
    """The charge of `quantity` units, rounded half up to the fen."""
    # Whole numbers, because a product of decimals would be rounded to 28 digits.
    count, size = quantity.as_integer_ratio()
    return Charge(price, discount, (2 * price * count + size) // (2 * size) - discount)


def marked_down(charge: Charge, quantity: int, batches: Sequence[tuple[int, int]]) -> Charge:
    """The charge of `quantity` base units from the batches that are sold next; `batches` has the
    base units and the percent off of each."""
    discount, left = 0, quantity
    for held, percent in batches:
        taken = min(held, left)
        if percent and taken:
            part = charge.part(taken, quantity)
            discount += part.amount - part.less(percent).amount
        left -= taken
    return Charge(charge.price, charge.discount + discount, charge.amount - discount)


def tenths(percent: int) -> str:
    """The discounted price in tenths, as shops state it: 20 % off is 8 折, 15 % off is 8.5 折."""
    return f"{(100 - percent) / 10:g}"


def parts(charge: Charge, goods: Sequence[tuple[int, int]]) -> list[Charge]:
    """The shares of the charge for these goods (quantity, percent off), in order, each marked down.

    Before the markdowns they add up to the charge, to the fen.
    """
    left, rest = sum(quantity for quantity, _ in goods), charge
    shares: list[Charge] = []
    for quantity, percent in goods:
        share = rest.part(quantity, left)
        shares.append(share.less(percent))
        rest, left = rest.minus(share), left - quantity
    return shares
