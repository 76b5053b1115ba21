"""A random store on real PostgreSQL, compared with a dict after every step."""

from collections import Counter
from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, invariant, precondition, rule

from app.db import feed
from app.db.tables import Movement
from app.domain.errors import KeyReused, OutOfStock, ReturnExceedsSale, WrongState, WrongStateReason
from app.domain.rules.kinds import Kind
from tests.conftest import Cloning
from tests.support.machine import Machine, run_machine

PRODUCTS = st.sampled_from(["米", "油", "盐"])
QUANTITIES = st.integers(1, 12)
# The effect of each simple kind on (shelf, quarantine), written independently of the rules.
EFFECTS = {
    Kind.OPENING: (1, 0),
    Kind.RECEIPT: (1, 0),
    Kind.SALE: (-1, 0),
    Kind.GAIN: (1, 0),
    Kind.LOSS: (-1, 0),
    Kind.QUARANTINE: (-1, 1),
    Kind.RELEASE: (1, -1),
    Kind.CONSUMPTION: (-1, 0),
    Kind.PRODUCTION: (1, 0),
    Kind.SUPPLIER_RETURN: (-1, 0),
}
RETURNED = {Kind.RETURN: (1, 0), Kind.RETURN_HELD: (0, 1), Kind.RETURN_WASTED: (0, 0)}

Lines = list[tuple[str, int]]


class Model:
    """Two stores as dicts: the quantities by bin, and the state of every movement."""

    def __init__(self) -> None:
        self.bins: Counter[tuple[int, str, str]] = Counter()
        self.effects: dict[UUID, Counter[tuple[int, str, str]]] = {}
        self.sold: dict[UUID, tuple[int, Counter[str]]] = {}
        self.returns: dict[UUID, UUID] = {}
        self.quantities: dict[UUID, Counter[str]] = {}
        self.undone: set[UUID] = set()
        self.undoing: set[UUID] = set()
        self.commits: Counter[int] = Counter()

    def effect(self, store: int, lines: Lines, signs: tuple[int, int]) -> Counter[Any]:
        change: Counter[tuple[int, str, str]] = Counter()
        for name, quantity in lines:
            change[store, name, "shelf"] += signs[0] * quantity
            change[store, name, "quarantine"] += signs[1] * quantity
        return change

    def possible(self, change: Counter[Any]) -> bool:
        return all(self.bins[place] + moved >= 0 for place, moved in change.items())

    def apply(self, movement: UUID, store: int, change: Counter[Any]) -> None:
        for place, moved in change.items():
            self.bins[place] += moved
        self.effects[movement] = change
        # Goods returned directly to waste change no physical bin, so no level and no revision.
        self.commits[store] += any(change.values())

    def opposite(self, movement: Movement) -> Counter[Any]:
        """The change of a reversal: what arrived leaves quarantine where the shelf lacks it."""
        change = Counter({place: -n for place, n in self.effects[movement.id].items()})
        if movement.kind in (Kind.OPENING.name, Kind.RECEIPT.name):
            for (store, name, bin), moved in list(change.items()):
                lacking = -moved - self.bins[store, name, bin]
                if bin == "shelf" and lacking > 0:
                    change[store, name, "shelf"] += lacking
                    change[store, name, "quarantine"] -= lacking
        return change

    def returned(self, sale: UUID) -> Counter[str]:
        total: Counter[str] = Counter()
        for movement, origin in self.returns.items():
            if origin == sale and movement not in self.undone:
                total += self.quantities[movement]
        return total


