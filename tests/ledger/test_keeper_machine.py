"""Random store keepers and random customers: transfers and write-offs of the same goods, while
orders are placed and their reservations expire."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import invariant, precondition, rule

from app.db.tables import Movement, Transfer, WriteOff
from app.domain.documents.writeoffs import Source
from app.domain.errors import ExceedsTransfer, OutOfStock, WrongState, WrongStateReason
from app.domain.rules.kinds import Kind
from tests.conftest import Cloning
from tests.ledger.test_order_machine import DATED, LATELY, LINES, NAMES, PLAIN, SOME, Customers
from tests.support.depot import Depot, a_depot
from tests.support.machine import run_machine
from tests.support.order_model import Bag, Kept, first, of, total
from tests.support.shop import day
from tests.support.writeoffs import WasteDesk

FATE = st.sampled_from(["received", "damaged", "lost", "returned"])


@dataclass
class Parcel:
    """A transfer from the warehouse; `transit` is the quantity not accounted for yet."""

    row: Transfer
    plan: Bag
    state: str = "APPROVED"
    transit: Counter[Kept] = field(default_factory=Counter)


@dataclass
class Waste:
    """A write-off, and the goods it holds in quarantine, by their source."""

    row: WriteOff
    source: Source
    held: Counter[Kept]
    state: str = "REQUESTED"


class Keepers(Customers):
    """More documents for the same shelf."""

    async def open(self) -> None:
        await super().open()
        self.depot: Depot = await a_depot(self.shop)
        self.waste = WasteDesk(self.shop)
        self.warehouse: Counter[Kept] = Counter()
        self.coming_back: list[tuple[Transfer, Counter[Kept]]] = []
        self.parcels: list[Parcel] = []
        self.wastes: list[Waste] = []
        await self.depot.stock(PLAIN, 20)
        self.warehouse[PLAIN, 0] = 20
        for days in (3, 30):
            await self.shop.deliver(DATED, 10, str(days), day(days), store=self.depot.warehouse)
            self.warehouse[DATED, days] = 10

    def lately(self, papers: list[Any], lately: int) -> Any:
        return papers[max(0, len(papers) - 1 - lately)]

    @rule(lines=LINES, requested=st.booleans())
    def plan(self, lines: Any, requested: bool) -> None:
        quantities = list(total(lines).items())
        if requested:
            row = self.run(self.depot.ask(*quantities))
            row = self.run(self.depot.approve(row))
        else:
            row = self.run(self.depot.plan(*quantities))
        assert row.state == "APPROVED", row
        self.parcels.append(Parcel(row, total(lines)))

    @precondition(lambda self: self.parcels)
    @rule(lately=LATELY)
    def ship(self, lately: int) -> None:
        parcel = self.lately(self.parcels, lately)
        outcome = self.run(self.depot.ship(parcel.row))
        if parcel.state != "APPROVED":
            assert outcome == WrongState(WrongStateReason[parcel.state])
        elif any(n > of(self.warehouse, name) for name, n in parcel.plan.items()):
            assert isinstance(outcome, OutOfStock), outcome
        else:
            assert outcome.state == "SHIPPED", outcome
            parcel.transit = first(self.warehouse, parcel.plan, sorted(self.warehouse))
            self.warehouse -= parcel.transit
            parcel.state = "SHIPPED"

    @precondition(lambda self: self.parcels)
    @rule(lately=LATELY, name=NAMES, quantity=SOME, fate=FATE)
    def arrives(self, lately: int, name: str, quantity: int, fate: str) -> None:
        parcel = self.lately(self.parcels, lately)
        counted: dict[str, Any] = {fate: quantity}
        outcome = self.run(self.depot.receive(parcel.row, name, **counted))
        if parcel.state not in ("SHIPPED", "PARTIAL"):
            assert outcome == WrongState(WrongStateReason[parcel.state])
            return
        if quantity > of(parcel.transit, name):
            assert isinstance(outcome, ExceedsTransfer), outcome
            return
        part = first(parcel.transit, Counter({name: quantity}), sorted(parcel.transit))
        parcel.transit -= part
        parcel.state = "PARTIAL" if parcel.transit else "RECEIVED"
        assert outcome.state == parcel.state, outcome
        if fate == "received":
            self.model.shelf += part
        elif fate == "damaged":
            self.model.aside += part
        elif fate == "returned":
            self.coming_back.append((self.run(self.depot.back(parcel.row))[-1], part))

    @precondition(lambda self: self.coming_back)
    @rule()
    def comes_back(self) -> None:
        row, part = self.coming_back.pop()
        assert self.run(self.depot.receive(row)).state == "RECEIVED"
        self.warehouse += part

    @precondition(lambda self: self.parcels)
    @rule(lately=LATELY)
    def call_back(self, lately: int) -> None:
        parcel = self.lately(self.parcels, lately)
        outcome = self.run(self.depot.cancel(parcel.row))
        if parcel.state not in ("APPROVED", "SHIPPED"):
            assert outcome == WrongState(WrongStateReason[parcel.state])
            return
        assert outcome.state == "CANCELLED", outcome
        self.warehouse += parcel.transit
        parcel.transit, parcel.state = Counter(), "CANCELLED"

    def earmarked(self) -> Counter[Kept]:
        """Goods in quarantine that belong to open write-offs."""
        return sum((each.held for each in self.wastes if each.state == "REQUESTED"), Counter())

    @rule(name=NAMES, quantity=SOME, source=st.sampled_from(Source))
    def throw_away(self, name: str, quantity: int, source: Source) -> None:
        outcome = self.run(self.waste.request((name, quantity, source)))
        quantities = Counter({name: quantity})
        free = self.model.aside - self.earmarked()
        if source is Source.SHELF:
            possible = self.model.allows(quantities, bound=False)
        else:
            possible = quantity <= of(free, name)
            if not possible:
                # A request that is short ends overdue orders and tries again.
                self.model.end_overdue(each for each in self.model.orders if name in each.lines)
        if not possible:
            assert isinstance(outcome, OutOfStock), outcome
            return
        assert isinstance(outcome, WriteOff), outcome
        if source is Source.SHELF:
            held = self.model.take(quantities)
            self.model.aside += held
        else:
            held = first(free, quantities, sorted(free))
        self.wastes.append(Waste(outcome, source, held))

    @precondition(lambda self: self.wastes)
    @rule(lately=LATELY, good=st.booleans())
    def decide(self, lately: int, good: bool) -> None:
        waste = self.lately(self.wastes, lately)
        deciding = self.waste.approve if good else self.waste.reject
        outcome = self.run(deciding(waste.row))
        if waste.state != "REQUESTED":
            assert outcome == WrongState(WrongStateReason[waste.state])
            return
        waste.state = "APPROVED" if good else "REJECTED"
        assert outcome.state == waste.state, outcome
        if good or waste.source is Source.SHELF:
            self.model.aside -= waste.held
        if not good and waste.source is Source.SHELF:
            self.model.shelf += waste.held

    @rule(name=NAMES, quantity=SOME)
    def release(self, name: str, quantity: int) -> None:
        """Checked goods go back on sale, except those of an open write-off."""
        free = self.model.aside - self.earmarked()
        outcome = self.run(self.shop.do(Kind.RELEASE, (name, quantity)))
        if quantity > of(free, name):
            assert isinstance(outcome, OutOfStock), outcome
            return
        assert isinstance(outcome, Movement), outcome
        part = first(free, Counter({name: quantity}), sorted(free))
        self.model.aside -= part
        self.model.shelf += part

    @invariant()
    def what_is_shipped_is_somewhere(self) -> None:
        coming = sum((each.transit for each in self.parcels), Counter[Kept]())
        back = sum((part for _, part in self.coming_back), Counter[Kept]())
        for name in (PLAIN, DATED):
            there, here = self.run(self.depot.bins(name))
            assert there == (of(self.warehouse, name), 0, of(back, name)), name
            assert here[2] == of(coming, name), name


@pytest.mark.widened
async def test_keepers(clone: Cloning, wide: bool) -> None:
    await run_machine(Keepers, clone, wide, examples=12, steps=40)
