"""A store that takes orders, as dicts: what lies where, and what every order holds."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

Kept = tuple[str, int]
"""A product and the days its batch has left; 0 for what keeps no batches."""

Bag = Counter[str]
"""Pieces by product."""


@dataclass
class ModelOrder:
    """One order. `out` was handed over and has not come back; `over` that its time has passed."""

    lines: Bag
    held: Counter[Kept]
    state: str = "HELD"
    over: bool = False
    extended: bool = False
    out: Counter[Kept] = field(default_factory=Counter)

    @property
    def idle(self) -> bool:
        """Whether what it holds is anybody's."""
        return self.state == "HELD" and self.over

    @property
    def counts(self) -> bool:
        """Whether its channel has sold what was ordered."""
        return self.state not in ("CANCELLED", "EXPIRED") and not self.idle


class Model:
    """The store. The one channel that rules bind is the orders' own."""

    def __init__(self) -> None:
        self.shelf: Counter[Kept] = Counter()
        self.aside: Counter[Kept] = Counter()
        self.orders: list[ModelOrder] = []
        self.buffers: dict[str, int] = {}
        self.quotas: dict[str, int | None] = {}
        self.sold: Bag = Counter()
        self.short: Bag = Counter()

    def there(self, name: str) -> int:
        return of(self.shelf, name)

    def idle(self, name: str) -> int:
        """What is held for orders whose time is over, and can be had all the same."""
        return sum(of(order.held, name) for order in self.orders if order.idle)

    def reserved(self, name: str) -> int:
        return sum(of(order.held, name) for order in self.orders)

    def ration(self, name: str) -> int | None:
        """What the channel may still sell today; None for no bound."""
        quota = self.quotas.get(name)
        if quota is None:
            return None
        ordered = sum(order.lines[name] for order in self.orders if order.counts)
        return max(0, quota - ordered - self.sold[name])

    def offer(self, name: str, bound: bool) -> int:
        """The quantity offered without a channel, or by the channel."""
        free = self.there(name) + self.idle(name)
        if not bound:
            return free
        kept, ration = max(0, free - self.buffers.get(name, 0)), self.ration(name)
        return kept if ration is None else min(kept, ration)

    def allows(self, quantities: Bag, bound: bool = True, sold: bool = True) -> bool:
        """Whether all of it can be taken: who is short ends what is overdue of it first.

        `bound` by the channel's buffer, and by its quota when it is `sold` now.
        """
        if short := self._short(quantities, bound, sold):
            self.end_overdue(order for order in self.orders if short & order.lines.keys())
        return not self._short(quantities, bound, sold)

    def _short(self, quantities: Bag, bound: bool, sold: bool) -> set[str]:
        short = set()
        for name, quantity in quantities.items():
            ration = self.ration(name) if bound and sold else None
            left = self.there(name) - (self.buffers.get(name, 0) if bound else 0)
            if quantity > left or (ration is not None and quantity > ration):
                short.add(name)
        return short

    def end_overdue(self, orders: Iterable[ModelOrder]) -> None:
        for order in orders:
            if order.idle:
                self.release(order, "EXPIRED")

    def release(self, order: ModelOrder, state: str) -> None:
        self.shelf += order.held
        order.held, order.state = Counter(), state

    def take(self, quantities: Bag) -> Counter[Kept]:
        """What leaves the shelf: what expires first before the others."""
        taken = first(self.shelf, quantities, sorted(self.shelf))
        self.shelf -= taken
        return taken

    def bring_back(self, order: ModelOrder, quantities: Bag) -> Counter[Kept]:
        """What comes back: what expires last before the others."""
        back = first(order.out, quantities, sorted(order.out, reverse=True))
        order.out -= back
        return back


def of(kept: Counter[Kept], name: str) -> int:
    return sum(count for (which, _), count in kept.items() if which == name)


def first(kept: Counter[Kept], quantities: Bag, ranked: list[Kept]) -> Counter[Kept]:
    """As much as there is of these quantities, batch by batch in this order."""
    left, taken = Counter(quantities), Counter[Kept]()
    for batch in ranked:
        taken[batch] = min(kept[batch], left[batch[0]])
        left[batch[0]] -= taken[batch]
    return +taken


def total(lines: Iterable[tuple[str, int]]) -> Bag:
    summed: Bag = Counter()
    for name, quantity in lines:
        summed[name] += quantity
    return summed