class Stores(Machine):
    """Every step goes through the lane; the model must refuse the same steps."""

    moved = Bundle("moved")
    sales = Bundle("sales")

    async def open(self) -> None:
        self.model = Model()
        self.stores = [self.shop.store, await self.shop.another_store()]
        for name in ("米", "油", "盐"):
            await self.shop.product(name)
        for store in self.stores:
            # Create every level first, so that each later commit is one revision.
            await self.shop.do(Kind.SALE, ("米", 1), ("油", 1), ("盐", 1), store=store)
        self.opened = {s: await feed.head(self.db, self.shop.tenant, s) for s in self.stores}

    def post(self, kind: Kind, store: int, lines: Lines, **more: Any) -> Any:
        doing = self.shop.do(kind, *lines, store=self.stores[store], **more)
        return self.run(doing)

    @rule(
        target=moved,
        kind=st.sampled_from(sorted(EFFECTS, key=lambda kind: kind.name)),
        store=st.integers(0, 1),
        lines=st.lists(st.tuples(PRODUCTS, QUANTITIES), min_size=1, max_size=4),
    )
    def move(self, kind: Kind, store: int, lines: Lines) -> Any:
        change = self.model.effect(store, lines, EFFECTS[kind])
        outcome = self.post(kind, store, lines)
        if not self.covered(store, lines, EFFECTS[kind]):
            assert isinstance(outcome, OutOfStock)
            return None
        assert isinstance(outcome, Movement), outcome
        self.model.apply(outcome.id, store, change)
        self.model.quantities[outcome.id] = total(lines)
        if kind is Kind.SALE:
            self.model.sold[outcome.id] = (store, total(lines))
        return outcome

    def covered(self, store: int, lines: Lines, signs: tuple[int, int]) -> bool:
        bins = [bin for bin, sign in zip(("shelf", "quarantine"), signs, strict=True) if sign < 0]
        return all(
            self.model.bins[store, name, bin] >= quantity
            for bin in bins
            for name, quantity in total(lines).items()
        )

    @rule(movement=moved)
    def undo(self, movement: Movement | None) -> None:
        if movement is None:
            return
        model, outcome = self.model, self.run(self.shop.reverse(movement))
        change = model.opposite(movement)
        if movement.id in model.undone or model.returned(movement.id):
            assert isinstance(outcome, WrongState)
        elif not model.possible(change):
            assert isinstance(outcome, OutOfStock)
        else:
            assert isinstance(outcome, Movement), outcome
            model.apply(outcome.id, self.stores.index(movement.store_id), change)
            model.undone.add(movement.id)

    @precondition(lambda self: self.model.sold)
    @rule(
        target=moved,
        data=st.data(),
        kind=st.sampled_from(sorted(RETURNED, key=lambda kind: kind.name)),
        lines=st.lists(st.tuples(PRODUCTS, QUANTITIES), min_size=1, max_size=2),
    )
    def take_back(self, data: st.DataObject, kind: Kind, lines: Lines) -> Any:
        model = self.model
        sale = data.draw(st.sampled_from(sorted(model.sold)))
        store, sold = model.sold[sale]
        outcome = self.post(kind, store, lines, sale_id=sale)
        left = sold - model.returned(sale)
        if sale in model.undone:
            assert outcome == WrongState(WrongStateReason.REVERSED)
        elif any(quantity > left[name] for name, quantity in total(lines).items()):
            assert isinstance(outcome, ReturnExceedsSale)
        else:
            assert isinstance(outcome, Movement), outcome
            model.apply(outcome.id, store, model.effect(store, lines, RETURNED[kind]))
            model.returns[outcome.id] = sale
            model.quantities[outcome.id] = total(lines)
            return outcome
        return None

    @rule(store=st.integers(0, 1), name=PRODUCTS, quantity=QUANTITIES, changed=st.booleans())
    def repeat_a_key(self, store: int, name: str, quantity: int, changed: bool) -> None:
        key = uuid4()
        first = self.post(Kind.RECEIPT, store, [(name, quantity)], key=key)
        change = self.model.effect(store, [(name, quantity)], (1, 0))
        self.model.apply(first.id, store, change)
        again = self.post(Kind.RECEIPT, store, [(name, quantity + changed)], key=key)
        assert again == KeyReused(key) if changed else again.id == first.id

    @invariant()
    def levels_equal_the_model(self) -> None:
        for number, store in enumerate(self.stores):
            revision, levels = self.run(feed.levels(self.db, self.shop.tenant, store))
            names = {product: name for name, product in self.shop.products.items()}
            for level in levels:
                name = names[level.product_id]
                held = (level.shelf, level.quarantine, level.reserved, level.transit)
                expected = (
                    self.model.bins[number, name, "shelf"],
                    self.model.bins[number, name, "quarantine"],
                    0,
                    0,
                )
                assert held == expected
            assert revision - self.opened[store] == self.model.commits[number]


def total(lines: Lines) -> Counter[str]:
    summed: Counter[str] = Counter()
    for name, quantity in lines:
        summed[name] += quantity
    return summed


@pytest.mark.widened
async def test_machine(clone: Cloning, wide: bool) -> None:
    await run_machine(Stores, clone, wide, examples=25, steps=30)
