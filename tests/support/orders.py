"""The language of orders below the API: `held = await desk.place(("米", 2))`, time passing."""

from collections import Counter
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import update

from app.db.core.unit import clock
from app.db.tables import Level, Order
from app.domain import access
from app.domain.access import Viewer
from app.domain.catalog.cookbook import Cookbook
from app.domain.documents import order_returns, orders, placement
from app.domain.documents.placement import OrderRequest
from app.domain.errors import Refused
from app.domain.ledger.channel_limits import COUNTER
from app.domain.ledger.reservations import end_overdue
from app.domain.movements.record import Books, MovementHead
from app.domain.movements.sales import Disposition
from app.domain.rules.kinds import Kind
from tests.support.shop import Shop


def count_outcomes(outcomes: list[Any]) -> Counter[str]:
    """Count orders by state and refusals by class name."""
    return Counter(
        each.state if isinstance(each, Order) else type(each).__name__ for each in outcomes
    )


@dataclass(frozen=True)
class SentLine:
    """A line as a client sends it."""

    product_id: UUID
    quantity: Decimal
    code: str | None = None
    packs: Decimal | None = None
    unit: str | None = None


@dataclass
class OrderDesk:
    """A shop that takes orders; `viewer` runs them."""

    shop: Shop

    @property
    def books(self) -> Books:
        return Books(self.shop.db, self.shop.lane, Cookbook(self.shop.db))

    @property
    def viewer(self) -> Viewer:
        return self.shop.owner

    async def tries(self, doing: Any) -> Any:
        try:
            return await doing
        except Refused as refused:
            return refused.refusal

    async def requests(self, *lines: tuple[str, Any]) -> list[SentLine]:
        return [
            SentLine(await self.shop.product(name), Decimal(str(quantity)))
            for name, quantity in lines
        ]

    async def place(
        self,
        *lines: tuple[str, Any],
        key: UUID | None = None,
        guest: bool = False,
        contact: str = "13800138000",
        address: str = "",
        **more: Any,
    ) -> Any:
        request = OrderRequest(key or uuid4(), self.shop.store, "WECHAT", contact, **more)
        viewer, requests = self.who(guest, address), await self.requests(*lines)
        return await self.tries(placement.place(self.books, viewer, request, requests))

    def who(self, guest: bool, address: str = "") -> Viewer:
        return access.guest(self.shop.tenant, address) if guest else self.viewer

    async def pay(self, order: Order, key: UUID | None = None) -> Any:
        arguments = self.books, self.viewer, key or uuid4(), order.id, None
        return await self.tries(orders.pay(*arguments))

    async def fulfil(self, order: Order, key: UUID | None = None) -> Any:
        arguments = self.shop.db, self.viewer, key or uuid4(), order.id
        return await self.tries(orders.fulfil(*arguments))

    async def cancel(self, order: Order, guest: bool = False, key: UUID | None = None) -> Any:
        arguments = self.shop.db, self.who(guest), key or uuid4(), order, None
        return await self.tries(orders.cancel(*arguments))

    async def extend(self, order: Order, key: UUID | None = None) -> Any:
        arguments = self.shop.db, self.viewer, key or uuid4(), order
        return await self.tries(orders.extend(*arguments))

    async def give_back(
        self,
        order: Order,
        *lines: tuple[str, Any],
        disposition: Disposition = Disposition.SHELF,
        key: UUID | None = None,
    ) -> Any:
        requests, head = await self.requests(*lines), MovementHead(key or uuid4())
        arguments = self.books, self.viewer, order.id, requests, disposition, head
        return await self.tries(order_returns.give_back(*arguments))

    async def sell_all_the_same(self, name: str, quantity: int) -> Any:
        """A sale over the counter, whatever the shelf should hold."""
        draft = await self.shop.draft(
            Kind.SALE, (name, quantity), channel=COUNTER, accept_shortage=True
        )
        return await self.books.post(self.shop.tenant, draft)

    async def time_passes(self, *over: Order) -> None:
        """The holds of these orders are over, as the clock of the database sees it."""
        moment = clock() - timedelta(seconds=1)
        async with self.shop.db.unit(self.shop.tenant) as unit:
            ids = [order.id for order in over]
            held = Order.id.in_(ids), Order.state == "HELD"
            await unit.session.execute(update(Order).where(*held).values(expires_at=moment))
            mine = Level.tenant_id == self.shop.tenant, Level.reserved > 0
            await unit.session.execute(update(Level).where(*mine).values(held_until=moment))

    async def end_overdue(self) -> None:
        await end_overdue(self.shop.db, self.shop.tenant)

    async def order(self, id: UUID) -> Order:
        return await orders.get_order(self.shop.db, self.shop.tenant, id)
