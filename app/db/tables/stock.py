"""The ledger (movements and entries), and the levels and batches that result from it."""

from datetime import date, datetime
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import (
    CheckConstraint,
    Computed,
    Index,
    Integer,
    UniqueConstraint,
    func,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from app.db.core.table import Amount, Table, key, made_at, to

STATUS = (
    "case when shelf = 0 then 'OUT'"
    " when reorder_point > 0 and shelf <= reorder_point then 'LOW'"
    " when overstock_point is not null and shelf > overstock_point then 'OVERSTOCKED'"
    " else 'NORMAL' end"
)


class Level(Table):
    """A product in a store. This row is the mutex of the pair; `version` counts its entries.

    `value` is the cost of all goods held, in 1/10000 yuan; `unit_cost` the moving average of one
    unit, which stays when the stock is used up. `counted_at` is when the latest closed stocktake
    counted the product; if it was counted at several moments, this is the first, and
    `counted_until` is the last. A row that was created only to be locked is not `shown`: no read
    returns it until goods move, the store sets a threshold of its own, or goods are on order.

    Public fields are attributes, not resolvers: a list of levels costs what its fields cost.
    """

    __tablename__ = "levels"
    tenant_id: Mapped[UUID] = key()
    store_id: Mapped[UUID] = key()
    product_id: Mapped[UUID] = key()
    shelf: Mapped[int] = mapped_column(server_default="0")
    reserved: Mapped[int] = mapped_column(server_default="0")
    quarantine: Mapped[int] = mapped_column(server_default="0")
    transit: Mapped[int] = mapped_column(server_default="0")
    version: Mapped[int] = mapped_column(server_default="0")
    scale: Mapped[int]
    reorder_point: Mapped[int] = mapped_column(server_default="0")
    reorder_point_own: Mapped[bool] = mapped_column(server_default=text("false"))
    overstock_point: Mapped[int | None]
    expiry_warning_days: Mapped[int | None] = mapped_column(Integer)
    received_at: Mapped[datetime | None]
    counted_at: Mapped[datetime | None]
    counted_until: Mapped[datetime | None]
    tracks_batches: Mapped[bool] = mapped_column(server_default=text("false"))
    container: Mapped[int | None]
    recipe_id: Mapped[UUID | None]
    sold_out_until: Mapped[datetime | None]
    held_until: Mapped[datetime | None]
    value: Mapped[int] = mapped_column(server_default="0")
    unit_cost: Mapped[int | None]
    shown: Mapped[bool] = mapped_column(server_default=text("true"))
    status: Mapped[str] = mapped_column(Computed(STATUS, persisted=True))
    __table_args__ = (
        to("stores", "store_id"),
        to("products", "product_id"),
        # I4: no bin is below zero, even if the code above is wrong.
        CheckConstraint("shelf >= 0", name="shelf"),
        CheckConstraint("reserved >= 0", name="reserved"),
        CheckConstraint("quarantine >= 0", name="quarantine"),
        CheckConstraint("transit >= 0", name="transit"),
        CheckConstraint("value >= 0", name="value"),
        CheckConstraint("expiry_warning_days between 1 and 365", name="expiry_warning_days"),
        Index("ix_levels_product", "tenant_id", "product_id", "store_id"),
        Index("ix_levels_status", "tenant_id", "store_id", "status", "product_id"),
        {"postgresql_with": {"fillfactor": 70}},
    )

    overdue: ClassVar[int] = 0
    """Base units reserved for orders whose hold is over, which can be sold. See `with_overdue`."""
    pair = property(lambda self: (self.store_id, self.product_id))
    free = property(lambda self: self.shelf + self.overdue)
    available = property(lambda self: Amount(self.free, self.scale))
    held = property(lambda self: Amount(self.reserved - self.overdue, self.scale))
    quarantined = property(lambda self: Amount(self.quarantine, self.scale))
    incoming = property(lambda self: Amount(self.transit, self.scale))
    warns_at = property(lambda self: Amount(self.reorder_point, self.scale))
    on_hand = property(
        lambda self: Amount(self.shelf + self.reserved + self.quarantine, self.scale)
    )


class Batch(Table):
    """Goods of one product with one batch number and expiry; its attributes never change.

    `expires_on` is the last day of sale; infinity for goods that do not expire.
    """

    __tablename__ = "batches"
    tenant_id: Mapped[UUID] = key()
    id: Mapped[UUID] = key()
    product_id: Mapped[UUID]
    number: Mapped[str]
    expires_on: Mapped[date]
    produced_on: Mapped[date | None]
    supplier: Mapped[str | None]
    unit_cost: Mapped[int | None]
    received_at: Mapped[datetime]
    __table_args__ = (
        UniqueConstraint("tenant_id", "product_id", "number", "expires_on"),
        to("products", "product_id"),
    )


class BatchLevel(Table):
    """Stock of a batch in a store; the key is in FEFO order. A row without stock is deleted."""

    __tablename__ = "batch_levels"
    tenant_id: Mapped[UUID] = key()
    store_id: Mapped[UUID] = key()
    product_id: Mapped[UUID] = key()
    expires_on: Mapped[date] = mapped_column(primary_key=True)
    batch_id: Mapped[UUID] = key()
    shelf: Mapped[int]
    reserved: Mapped[int]
    quarantine: Mapped[int]
    transit: Mapped[int]
    __table_args__ = (
        to("batches", "batch_id"),
        # I4: no bin is below zero; a row without stock does not exist.
        CheckConstraint("shelf >= 0", name="shelf"),
        CheckConstraint("reserved >= 0", name="reserved"),
        CheckConstraint("quarantine >= 0", name="quarantine"),
        CheckConstraint("transit >= 0", name="transit"),
        CheckConstraint("shelf + reserved + quarantine + transit > 0", name="held"),
        Index("ix_batch_levels_expiry", "tenant_id", "expires_on", "store_id"),
        {"postgresql_with": {"fillfactor": 70}},
    )

    triple = property(lambda self: (self.store_id, self.product_id, self.batch_id))


class Movement(Table):
    """The head of a movement. It is never updated or deleted (I1).

    `dated` is whether the client gave the time of the event; such a movement may be recorded late.
    `business_date` is the store's day by which expiry was judged, in the `timezone` that the store
    had then. `receipt_key` stands for the store, till, business day and receipt number of a sale.
    """

    __tablename__ = "movements"
    tenant_id: Mapped[UUID] = key()
    id: Mapped[UUID] = key()
    kind: Mapped[str]
    store_id: Mapped[UUID]
    actor_id: Mapped[UUID]
    key: Mapped[UUID]
    channel: Mapped[str | None]
    reason: Mapped[str | None]
    note: Mapped[str | None]
    document: Mapped[str | None]
    sale_id: Mapped[UUID | None]
    reverses_id: Mapped[UUID | None]
    document_id: Mapped[UUID | None]
    occurred_at: Mapped[datetime]
    business_date: Mapped[date] = mapped_column(server_default=func.current_date())
    timezone: Mapped[str] = mapped_column(server_default="UTC")
    recorded_at: Mapped[datetime] = made_at()
    dated: Mapped[bool] = mapped_column(server_default=text("false"))
    till_id: Mapped[UUID | None]
    receipt_key: Mapped[UUID | None]
    written: ClassVar[Any] = None
    """The entries, while the process that wrote them answers."""
    __table_args__ = (
        to("tills", "till_id"),
        Index("ix_movements_store", "tenant_id", "store_id", "id"),
        Index(
            "ix_movements_sale",
            "tenant_id",
            "sale_id",
            postgresql_where=text("sale_id is not null"),
        ),
        Index(
            "ix_movements_receipt",
            "tenant_id",
            "store_id",
            text("upper(document)"),
            "id",
            postgresql_where=text("kind = 'SALE' and document is not null"),
        ),
        # A receipt number has one sale, even if the code above is wrong.
        Index(
            "uq_movements_receipt_key",
            "tenant_id",
            "receipt_key",
            unique=True,
            postgresql_where=text("receipt_key is not null"),
        ),
        Index(
            "ix_movements_document",
            "tenant_id",
            "document_id",
            postgresql_where=text("document_id is not null"),
        ),
        Index(
            "uq_movements_reverses",
            "tenant_id",
            "reverses_id",
            unique=True,
            postgresql_where=text("reverses_id is not null"),
        ),
    )


class Entry(Table):
    """A quantity from one place to another, with the level's position and on-hand after it.

    A move inside one level uses the `from_` columns. `unit_cost` is the given cost in 1/10000 yuan
    per product unit, `cost` the value of the quantity by moving average. `batch_named`: the batch
    was given, not chosen by FEFO (I7). `recipe_id` is the recipe the product was produced by.
    `own_cost` is true when a reversal took goods out at the cost they came in at, false when at the
    average; null for other entries. `price`, `discount` and `amount` are in fen: what a customer
    paid or got back for the quantity. `came_expired`: received goods went to quarantine instead of
    the shelf because they had expired; null for all others. `zone` is the zone of the movement's
    store that the goods left or were put in; null if none was given.
    """

    __tablename__ = "entries"
    tenant_id: Mapped[UUID] = key()
    movement_id: Mapped[UUID] = key()
    line: Mapped[int] = mapped_column(Integer, primary_key=True)
    product_id: Mapped[UUID]
    from_store: Mapped[UUID]
    from_bin: Mapped[str]
    to_store: Mapped[UUID]
    to_bin: Mapped[str]
    quantity: Mapped[int]
    scale: Mapped[int]
    unit_cost: Mapped[int | None]
    from_seq: Mapped[int | None]
    from_after: Mapped[int | None]
    to_seq: Mapped[int | None]
    to_after: Mapped[int | None]
    batch_id: Mapped[UUID | None]
    batch_named: Mapped[bool | None]
    cost: Mapped[int | None]
    recipe_id: Mapped[UUID | None]
    own_cost: Mapped[bool | None]
    price: Mapped[int | None]
    discount: Mapped[int | None]
    amount: Mapped[int | None]
    came_expired: Mapped[bool | None]
    zone: Mapped[str | None]
    __table_args__ = (
        to("movements", "movement_id"),
        # I2: a quantity goes from one place to another.
        CheckConstraint("quantity > 0", name="quantity"),
        CheckConstraint("from_store <> to_store or from_bin <> to_bin", name="places"),
        CheckConstraint("price >= 0 and discount >= 0 and amount >= 0", name="amount"),
        Index(
            "uq_entries_from",
            "tenant_id",
            "from_store",
            "product_id",
            "from_seq",
            unique=True,
            postgresql_where=text("from_seq is not null"),
        ),
        Index(
            "uq_entries_to",
            "tenant_id",
            "to_store",
            "product_id",
            "to_seq",
            unique=True,
            postgresql_where=text("to_seq is not null"),
        ),
        Index(
            "ix_entries_losses",
            "tenant_id",
            "movement_id",
            postgresql_where=text(
                "to_bin in ('waste', 'variance') or from_bin in ('waste', 'variance')"
            ),
        ),
    )


class Request(Table):
    """A key and the id of its one result (I5); `actor_id` is the owner of the key."""

    __tablename__ = "requests"
    tenant_id: Mapped[UUID] = key()
    actor_id: Mapped[UUID] = key()
    key: Mapped[UUID] = key()
    fingerprint: Mapped[bytes]
    result_id: Mapped[UUID]
    claimed_at: Mapped[datetime] = mapped_column(server_default=func.now())
    __table_args__ = (Index("ix_requests_claimed", "tenant_id", "claimed_at"),)
