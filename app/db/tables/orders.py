"""Orders and their lines."""

from datetime import datetime
from typing import ClassVar
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, Integer, text
from sqlalchemy.orm import Mapped, mapped_column

from app.db.core.table import Table, key, made_at, to


class Order(Table):
    """Goods reserved for a customer until they are handed over or released. `total` is in fen.

    The reserved quantities are read from the ledger; `expires_at` is null once it is paid. The
    contact is sealed; `plain_contact` holds it in rows of earlier versions. `address_index` is the
    blind index of the address that a guest ordered from.
    """

    __tablename__ = "orders"
    tenant_id: Mapped[UUID] = key()
    id: Mapped[UUID] = key()
    store_id: Mapped[UUID]
    channel: Mapped[str]
    state: Mapped[str] = mapped_column(server_default="HELD")
    plain_contact: Mapped[str | None] = mapped_column("contact")
    sealed_contact: Mapped[bytes | None]
    contact_index: Mapped[bytes | None]
    address_index: Mapped[bytes | None]
    note: Mapped[str | None]
    external_id: Mapped[str | None]
    total: Mapped[int | None]
    pickup_at: Mapped[datetime | None]
    expires_at: Mapped[datetime | None]
    extended: Mapped[bool] = mapped_column(server_default=text("false"))
    payment: Mapped[str | None]
    reason: Mapped[str | None]
    placed_by: Mapped[UUID]
    placed_at: Mapped[datetime] = made_at()
    paid_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    __table_args__ = (
        to("stores", "store_id"),
        CheckConstraint(
            "state in ('HELD', 'PAID', 'FULFILLED', 'CANCELLED', 'EXPIRED')", name="state"
        ),
        CheckConstraint("state <> 'HELD' or expires_at is not null", name="expires_at"),
        Index("ix_orders_store", "tenant_id", "store_id", "id"),
        Index("ix_orders_placed_by", "tenant_id", "placed_by", "id"),
        Index(
            "ix_orders_due",
            "tenant_id",
            "store_id",
            "expires_at",
            postgresql_where=text("state = 'HELD'"),
        ),
        Index(
            "ix_orders_expired",
            "tenant_id",
            "ended_at",
            postgresql_where=text("state = 'EXPIRED'"),
        ),
        Index(
            "ix_orders_unpaid",
            "tenant_id",
            "contact_index",
            postgresql_where=text("paid_at is null and ended_at is null"),
        ),
        Index(
            "ix_orders_unpaid_address",
            "tenant_id",
            "address_index",
            postgresql_where=text(
                "paid_at is null and ended_at is null and address_index is not null"
            ),
        ),
        Index(
            "ix_orders_contact",
            "tenant_id",
            "contact_index",
            "id",
            postgresql_where=text("contact_index is not null"),
        ),
        Index(
            "ix_orders_retained",
            "tenant_id",
            "ended_at",
            postgresql_where=text(
                "ended_at is not null and sealed_contact is not null and "
                "(placed_by = '00000000-0000-0000-0000-000000000001' or external_id is not null)"
            ),
        ),
        Index(
            "ix_orders_plain_contact",
            "tenant_id",
            "id",
            postgresql_where=text("contact is not null"),
        ),
        Index(
            "uq_orders_external",
            "tenant_id",
            "channel",
            "external_id",
            unique=True,
            postgresql_where=text("external_id is not null"),
        ),
    )

    @property
    def stores(self) -> tuple[UUID, ...]:
        return (self.store_id,)

    token: ClassVar[str | None] = None
    """The guest's access token for this order; set only in the answer of `placeOrder`."""


class OrderLine(Table):
    """A product of an order, in base units.

    `price` is in fen per unit, as of the order, and `amount` is what the quantity costs after the
    `discount`. Rows of earlier versions have a price only.
    """

    __tablename__ = "order_lines"
    tenant_id: Mapped[UUID] = key()
    order_id: Mapped[UUID] = key()
    line: Mapped[int] = mapped_column(Integer, primary_key=True)
    product_id: Mapped[UUID]
    quantity: Mapped[int]
    scale: Mapped[int]
    price: Mapped[int | None]
    discount: Mapped[int | None]
    amount: Mapped[int | None]
    recipe_id: Mapped[UUID | None]
    __table_args__ = (
        to("orders", "order_id"),
        to("products", "product_id"),
        CheckConstraint("quantity > 0", name="quantity"),
    )
