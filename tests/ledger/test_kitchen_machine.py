"""A random kitchen on real PostgreSQL, compared with a dict: batches, recipes, passes, expiry and
reversals."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any
from unittest.mock import patch

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import invariant, precondition, rule

from app.db.tables import Movement, Pass, Redemption
from app.domain.errors import OutOfStock, WrongState, WrongStateReason
from app.domain.movements.batches import expiring
from app.domain.rules.kinds import Kind
from tests.conftest import Cloning
from tests.support.machine import Machine, run_machine
from tests.support.salon import Salon, a_salon
from tests.support.shop import day

PLAIN, DATED = "米", "奶"
DAYS = (-2, 3, 30)
"""Days left of the dated product's batches, in FEFO order: expired, soon, later."""

PARTS = st.dictionaries(st.sampled_from([PLAIN, DATED]), st.integers(1, 3), min_size=1)
SOME = st.integers(1, 6)


class Shelf:
    """One store as dicts: pieces by product, and of the dated product also by batch."""

    def __init__(self) -> None:
        self.plain = 0
        self.dated: Counter[int] = Counter()
        self.aside = 0

    def fresh(self) -> int:
        return sum(held for days, held in self.dated.items() if days >= 0)

    def covers(self, parts: dict[str, int], count: int) -> bool:
        return self.plain >= parts.get(PLAIN, 0) * count and (
            self.fresh() >= parts.get(DATED, 0) * count
        )

    def take(self, parts: dict[str, int], count: int) -> Counter[int]:
        """The quantity that leaves each batch; the batch that expires first is used first."""
        self.plain -= parts.get(PLAIN, 0) * count
        needed, taken = parts.get(DATED, 0) * count, Counter()
        for days in DAYS[1:]:
            taken[days] = min(needed, self.dated[days])
            needed -= taken[days]
        self.dated -= taken
        return taken


class Kitchen(Machine):
    """Every step goes through the app; the model must refuse the same steps."""

    async def open(self) -> None:
        self.shelf = Shelf()
        self.recipe: dict[str, int] = {PLAIN: 1}
        self.sold: list[tuple[Movement, dict[str, int], int, Counter[int]]] = []
        self.shampoo = [1000, 1000]
        self.uses: tuple[int, int] | None = None
        self.minutes = 0
        await self.shop.product(PLAIN)
        await self.shop.product(DATED, batches=True)
        await self.shop.cook("粥", **self.recipe)
        self.salon: Salon = await a_salon(self.shop, "FIRST_USE_ON_SALE")
        # Create the levels.
        await self.shop.do(Kind.SALE, (PLAIN, 1), (DATED, 1))

    @rule(quantity=SOME)
    def receive(self, quantity: int) -> None:
        assert isinstance(self.run(self.shop.receive(PLAIN, quantity)), Movement)
        self.shelf.plain += quantity

    @rule(quantity=SOME, days=st.sampled_from(DAYS))
    def deliver(self, quantity: int, days: int) -> None:
        self.run(self.shop.deliver(DATED, quantity, str(days), day(days)))
        self.shelf.dated[days] += quantity

    @rule(parts=PARTS)
    def cook(self, parts: dict[str, int]) -> None:
        self.run(self.shop.cook("粥", **parts))
        self.recipe = parts

    @rule(count=st.integers(1, 4), more=st.integers(0, 2))
    def order(self, count: int, more: int) -> None:
        """A sale of dishes together with some of their ingredients."""
        lines: list[tuple[str, int]] = [("粥", count)] + ([(PLAIN, more)] if more else [])
        outcome = self.run(self.shop.order(*lines))
        parts = Counter({name: n * count for name, n in self.recipe.items()})
        parts[PLAIN] += more
        if not self.shelf.covers(parts, 1):
            assert isinstance(outcome, OutOfStock), outcome
            return
        assert isinstance(outcome, Movement), outcome
        self.sold.append((outcome, dict(parts), 1, self.shelf.take(parts, 1)))

    @precondition(lambda self: self.sold)
    @rule(data=st.data())
    def undo(self, data: st.DataObject) -> None:
        at = data.draw(st.integers(0, len(self.sold) - 1))
        movement, parts, count, taken = self.sold[at]
        outcome = self.run(self.shop.reverse(movement))
        if count == 0:
            assert outcome == WrongState(WrongStateReason.REVERSED)
            return
        assert isinstance(outcome, Movement), outcome
        self.shelf.plain += parts.get(PLAIN, 0)
        self.shelf.dated += taken
        self.sold[at] = movement, parts, 0, taken

    @rule()
    def midnight(self) -> None:
        """The job moves expired goods off the shelf; they are not sold before it runs."""

        async def expire() -> None:
            for draft in await expiring(self.db, self.shop.tenant):
                assert isinstance(await self.shop.post(draft), Movement)

        # The job runs once a minute: a second run in the same minute counts as a retry.
        self.minutes += 1
        later = datetime.now(UTC) + timedelta(minutes=self.minutes)
        with patch("app.domain.movements.batches.clock", lambda: later):
            self.run(expire())
        self.shelf.aside += self.shelf.dated.pop(DAYS[0], 0)

    @precondition(lambda self: self.uses is None)
    @rule(uses=st.integers(1, 3))
    def sell_pass(self, uses: int) -> None:
        assert isinstance(self.run(self.salon.sell(uses=uses)), Pass)
        self.shampoo[0] -= 50
        self.uses = (uses, 0)

    @precondition(lambda self: self.uses is not None)
    @rule(there=st.booleans())
    def redeem(self, there: bool) -> None:
        assert self.uses is not None
        uses, used = self.uses
        store = self.salon.other if there else self.shop.store
        assert isinstance(self.run(self.salon.redeem(store)), Redemption)
        if not used:
            self.shampoo[0] += 50
        self.shampoo[there] -= 50
        self.uses = None if used + 1 == uses else (uses, used + 1)

    @precondition(lambda self: self.uses is not None)
    @rule(expires=st.booleans())
    def end_pass(self, expires: bool) -> None:
        assert self.uses is not None
        self.run(self.salon.expire() if expires else self.salon.refund())
        if not self.uses[1]:
            self.shampoo[0] += 50
        self.uses = None

    @invariant()
    def levels_equal_the_model(self) -> None:
        assert self.run(self.look()) == (
            (self.shelf.plain, sum(self.shelf.dated.values()), self.shelf.aside),
            {str(days): held for days, held in self.shelf.dated.items() if held},
            self.shampoo,
        )

    async def look(self) -> Any:
        plain, dated = await self.shop.level(PLAIN), await self.shop.level(DATED)
        batches = await self.shop.batches(DATED)
        stores = (self.shop.store, self.salon.other)
        shampoo = [(await self.salon.shop.level("洗发水", store)).shelf for store in stores]
        held = {number: shelf for number, shelf in batches.items() if shelf}
        return (plain.shelf, dated.shelf, dated.quarantine), held, shampoo


@pytest.mark.widened
async def test_kitchen(clone: Cloning, wide: bool) -> None:
    await run_machine(Kitchen, clone, wide, examples=20, steps=30)
