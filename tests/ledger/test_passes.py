"""Passes: in no order of sale, redemption, refund and expiry is anything deducted twice."""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from itertools import product
from typing import Any
from uuid import UUID, uuid4

import pytest

from app.db.tables import Pass, Redemption
from app.domain import passes
from app.domain.access import Role, Scope, Viewer
from app.domain.cookbook import Wish
from app.domain.errors import NotEnoughUses, OutOfStock, Refusal, Refused, WrongState
from app.domain.recipes import Ingredient, set_recipe
from app.domain.rules.kinds import Kind
from tests.support.shop import Shop, day

MODES = ("FIRST_USE_ON_SALE", "REDEEM", "RESERVE_ON_SALE")
STEPS = ("here", "there", "refund", "expire")
USES = 2


@dataclass
class Salon:
    """A service that takes 50 ml of shampoo a use, in two stores with 1,000 ml each."""

    shop: Shop
    other: UUID
    owner: Viewer
    cashier: Viewer
    pass_id: UUID | None = None

    async def tries(self, doing: Any) -> Any:
        try:
            return await doing
        except Refused as refused:
            return refused.refusal

    async def sell(self, uses: int = USES, **more: Any) -> Any:
        told = {"channel": "WECHAT", "expires_on": None, "key": uuid4(), **more}
        card = await self.shop.product("洗发卡")
        asked = {"store_id": self.shop.store, "product_id": card, "customer": "13800138000"}
        sold = await self.tries(
            passes.sell_pass(self.shop.db, self.cashier, uses=uses, **asked, **told)
        )
        if isinstance(sold, Pass):
            self.pass_id = sold.id
        return sold

    async def redeem(
        self, store: UUID | None = None, uses: int = 1, key: UUID | None = None, **more: Any
    ) -> Any:
        assert self.pass_id
        where = (key or uuid4(), store or self.shop.store, self.pass_id)
        return await self.tries(
            passes.redeem_pass(self.shop.db, self.cashier, *where, uses, **more)
        )

    async def refund(self, key: UUID | None = None) -> Any:
        assert self.pass_id
        return await self.tries(
            passes.refund_pass(self.shop.db, self.owner, key or uuid4(), self.pass_id, None)
        )

    async def expire(self) -> None:
        assert self.pass_id
        await passes.expire_pass(self.shop.db, self.shop.tenant, self.pass_id)

    async def gone(self) -> tuple[int, int]:
        """Uses' worth that is no longer on each shelf, and nothing may be left held."""
        levels = [await self.shop.level("洗发水", store) for store in (self.shop.store, self.other)]
        assert [level.quarantine for level in levels] == [0, 0]
        return tuple((1000 - level.shelf - level.reserved) // 50 for level in levels)  # pyright: ignore[reportReturnType]

    async def held(self) -> int:
        return (await self.shop.level("洗发水")).reserved // 50


async def a_salon(shop: Shop, mode: str, batches: bool = False) -> Salon:
    stores = [shop.store, await shop.another_store()]
    await shop.product("洗发水", unit="ml", batches=batches)
    for name, kind in (("洗发", "SERVICE"), ("洗发卡", "PASS")):
        await shop.product(name, unit="次", kind=kind)
    viewers = [
        Viewer(Scope(shop.tenant, role), shop.actor, "某人", frozenset(stores), frozenset(stores))
        for role in (Role.OWNER, Role.CASHIER)
    ]
    salon = Salon(shop, stores[1], *viewers)
    wash = Ingredient(await shop.product("洗发水"), 50)  # pyright: ignore[reportArgumentType]
    use = Ingredient(await shop.product("洗发"), 1)  # pyright: ignore[reportArgumentType]
    for name, part in (("洗发", wash), ("洗发卡", use)):
        made = await shop.product(name)
        await set_recipe(shop.db, salon.owner, uuid4(), made, [part], None, mode)
    for store in stores:
        if batches:
            await shop.deliver("洗发水", 300, "A", day(20), store=store)
            await shop.deliver("洗发水", 700, "B", day(40), store=store)
        else:
            await shop.do(Kind.RECEIPT, ("洗发水", 1000), store=store)
    return salon


def orders() -> Iterator[tuple[str, tuple[str, ...]]]:
    """Every mode with every order of up to three things that may happen to a pass of two uses."""
    for mode in MODES:
        for length in range(4):
            for steps in product(STEPS, repeat=length):
                yield mode, steps


@pytest.mark.parametrize("batches", [False, True], ids=["plain", "batches"])
@pytest.mark.parametrize("mode", MODES)
async def test_every_order_deducts_each_use_once(shop: Shop, mode: str, batches: bool) -> None:
    salon = await a_salon(shop, mode, batches)
    used_up = [0, 0]
    for _, steps in (each for each in orders() if each[0] == mode):
        await salon.sell()
        used, ended = [0, 0], False
        for step in steps:
            if step in ("here", "there"):
                store = salon.other if step == "there" else shop.store
                outcome = await salon.redeem(store)
                if ended or sum(used) == USES:
                    assert isinstance(outcome, WrongState), (steps, outcome)
                else:
                    assert isinstance(outcome, Redemption), (steps, outcome)
                    used[step == "there"] += 1
            elif step == "refund":
                outcome = await salon.refund()
                over = ended or sum(used) == USES
                assert isinstance(outcome, WrongState if over else Pass), (steps, outcome)
                ended = True
            else:
                await salon.expire()
                ended = True
            live = not ended and sum(used) < USES
            ahead = int(live and mode == "FIRST_USE_ON_SALE" and not sum(used))
            assert await salon.gone() == (
                used_up[0] + used[0] + ahead,
                used_up[1] + used[1],
            ), steps
            left = USES - sum(used) if live and mode == "RESERVE_ON_SALE" else 0
            assert await salon.held() == left, steps
        if not ended and sum(used) < USES:
            await salon.refund()
        used_up = [used_up[0] + used[0], used_up[1] + used[1]]
        assert await salon.gone() == tuple(used_up), steps
        assert await salon.held() == 0, steps
        await _refill(salon, used_up)
        used_up = [0, 0]


async def _refill(salon: Salon, used_up: list[int]) -> None:
    for store, uses in zip((salon.shop.store, salon.other), used_up, strict=True):
        if uses:
            lines = ("洗发水", 50 * uses)
            await salon.shop.do(Kind.GAIN, lines, store=store)
