"""The language of write-offs below the API: `row = await desk.request(("米", 2))`."""

from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

from app.db.tables import WriteOff
from app.domain.access import Role, Scope, Viewer
from app.domain.catalog.cookbook import Cookbook
from app.domain.documents import writeoffs
from app.domain.documents.writeoffs import Source, WriteOffRequest
from app.domain.errors import Refused
from app.domain.movements.record import Books
from tests.support.shop import Shop


@dataclass(frozen=True)
class SentLine:
    """A line as a client sends it."""

    product_id: UUID
    quantity: Decimal
    source: Source | None = None
    batch_no: str | None = None
    code: str | None = None
    packs: Decimal | None = None
    unit: str | None = None


@dataclass
class WasteDesk:
    """A shop whose cashier asks, and whose manager decides."""

    shop: Shop
    cashier: Viewer = field(init=False)
    manager: Viewer = field(init=False)

    def __post_init__(self) -> None:
        self.cashier, self.manager = self.person(Role.CASHIER), self.person(Role.MANAGER)

    @property
    def books(self) -> Books:
        return Books(self.shop.db, self.shop.lane, Cookbook(self.shop.db))

    def person(self, role: Role) -> Viewer:
        """Somebody else in this role, who works in the store."""
        stores = frozenset([self.shop.store])
        return Viewer(Scope(self.shop.tenant, role, own=stores), uuid4(), role.name, stores)

    async def tries(self, doing: Any) -> Any:
        try:
            return await doing
        except Refused as refused:
            return refused.refusal

    async def request(
        self,
        *lines: tuple[Any, ...],
        by: Viewer | None = None,
        key: UUID | None = None,
        reason: str = "破损",
        **more: Any,
    ) -> Any:
        """A line is a name and a quantity, perhaps with a batch's number or a source."""
        request = WriteOffRequest(key or uuid4(), self.shop.store, reason, **more)
        requested = [await self.line(*line) for line in lines]
        return await self.tries(
            writeoffs.request(self.books, by or self.cashier, request, requested)
        )

    async def line(self, name: str, quantity: Any, *more: str | Source) -> SentLine:
        details: dict[str, Any] = {
            "source" if isinstance(each, Source) else "batch_no": each for each in more
        }
        return SentLine(await self.shop.product(name), Decimal(str(quantity)), **details)

    async def approve(
        self, row: WriteOff, by: Viewer | None = None, key: UUID | None = None
    ) -> Any:
        arguments = self.shop.db, by or self.manager, key or uuid4(), row.id, None
        return await self.tries(writeoffs.approve(*arguments))

    async def reject(self, row: WriteOff, by: Viewer | None = None, key: UUID | None = None) -> Any:
        arguments = self.shop.db, by or self.manager, key or uuid4(), row.id, None
        return await self.tries(writeoffs.reject(*arguments))


def moved(viewer: Viewer, stores: frozenset[UUID]) -> Viewer:
    """The same person, who works in these stores."""
    return replace(viewer, scope=replace(viewer.scope, own=stores))
