"""The language of stocktakes below the API: `row = await desk.open("米")`."""

from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

from app.db.tables import Stocktake
from app.domain.access import Role, Scope, Viewer
from app.domain.documents import counts, stocktake_close, stocktakes
from app.domain.documents.counts import CountRequest
from app.domain.documents.stocktakes import StocktakeRequest
from app.domain.documents.worksheet import WorksheetLine, worksheet
from app.domain.errors import Refused
from tests.support.shop import Shop


@dataclass(frozen=True)
class Counted:
    """A line as a client sends it."""

    product_id: UUID | None
    quantity: Decimal | None
    code: str | None = None
    packs: Decimal | None = None
    unit: str | None = None
    batch_no: str | None = None
    expires_on: date | None = None
    counted_at: datetime | None = None
    started_at_seq: int | None = None
    unit_cost: int | None = None


@dataclass
class CountDesk:
    """A shop whose cashier counts, and whose manager closes."""

    shop: Shop
    cashier: Viewer = field(init=False)
    manager: Viewer = field(init=False)

    def __post_init__(self) -> None:
        self.cashier, self.manager = self.person(Role.CASHIER), self.person(Role.MANAGER)

    def person(self, role: Role) -> Viewer:
        """Another person in this role, who works in the store."""
        stores = frozenset([self.shop.store])
        return Viewer(Scope(self.shop.tenant, role, own=stores), uuid4(), role.name, stores)

    async def tries(self, doing: Any) -> Any:
        try:
            return await doing
        except Refused as refused:
            return refused.refusal

    async def open(self, *names: str, **more: Any) -> Any:
        """A stocktake of these products; of everything without names."""
        products = [await self.shop.product(name) for name in names]
        request = StocktakeRequest(uuid4(), self.shop.store, product_ids=products, **more)
        return await self.tries(stocktakes.open_stocktake(self.shop.db, self.manager, request))

    async def count(
        self,
        row: Stocktake,
        name: str,
        quantity: object,
        zone: str | None = None,
        by: Viewer | None = None,
        key: UUID | None = None,
        recount: bool = False,
        **more: Any,
    ) -> Any:
        line = Counted(await self.shop.product(name), Decimal(str(quantity)), **more)
        request = CountRequest(key or uuid4(), row.id, zone, [line], recount)
        return await self.tries(counts.count(self.shop.db, by or self.cashier, request))

    async def close(self, row: Stocktake, by: Viewer | None = None, key: UUID | None = None) -> Any:
        closing = stocktake_close.close(self.shop.db, by or self.manager, key or uuid4(), row.id)
        return await self.tries(closing)

    async def reverse(self, row: Stocktake, key: UUID | None = None) -> Any:
        arguments = self.shop.db, self.manager, key or uuid4(), row.id, None
        return await self.tries(stocktake_close.reverse(*arguments))

    async def lines(self, row: Stocktake) -> dict[str, WorksheetLine]:
        """The worksheet's lines by the names of their products."""
        names = {id: name for name, id in self.shop.products.items()}
        async with self.shop.db.read(self.shop.tenant) as session:
            lines = (await worksheet(session, row)).lines
        return {names[line.product_id]: line for line in lines}


def stocktake_inputs(store: str, line: Any, absent: str) -> dict[str, Any]:
    """Inputs that need more than the schema requires; `absent` is the id of no row."""
    counts = {"stocktakeId": absent, "zone": "x", "lines": [line]}
    return {
        "openStocktake": {"storeId": store, "productIds": [absent], "zones": ["x"]},
        "count": counts,
        "recount": counts,
        "setStocktakeRules": {"recountPercent": 10},
    }
