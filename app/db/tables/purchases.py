"""Suppliers, and purchase orders with the quantities ordered and received."""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, Integer, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from app.db.core.table import Table, key, made_at, to


class Supplier(Table):
    """A supplier; `lead_days` is its usual time from order to delivery."""

    __tablename__ = "suppliers"
    tenant_id: Mapped[UUID] = key()
    id: Mapped[UUID] = key()
    name: Mapped[str]
    contact: Mapped[str | None]
    phone: Mapped[str | None]
    note: Mapped[str | None]
    lead_days: Mapped[int] = mapped_column(Integer)
    search: Mapped[str]
    pinyin: Mapped[str]
    archived_at: Mapped[datetime | None]
    created_at: Mapped[datetime] = made_at()
    __table_args__ = (
        UniqueConstraint("tenant_id", "name"),
        CheckConstraint("lead_days between 0 and 365", name="lead_days"),
        Index("ix_suppliers_pinyin", "tenant_id", "pinyin", "id"),
    )


class PurchaseOrder(Table):
    """Goods that a store ordered from a supplier; the order is open until `ended_at`."""

    __tablename__ = "purchase_orders"
    tenant_id: Mapped[UUID] = key()
    id: Mapped[UUID] = key()
    number: Mapped[str]
    supplier_id: Mapped[UUID]
    store_id: Mapped[UUID]
    state: Mapped[str] = mapped_column(server_default="OPEN")
    expected_on: Mapped[date]
    note: Mapped[str | None]
    reason: Mapped[str | None]
    ordered_by: Mapped[UUID]
    ordered_at: Mapped[datetime] = made_at()
    ended_at: Mapped[datetime | None]
    __table_args__ = (
        UniqueConstraint("tenant_id", "number"),
        to("suppliers", "supplier_id"),
        to("stores", "store_id"),
        CheckConstraint(
            "state in ('OPEN', 'PARTIAL', 'RECEIVED', 'CLOSED', 'CANCELLED')", name="state"
        ),
        CheckConstraint(
            "(ended_at is null) = (state in ('OPEN', 'PARTIAL'))",
            name="ended_at",
        ),
        Index("ix_purchase_orders_store", "tenant_id", "store_id", "expected_on", "id"),
        Index("ix_purchase_orders_supplier", "tenant_id", "supplier_id"),
        Index(
            "ix_purchase_orders_open",
            "tenant_id",
            "store_id",
            "expected_on",
            "id",
            postgresql_where=text("ended_at is null"),
        ),
    )

    @property
    def stores(self) -> tuple[UUID, ...]:
        return (self.store_id,)


class PurchaseLine(Table):
    """Quantities of a product ordered and received, in base units; `unit_cost` is in 1/10000 yuan
    per unit. Goods received without an order have a line with 0 ordered."""

    __tablename__ = "purchase_lines"
    tenant_id: Mapped[UUID] = key()
    purchase_id: Mapped[UUID] = key()
    line: Mapped[int] = mapped_column(Integer, primary_key=True)
    product_id: Mapped[UUID]
    ordered: Mapped[int]
    received: Mapped[int] = mapped_column(server_default="0")
    scale: Mapped[int]
    unit_cost: Mapped[int | None]
    __table_args__ = (
        UniqueConstraint("tenant_id", "purchase_id", "product_id"),
        to("purchase_orders", "purchase_id"),
        to("products", "product_id"),
        CheckConstraint("ordered >= 0", name="ordered"),
        CheckConstraint("received >= 0", name="received"),
        CheckConstraint("ordered + received > 0", name="anything"),
    )

    missing = property(lambda self: max(0, self.ordered - self.received))
    over = property(lambda self: max(0, self.received - self.ordered))
