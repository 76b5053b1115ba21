"""The demo's documents: purchase orders, a customer's order, write-offs and transfers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import NamedTuple
from uuid import UUID

from app.db.core.unit import clock
from app.db.tables import Product
from app.demo.trades import DemoMovement, Trade
from app.domain.access import Role, Scope, Viewer
from app.domain.documents import (
    orders,
    placement,
    purchase_receipts,
    purchases,
    transfer_requests,
    transfers,
    writeoffs,
)
from app.domain.documents.purchases import Introduced
from app.domain.documents.writeoffs import Source
from app.domain.errors import Refusal

DELIVERER = "城南配送中心"
SHIPPED = {"SUGAR-500": "12", "CUCUMBER": "5.5", "RICE-10KG": "6"}
"""Products that the west store requested and the east store has shipped."""

LOW = {"CHOCO-80": "20", "CHEESE-166": "8"}
"""Products that the west store requests; the request stays open."""


@dataclass(frozen=True)
class DemoInput:
    """A line as a client sends it."""

    product_id: UUID
    quantity: Decimal
    source: Source | None = None
    unit_cost: int | None = None
    produced_on: date | None = None
    batch_no: str | None = None
    code: str | None = None
    packs: Decimal | None = None
    unit: str | None = None


class Desk(NamedTuple):
    """The demo's stores, people and goods, to write documents with."""

    trade: Trade
    people: Mapping[str, UUID]
    goods: Mapping[str, Product]

    def viewer(self, login: str, role: Role) -> Viewer:
        stores = frozenset(self.trade.stores.values())
        return Viewer(Scope(self.trade.tenant, role, own=stores), self.people[login], login, stores)

    def lines(
        self,
        quantities: Mapping[str, str],
        unit_cost: int | None = None,
        produced_on: date | None = None,
    ) -> list[DemoInput]:
        return [
            DemoInput(
                self.goods[sku].id, Decimal(quantity), unit_cost=unit_cost, produced_on=produced_on
            )
            for sku, quantity in quantities.items()
        ]

    def key(self, *parts: str) -> UUID:
        return self.trade.key("paper", *parts)


async def paperwork(desk: Desk) -> None:
    """Write one document of each kind, in a state that needs a decision.

    The shipment comes last.
    """
    await _buy(desk)
    await _sell(desk)
    await _throw_away(desk)
    await _move(desk)


async def _buy(desk: Desk) -> None:
    """One order is received in part, one is expected."""
    db, books, buyer = desk.trade.books.db, desk.trade.books, desk.viewer("buyer", Role.PURCHASER)
    description = Introduced(DELIVERER, "刘经理", "13700137000", lead_days=2)
    supplier = await purchases.create_supplier(db, buyer, desk.key("supplier"), description)
    ordered = {
        "demo": {"YOGURT-4": "24", "CHIPS-104": "30"},
        "demo-west": {"RICE-5KG": "20", "CHIPS-104": "15"},
    }
    placed = {}
    for code, quantities in ordered.items():
        request = purchases.PurchaseRequest(
            desk.key("order", code), supplier.id, desk.trade.stores[code]
        )
        lines = desk.lines(quantities, unit_cost=90_000)
        placed[code] = await purchases.create(db, buyer, request, lines)
    arrived = desk.lines({"YOGURT-4": "18"}, produced_on=clock().date() - timedelta(days=1))
    movement = DemoMovement(desk.key("delivery"))
    delivery = placed["demo"].id, arrived, False, "SH-0002", movement
    await purchase_receipts.receive(books, desk.viewer("cashier", Role.CASHIER), *delivery)


async def _sell(desk: Desk) -> None:
    """An order that is paid for and waits to be picked up."""
    books, cashier = desk.trade.books, desk.viewer("cashier", Role.CASHIER)
    store = desk.trade.stores["demo"]
    request = placement.OrderRequest(
        desk.key("sale"), store, "WECHAT", "13800138000", note="下班后来取"
    )
    placed = await placement.place(
        books, cashier, request, desk.lines({"RICE-5KG": "1", "SOY-500": "2"})
    )
    if isinstance(placed, Refusal):
        raise RuntimeError(f"the demo's order was refused: {placed}")
    await orders.pay(books, cashier, desk.key("payment"), placed.id, "4200001234")


async def _throw_away(desk: Desk) -> None:
    """Two write-offs are approved, one waits for the store's manager."""
    books, cashier = desk.trade.books, desk.viewer("cashier", Role.CASHIER)
    manager = desk.viewer("manager", Role.MANAGER)
    damages: Sequence[tuple[str, str, dict[str, str], bool]] = (
        ("demo", "破损", {"EGG-30": "1"}, True),
        ("demo", "变质", {"TOMATO": "1.4", "BANANA": "0.8"}, False),
        ("demo-west", "变质", {"PORK": "1.2", "CABBAGE": "2.2"}, True),
    )
    for store, reason, quantities, is_approved in damages:
        key = desk.key("waste", store, reason)
        request = writeoffs.WriteOffRequest(key, desk.trade.stores[store], reason)
        requested = await writeoffs.request(books, cashier, request, desk.lines(quantities))
        if is_approved:
            key = desk.key("approval", store)
            await writeoffs.approve(books.db, manager, key, requested.id, None)


async def _move(desk: Desk) -> None:
    """One transfer is on its way, one request waits for head office."""
    db, buyer = desk.trade.books.db, desk.viewer("buyer", Role.PURCHASER)
    manager, west = desk.viewer("manager", Role.MANAGER), desk.trade.stores["demo-west"]
    requests = [
        await transfer_requests.request(
            db, manager, desk.key("request", str(number)), west, desk.lines(quantities), None
        )
        for number, quantities in enumerate((SHIPPED, LOW))
    ]
    east = desk.trade.stores["demo"]
    await transfer_requests.approve(db, buyer, desk.key("answer"), requests[0].id, east, None)
    await transfers.ship(db, buyer, desk.key("shipment"), requests[0].id, None)
