"""A salon: a service that takes shampoo, sold as a pass of several uses."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

from app.db.passes import passes_of_orders
from app.db.tables import Order, Pass
from app.domain.access import Role, Scope, Viewer
from app.domain.catalog.recipes import Ingredient, set_recipe
from app.domain.documents import passes, redemptions
from app.domain.errors import Refused
from app.domain.rules.kinds import Kind
from tests.support.orders import OrderDesk
from tests.support.shop import Shop, day


@dataclass
class Salon:
    """A service that takes 50 ml of shampoo a use, in two stores with 1,000 ml each."""

    shop: Shop
    other: UUID
    owner: Viewer
    cashier: Viewer
    pass_id: UUID | None = None
    ordered: Order | None = None

    async def tries(self, doing: Any) -> Any:
        try:
            return await doing
        except Refused as refused:
            return refused.refusal

    async def sell(self, uses: int = 2, **more: Any) -> Any:
        terms = {"channel": "WECHAT", "expires_on": None, "key": uuid4(), **more}
        card = await self.shop.product("洗发卡")
        sale = {"store_id": self.shop.store, "product_id": card, "customer": "13800138000"}
        sold = await self.tries(
            passes.sell_pass(self.shop.db, self.cashier, uses=uses, **sale, **terms)
        )
        if isinstance(sold, Pass):
            self.pass_id = sold.id
        return sold

    async def order(self, uses: int = 2) -> None:
        """The same pass, sold by an order that is paid."""
        desk = OrderDesk(self.shop)
        await self.take_over(await desk.pay(await desk.place(("洗发卡", uses))))

    async def take_over(self, paid: Any) -> None:
        """Go on with the pass of this order."""
        assert isinstance(paid, Order), paid
        self.ordered = paid
        async with self.shop.db.read(self.shop.tenant) as session:
            [sold] = await passes_of_orders(session, self.shop.tenant, [paid.id])
        self.pass_id = sold.id

    async def cancel(self) -> Any:
        """Cancel the order that sold the pass."""
        assert self.ordered
        return await OrderDesk(self.shop).cancel(self.ordered)

    async def redeem(
        self, store: UUID | None = None, uses: int = 1, key: UUID | None = None, **more: Any
    ) -> Any:
        assert self.pass_id
        where = (key or uuid4(), store or self.shop.store, self.pass_id)
        return await self.tries(
            redemptions.redeem_pass(self.shop.db, self.cashier, *where, uses, **more)
        )

    async def wash(self) -> Any:
        """A use that is paid for at the counter."""
        where = uuid4(), self.shop.store, await self.shop.product("洗发"), 1
        return await self.tries(redemptions.redeem_paid(self.shop.db, self.cashier, *where))

    async def refund(self, key: UUID | None = None) -> Any:
        assert self.pass_id
        return await self.tries(
            passes.refund_pass(self.shop.db, self.owner, key or uuid4(), self.pass_id, None)
        )

    async def expire(self) -> None:
        assert self.pass_id
        await passes.expire_pass(self.shop.db, self.shop.tenant, self.pass_id)

    async def gone(self) -> tuple[int, ...]:
        """Uses' worth that is no longer on each shelf, and nothing may be left held."""
        levels = [await self.shop.level("洗发水", store) for store in (self.shop.store, self.other)]
        assert [level.quarantine for level in levels] == [0, 0]
        return tuple((1000 - level.shelf - level.reserved) // 50 for level in levels)

    async def held(self) -> int:
        return (await self.shop.level("洗发水")).reserved // 50

    async def change(self, millilitres: int, mode: str = "REDEEM") -> None:
        """Another recipe for the service: the pass that contains it follows."""
        part = Ingredient(await self.shop.product("洗发水"), Decimal(millilitres))
        product = await self.shop.product("洗发")
        await set_recipe(self.shop.db, self.owner, uuid4(), product, [part], None, mode)


async def a_salon(shop: Shop, mode: str, batches: bool = False) -> Salon:
    stores = [shop.store, await shop.another_store()]
    await shop.product("洗发水", unit="ml", batches=batches)
    for name, kind in (("洗发", "SERVICE"), ("洗发卡", "PASS")):
        await shop.product(name, unit="次", kind=kind)
    owner, cashier = (
        Viewer(
            Scope(shop.tenant, role, own=frozenset(stores)), shop.actor, "某人", frozenset(stores)
        )
        for role in (Role.OWNER, Role.CASHIER)
    )
    salon = Salon(shop, stores[1], owner, cashier)
    wash = Ingredient(await shop.product("洗发水"), Decimal(50))
    use = Ingredient(await shop.product("洗发"), Decimal(1))
    for name, part in (("洗发", wash), ("洗发卡", use)):
        product = await shop.product(name)
        await set_recipe(shop.db, salon.owner, uuid4(), product, [part], None, mode)
    for store in stores:
        if batches:
            await shop.deliver("洗发水", 300, "A", day(400), store=store)
            await shop.deliver("洗发水", 700, "B", day(420), store=store)
        else:
            await shop.do(Kind.RECEIPT, ("洗发水", 1000), store=store)
    return salon
