"""The language of transfers below the API: `sent = await depot.send(("米", 5))`.

Goods go from a warehouse to the shop's store.
"""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

from app.db import transfers as rows
from app.db.tables import Transfer, TransferLine
from app.domain.access import Can, Role, Scope, Viewer
from app.domain.documents import transfer_receipts, transfer_requests, transfers
from app.domain.documents.transfer_receipts import FATES
from app.domain.errors import Refused
from app.domain.rules.kinds import Kind
from tests.support.shop import Shop


@dataclass(frozen=True)
class Sent:
    """A line as a client sends it."""

    product_id: UUID
    quantity: Decimal
    batch_no: str | None = None
    expires_on: date | None = None
    code: str | None = None
    packs: Decimal | None = None
    unit: str | None = None


@dataclass(frozen=True)
class Arrived:
    """What became of a product, as a client says it."""

    product_id: UUID
    received: Decimal | None = None
    damaged: Decimal | None = None
    lost: Decimal | None = None
    returned: Decimal | None = None
    reason: str | None = None
    batch_no: str | None = None
    expires_on: date | None = None
    code: str | None = None
    zone: str | None = None


@dataclass
class Depot:
    """A warehouse that ships to the shop's store; `viewer` is its owner."""

    shop: Shop
    warehouse: UUID

    @property
    def viewer(self) -> Viewer:
        stores = frozenset([self.shop.store, self.warehouse])
        return Viewer(
            Scope(self.shop.tenant, Role.OWNER, own=stores), self.shop.actor, "老板", stores
        )

    async def tries(self, doing: Any) -> Any:
        try:
            return await doing
        except Refused as refused:
            return refused.refusal

    async def stock(self, name: str, quantity: Any) -> None:
        await self.shop.do(Kind.RECEIPT, (name, quantity), store=self.warehouse)

    async def lines(self, *goods: tuple[Any, ...]) -> list[Sent]:
        return [
            Sent(await self.shop.product(name), Decimal(str(quantity)), *batch)
            for name, quantity, *batch in goods
        ]

    async def ask(self, *goods: tuple[Any, ...], key: UUID | None = None) -> Any:
        """A request of the store: for these, or for all that is suggested."""
        lines = await self.lines(*goods) if goods else None
        arguments = (key or uuid4(), self.shop.store, lines, None)
        return await self.tries(transfer_requests.request(self.shop.db, self.viewer, *arguments))

    async def approve(self, row: Transfer, *goods: tuple[Any, ...]) -> Any:
        lines = await self.lines(*goods) if goods else None
        arguments = (uuid4(), row.id, self.warehouse, lines)
        return await self.tries(transfer_requests.approve(self.shop.db, self.viewer, *arguments))

    async def reject(self, row: Transfer) -> Any:
        arguments = (uuid4(), row.id, "总仓缺货")
        return await self.tries(transfer_requests.reject(self.shop.db, self.viewer, *arguments))

    async def withdraw(self, row: Transfer) -> Any:
        arguments = (uuid4(), row.id, None)
        return await self.tries(transfer_requests.withdraw(self.shop.db, self.viewer, *arguments))

    async def plan(self, *goods: tuple[Any, ...]) -> Any:
        """A transfer without a request."""
        arguments = (uuid4(), self.warehouse, self.shop.store, await self.lines(*goods), None)
        return await self.tries(transfers.create(self.shop.db, self.viewer, *arguments))

    async def ship(self, row: Transfer, *goods: tuple[Any, ...], key: UUID | None = None) -> Any:
        lines = await self.lines(*goods) if goods else None
        arguments = (key or uuid4(), row.id, lines)
        return await self.tries(transfers.ship(self.shop.db, self.viewer, *arguments))

    async def send(self, *goods: tuple[Any, ...]) -> Any:
        """Planned and shipped."""
        return await self.ship(await self.plan(*goods))

    async def receive(
        self, row: Transfer, name: str | None = None, key: UUID | None = None, **more: Any
    ) -> Any:
        """Accounts for one product, or for all that is on its way."""
        lines = None
        if name is not None:
            fates = {fate: Decimal(str(more.pop(fate))) for fate in FATES if fate in more}
            differs = fates.keys() - {"received"}
            more = {"reason": "破损" if differs else None, **fates, **more}
            lines = [Arrived(await self.shop.product(name), **more)]
        arguments = (key or uuid4(), row.id, lines)
        return await self.tries(transfer_receipts.receive(self.shop.db, self.viewer, *arguments))

    async def cancel(self, row: Transfer, key: UUID | None = None) -> Any:
        arguments = (key or uuid4(), row.id, None)
        return await self.tries(transfers.cancel(self.shop.db, self.viewer, *arguments))

    async def transfer(self, id: UUID) -> Transfer:
        return await transfers.get_transfer(self.shop.db, self.viewer, Can.SEE_TRANSFERS, id)

    async def line(self, row: Transfer) -> TransferLine:
        async with self.shop.db.read(self.shop.tenant) as session:
            [line] = await rows.lines_of(session, self.shop.tenant, [row.id])
        return line

    async def back(self, row: Transfer) -> list[Transfer]:
        """What was sent back of it."""
        async with self.shop.db.read(self.shop.tenant) as session:
            return list(await rows.returns_of(session, self.shop.tenant, [row.id]))

    async def bins(self, name: str) -> list[tuple[int, int, int]]:
        """Shelf, quarantine and transit in the warehouse and in the store."""
        levels = [await self.shop.level(name, self.warehouse), await self.shop.level(name)]
        return [(each.shelf, each.quarantine, each.transit) for each in levels]


async def a_depot(shop: Shop) -> Depot:
    return Depot(shop, await shop.another_store())
