"""Passes: no order of sale, redemption, refund and expiry deducts consumables twice."""

import asyncio
import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import product
from uuid import uuid4

import pytest

from app.db.tables import Order, Pass, Redemption
from app.domain.catalog.cookbook import Wish
from app.domain.errors import NotEnoughUses, OutOfStock, WrongState
from app.domain.rules.kinds import Kind
from tests.support.orders import OrderDesk
from tests.support.salon import Salon, a_salon
from tests.support.shop import Shop

MODES = ("FIRST_USE_ON_SALE", "REDEEM", "RESERVE_ON_SALE")
STEPS = ("here", "there", "refund", "expire")
USES = 2


def orders_of(steps: Sequence[str]) -> list[tuple[str, ...]]:
    """Every order of up to three events of a pass with two uses."""
    return [each for length in range(4) for each in product(steps, repeat=length)]


ORDERED = (*STEPS, "cancel")
"""Events of a pass that an order sold: the order can be cancelled as well."""
SAMPLED = 10
"""One of so many orders is tried without --all."""


@pytest.mark.widened
@pytest.mark.parametrize("steps", [STEPS, ORDERED], ids=["sold", "ordered"])
@pytest.mark.parametrize("batches", [False, True], ids=["plain", "batches"])
@pytest.mark.parametrize("mode", MODES)
async def test_every_order_deducts_each_use_once(
    shop: Shop, seed: str, wide: bool, mode: str, batches: bool, steps: Sequence[str]
) -> None:
    salon = await a_salon(shop, mode, batches)
    every = orders_of(steps)
    rng = random.Random(f"{seed} {mode} {batches} {len(steps)}")
    for events in every if wide else rng.sample(every, len(every) // SAMPLED):
        await (salon.order(USES) if "cancel" in steps else salon.sell())
        life = Life(salon, mode)
        for event in events:
            await life.step(event)
            await life.check(events)
        await life.close(events)
        await _refill(salon, life.used)


@dataclass
class Life:
    """What the model says of a pass: uses per store, whether it ended, and its order."""

    salon: Salon
    mode: str
    used: list[int] = field(default_factory=lambda: [0, 0])
    ended: bool = False
    cancelled: bool = False

    @property
    def over(self) -> bool:
        return self.ended or sum(self.used) == USES

    async def step(self, event: str) -> None:
        if event == "expire":
            await self.salon.expire()
            self.ended = True
        elif event == "refund":
            outcome = await self.salon.refund()
            assert isinstance(outcome, WrongState if self.over else Pass), outcome
            self.ended = True
        elif event == "cancel":
            outcome = await self.salon.cancel()
            refused = self.cancelled or sum(self.used) == USES
            assert isinstance(outcome, WrongState if refused else Order), outcome
            if not refused:
                self.ended = self.cancelled = True
        else:
            there = event == "there"
            outcome = await self.salon.redeem(self.salon.other if there else None)
            assert isinstance(outcome, WrongState if self.over else Redemption), outcome
            if not self.over:
                self.used[there] += 1

    async def check(self, events: Sequence[str]) -> None:
        first = int(not self.over and self.mode == "FIRST_USE_ON_SALE" and not sum(self.used))
        assert await self.salon.gone() == (self.used[0] + first, self.used[1]), events
        left = 0 if self.over or self.mode != "RESERVE_ON_SALE" else USES - sum(self.used)
        assert await self.salon.held() == left, events

    async def close(self, events: Sequence[str]) -> None:
        """Refunds what is left: then nothing is taken but what was used."""
        if not self.over:
            await self.step("refund")
        await self.check(events)


async def _refill(salon: Salon, used_up: list[int]) -> None:
    for store, uses in zip((salon.shop.store, salon.other), used_up, strict=True):
        if uses:
            lines = ("洗发水", 50 * uses)
            await salon.shop.do(Kind.GAIN, lines, store=store)


@pytest.mark.parametrize("mode", MODES)
async def test_one_use_left_and_many_who_redeem_it(shop: Shop, mode: str) -> None:
    salon = await a_salon(shop, mode)
    await salon.sell(uses=1)
    tries = [salon.redeem(store) for store in (shop.store, salon.other) for _ in range(4)]
    outcomes = await asyncio.gather(*tries)
    assert sum(isinstance(each, Redemption) for each in outcomes) == 1
    assert sum(await salon.gone()) == 1
    assert await salon.held() == 0


@pytest.mark.parametrize("mode", MODES)
async def test_a_pass_ends_while_it_is_redeemed(shop: Shop, mode: str) -> None:
    salon = await a_salon(shop, mode)
    for _ in range(5):
        before = sum(await salon.gone())
        await salon.sell(uses=1)
        doing = [salon.redeem(), salon.refund(), salon.expire(), salon.redeem(salon.other)]
        outcomes = await asyncio.gather(*doing)
        rendered = sum(isinstance(each, Redemption) for each in outcomes)
        ended = isinstance(outcomes[1], Pass)
        assert rendered + ended <= 1
        assert sum(await salon.gone()) - before == rendered
        assert await salon.held() == 0


@pytest.mark.parametrize("mode", MODES)
async def test_a_lost_reply_is_asked_for_again(shop: Shop, mode: str) -> None:
    salon = await a_salon(shop, mode)
    key, again = uuid4(), uuid4()
    sold = [await salon.sell(key=key) for _ in range(3)]
    assert len({each.id for each in sold}) == 1
    redeemed = await asyncio.gather(*(salon.redeem(key=again) for _ in range(4)))
    assert len({each.id for each in redeemed}) == 1
    assert isinstance(await salon.redeem(uses=2), NotEnoughUses)
    ended = uuid4()
    assert [(await salon.refund(ended)).state for _ in range(2)] == ["REFUNDED", "REFUNDED"]
    assert await salon.gone() == (1, 0)


async def test_a_pass_that_cannot_be_held_is_not_sold(shop: Shop) -> None:
    salon = await a_salon(shop, "RESERVE_ON_SALE")
    assert isinstance(await salon.sell(uses=21), OutOfStock)
    assert isinstance(await salon.sell(uses=20), Pass)
    assert isinstance(await shop.sell("洗发水", 1), OutOfStock)
    assert isinstance(await salon.redeem(salon.other, uses=20), Redemption)
    assert await salon.gone() == (0, 20)


@pytest.mark.parametrize("mode", MODES)
async def test_actual_use_is_a_variance(shop: Shop, mode: str) -> None:
    salon = await a_salon(shop, mode)
    await salon.sell()
    shampoo = await shop.product("洗发水")
    await salon.redeem(wish=Wish(used={shampoo: Decimal(70)}))
    await salon.redeem(wish=Wish(used={shampoo: Decimal(45)}))
    level = await shop.level("洗发水")
    assert (level.shelf, level.reserved) == (1000 - 70 - 45, 0)


async def test_a_pass_keeps_its_recipe(shop: Shop) -> None:
    salon = await a_salon(shop, "REDEEM")
    await salon.sell()
    await salon.change(30)
    assert isinstance(await salon.redeem(), Redemption)
    assert (await shop.level("洗发水")).shelf == 950
    await salon.sell()
    assert isinstance(await salon.redeem(), Redemption)
    assert (await shop.level("洗发水")).shelf == 920


@pytest.mark.parametrize("late", [False, True], ids=["held", "expired"])
@pytest.mark.parametrize("mode", MODES)
async def test_an_ordered_pass_keeps_the_recipe_of_its_reservation(
    shop: Shop, mode: str, late: bool
) -> None:
    """That of the order, or of the payment when the order had expired before it was paid."""
    salon = await a_salon(shop, mode)
    desk = OrderDesk(shop)
    ordered = await desk.place(("洗发卡", USES))
    if late:
        await desk.time_passes(ordered)
        await desk.end_overdue()
        assert (await shop.level("洗发水")).reserved == 0
    await salon.change(80, mode)
    await salon.take_over(await desk.pay(ordered))
    for _ in range(USES):
        assert isinstance(await salon.redeem(), Redemption)
    level = await shop.level("洗发水")
    assert (level.shelf, level.reserved) == (1000 - USES * (80 if late else 50), 0)


@pytest.mark.parametrize("mode", MODES)
async def test_a_payment_while_its_order_expires(shop: Shop, mode: str) -> None:
    salon = await a_salon(shop, mode)
    desk = OrderDesk(shop)
    for paid in range(1, 4):
        ordered = await desk.place(("洗发卡", 1))
        await desk.time_passes(ordered)
        answers = await asyncio.gather(
            desk.pay(ordered), desk.end_overdue(), desk.pay(ordered), desk.end_overdue()
        )
        [order] = [each for each in answers if isinstance(each, Order)]
        await salon.take_over(order)
        assert isinstance(await salon.redeem(), Redemption)
        level = await shop.level("洗发水")
        assert (level.shelf, level.reserved) == (1000 - 50 * paid, 0)


async def test_what_is_overdue_is_there_for_a_pass(shop: Shop) -> None:
    """An overdue order is not ended yet: a redemption that is short gets its goods."""
    salon = await a_salon(shop, "FIRST_USE_ON_SALE")
    desk = OrderDesk(shop)

    async def all_of_it_is_overdue() -> None:
        left = (await shop.level("洗发水")).shelf
        held = await desk.place(("洗发水", left))
        await desk.time_passes(held)

    await all_of_it_is_overdue()
    assert isinstance(await salon.sell(uses=3), Pass)
    await salon.redeem()
    await all_of_it_is_overdue()
    assert isinstance(await salon.redeem(), Redemption)
    await all_of_it_is_overdue()
    assert isinstance(await salon.wash(), Redemption)
    assert (await shop.level("洗发水")).shelf == 1000 - 3 * 50


async def test_what_is_overdue_goes_to_one_of_many(shop: Shop) -> None:
    salon = await a_salon(shop, "REDEEM")
    desk = OrderDesk(shop)
    held = [await desk.place(("洗发水", 500)) for _ in range(2)]
    await salon.sell(uses=30)
    await desk.time_passes(held[0])
    redeemed = [salon.redeem() for _ in range(6)] + [salon.wash() for _ in range(6)]
    outcomes = await asyncio.gather(*redeemed)
    assert sum(isinstance(each, Redemption) for each in outcomes) == 10
    assert sum(isinstance(each, OutOfStock) for each in outcomes) == 2
    assert (await shop.level("洗发水")).reserved == 500
