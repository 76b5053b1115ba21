"""Bundles of a sale: what they contained may come back, and a share of their price with it."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from fractions import Fraction
from uuid import UUID

from app.db.movements import History
from app.domain.ledger.draft import BundlePart
from app.domain.rules.costs import share


def count_parts(history: History, parts: Sequence[BundlePart]) -> None:
    """Counts the goods of a sale's bundles as sold, with their batches and costs.

    They went to the kitchen together with what dishes of the same sale took.
    """
    left: Counter[UUID] = Counter()
    for part in parts:
        left[part.product] += part.quantity
    for product, batch, quantity, cost in history.used:
        counted = min(quantity, left[product])
        if counted > 0:
            left[product] -= counted
            history.parts[product] += counted
            history.add_sold(product, batch, counted, share(cost, counted, quantity), None, 0, None)


class BundleMoney:
    """What was paid for a sale's bundles and is not paid back yet, in fen.

    Each part takes its share of that: by the prices of the parts, or by their quantities when one
    of them has no price. The last part takes the rest, so that the shares add up to the price.
    """

    def __init__(self, history: History, parts: Sequence[BundlePart]) -> None:
        bundles = {part.bundle for part in parts}
        self.left = sum(history.amounts[bundle] for bundle in bundles)
        """Not paid back yet."""
        self.known = any(bundle in history.prices for bundle in bundles)
        """Whether the bundles had a price."""
        self._each = _weights(history, parts)
        self._weight = Fraction(0)
        for product, each in self._each.items():
            self.left += min(0, history.amounts[product])
            self._weight += each * _left(history, product)

    def weight(self, product: UUID, quantity: int) -> Fraction:
        """The share of the money that belongs to `quantity` base units of the product."""
        return self._each.get(product, Fraction(0)) * quantity

    def take(self, weight: Fraction) -> int:
        """The share of this weight, which is paid back."""
        share = round(self.left * weight / self._weight) if self._weight else 0
        self._weight -= weight
        self.left -= share
        return share


def _weights(history: History, parts: Sequence[BundlePart]) -> Mapping[UUID, Fraction]:
    """What one base unit of each product stands for, of the prices of the bundles it was in."""
    of_bundle: dict[UUID, list[BundlePart]] = defaultdict(list)
    for part in parts:
        of_bundle[part.bundle].append(part)
    money: dict[UUID, Fraction] = defaultdict(Fraction)
    for bundle, contained in of_bundle.items():
        worths = [part.worth for part in contained if part.worth]
        if len(worths) < len(contained):
            worths = [part.quantity for part in contained]
        for part, worth in zip(contained, worths, strict=True):
            money[part.product] += Fraction(history.paid[bundle] * worth, sum(worths))
    return {p: each / history.parts[p] for p, each in money.items() if history.parts[p]}


def _left(history: History, product: UUID) -> int:
    """Base units of the product that were sold inside bundles and have not come back."""
    alone = history.returned[product] - history.unpacked[product]
    own = history.sold[product] - history.parts[product]
    return history.parts[product] - history.unpacked[product] - max(0, alone - own)
