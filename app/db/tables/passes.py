"""Prepaid passes and their redemptions."""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, Integer, text
from sqlalchemy.orm import Mapped, mapped_column

from app.db.core.table import Table, key, made_at, to


class Pass(Table):
    """Prepaid uses of a service, which any store of the tenant redeems.

    `store_id` sold the pass and reserved or consumed goods for it in advance; `ahead` is whether it
    consumed those of one use that is not redeemed yet. `recipe_id` is the recipe of one use at the
    time of the sale. `customer_id` is the account that bought it, and `order_id` the order
    that sold it, with the number of its line. The customer's contact is sealed;
    `plain_contact` holds it in rows of earlier versions.
    """

    __tablename__ = "passes"
    tenant_id: Mapped[UUID] = key()
    id: Mapped[UUID] = key()
    product_id: Mapped[UUID]
    store_id: Mapped[UUID]
    plain_contact: Mapped[str | None] = mapped_column("customer")
    sealed_contact: Mapped[bytes | None]
    contact_index: Mapped[bytes | None]
    channel: Mapped[str]
    consume_on: Mapped[str]
    recipe_id: Mapped[UUID | None]
    uses: Mapped[int] = mapped_column(Integer)
    used: Mapped[int] = mapped_column(Integer, server_default="0")
    ahead: Mapped[bool] = mapped_column(server_default=text("false"))
    state: Mapped[str] = mapped_column(server_default="ACTIVE")
    expires_on: Mapped[date]
    customer_id: Mapped[UUID | None]
    order_id: Mapped[UUID | None]
    order_line: Mapped[int | None] = mapped_column(Integer)
    sold_by: Mapped[UUID]
    sold_at: Mapped[datetime] = made_at()
    ended_at: Mapped[datetime | None]
    __table_args__ = (
        to("products", "product_id"),
        to("stores", "store_id"),
        to("recipes", "recipe_id"),
        to("orders", "order_id"),
        CheckConstraint("uses between 1 and 1000", name="uses"),
        CheckConstraint("used between 0 and uses", name="used"),
        CheckConstraint("state in ('ACTIVE', 'USED', 'REFUNDED', 'EXPIRED')", name="state"),
        CheckConstraint("state = 'ACTIVE' or not ahead", name="ahead"),
        Index(
            "ix_passes_contact",
            "tenant_id",
            "contact_index",
            "id",
            postgresql_where=text("contact_index is not null"),
        ),
        Index(
            "ix_passes_plain_contact",
            "tenant_id",
            "id",
            postgresql_where=text("customer is not null"),
        ),
        Index(
            "ix_passes_customer",
            "tenant_id",
            "customer_id",
            "id",
            postgresql_where=text("customer_id is not null"),
        ),
        Index(
            "uq_passes_order",
            "tenant_id",
            "order_id",
            "order_line",
            unique=True,
            postgresql_where=text("order_id is not null"),
        ),
        Index("ix_passes_state", "tenant_id", "state", "expires_on"),
    )


class Redemption(Table):
    """Uses of a service in a store: of a pass, or paid for at the time.

    `ahead` is whether one of them used the goods that the sale of the pass had consumed in advance.
    """

    __tablename__ = "redemptions"
    tenant_id: Mapped[UUID] = key()
    id: Mapped[UUID] = key()
    pass_id: Mapped[UUID | None]
    product_id: Mapped[UUID]
    store_id: Mapped[UUID]
    uses: Mapped[int] = mapped_column(Integer)
    ahead: Mapped[bool] = mapped_column(server_default=text("false"))
    movement_id: Mapped[UUID]
    redeemed_by: Mapped[UUID]
    redeemed_at: Mapped[datetime] = made_at()
    reversed_at: Mapped[datetime | None]
    __table_args__ = (
        to("passes", "pass_id"),
        to("products", "product_id"),
        to("stores", "store_id"),
        CheckConstraint("uses > 0", name="uses"),
        Index("ix_redemptions_pass", "tenant_id", "pass_id", "id"),
        Index("uq_redemptions_movement", "tenant_id", "movement_id", unique=True),
    )
