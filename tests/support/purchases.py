"""The language of purchase orders below the API: `order = await desk.buy(("米", 10))`."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

from app.db import purchases as rows
from app.db.tables import PurchaseOrder, Supplier
from app.domain.documents import purchase_receipts, purchases
from app.domain.documents.purchases import Introduced, PurchaseRequest
from app.domain.movements.record import MovementHead
from tests.support.orders import OrderDesk, SentLine


@dataclass(frozen=True)
class Came(SentLine):
    """A line of a delivery; `unit_cost` is 1/10000 yuan."""

    unit_cost: int | None = None
    batch_no: str | None = None


@dataclass
class PurchaseDesk(OrderDesk):
    """A shop that buys; each of its orders is of a supplier of its own."""

    async def supplier(self, name: str | None = None, **more: Any) -> Supplier:
        description = Introduced(name or f"供应商{uuid4().hex}", **more)
        return await purchases.create_supplier(self.shop.db, self.viewer, uuid4(), description)

    async def buy(
        self, *lines: tuple[str, Any], key: UUID | None = None, number: str | None = None
    ) -> Any:
        supplier = await self.supplier()
        request = PurchaseRequest(key or uuid4(), supplier.id, self.shop.store, number)
        ordered = [
            Came(await self.shop.product(name), Decimal(str(quantity)), unit_cost=20_000)
            for name, quantity in lines
        ]
        return await self.tries(purchases.create(self.shop.db, self.viewer, request, ordered))

    async def came(
        self,
        order: PurchaseOrder,
        *lines: tuple[str, Any],
        key: UUID | None = None,
        over: bool = False,
        **more: Any,
    ) -> Any:
        """A delivery; `over` takes what is too much as well."""
        head = MovementHead(key or uuid4(), "多送" if over else None)
        arrived = [
            Came(await self.shop.product(name), Decimal(str(quantity)), **more)
            for name, quantity in lines
        ]
        arguments = order.id, arrived, over, None, head
        return await self.tries(purchase_receipts.receive(self.books, self.viewer, *arguments))

    async def drop(self, order: PurchaseOrder) -> Any:
        arguments = self.shop.db, self.viewer, uuid4(), order.id, None
        return await self.tries(purchases.cancel(*arguments))

    async def close(self, order: PurchaseOrder) -> Any:
        arguments = self.shop.db, self.viewer, uuid4(), order.id, "厂家缺货"
        return await self.tries(purchases.close(*arguments))

    async def now(self, order: PurchaseOrder) -> tuple[str, list[tuple[int, int]]]:
        """Its state, and (ordered, received) of each of its lines."""
        async with self.shop.db.read(self.shop.tenant) as session:
            [row] = await rows.purchases_by_id(session, self.shop.tenant, [order.id])
            lines = await rows.lines_of(session, self.shop.tenant, [order.id])
        return row.state, [(line.ordered, line.received) for line in lines]

    async def on_order(self, name: str) -> int:
        pair = self.shop.store, await self.shop.product(name)
        async with self.shop.db.read(self.shop.tenant) as session:
            return (await rows.on_order(session, self.shop.tenant, [pair])).get(pair, 0)
