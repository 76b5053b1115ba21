"""The tables: one class a noun. Keys start with the tenant; quantities are integer base units."""

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

from app.db.table import Amount, Table, key, made_at, to


class Tenant(Table):
    __tablename__ = "tenants"
    tenant_id: Mapped[UUID] = key()
    name: Mapped[str]
    created_at: Mapped[datetime] = made_at()


class Direction(Table):
    """Where a name known before the tenant leads: a login, or a store's public code."""

    __tablename__ = "directory"
    kind: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(primary_key=True)
    tenant_id: Mapped[UUID]
    subject_id: Mapped[UUID]
    __table_args__ = (CheckConstraint("kind in ('login', 'store')", name="kind"),)


class Store(Table):
    __tablename__ = "stores"
    tenant_id: Mapped[UUID] = key()
    id: Mapped[UUID] = key()
    code: Mapped[str]
    name: Mapped[str]
    timezone: Mapped[str] = mapped_column(server_default="Asia/Shanghai")
    few_threshold: Mapped[int] = mapped_column(Integer, server_default="5")
    created_at: Mapped[datetime] = made_at()
    __table_args__ = (UniqueConstraint("tenant_id", "code"),)


class Staff(Table):
    __tablename__ = "staff"
    tenant_id: Mapped[UUID] = key()
    id: Mapped[UUID] = key()
    login: Mapped[str]
    name: Mapped[str]
    password_hash: Mapped[str]
    role: Mapped[str]
    removed_at: Mapped[datetime | None]
    created_at: Mapped[datetime] = made_at()
    __table_args__ = (
        # Whoever left may be invited again, as a new person with the old login.
        Index(
            "uq_staff_login",
            "tenant_id",
            "login",
            unique=True,
            postgresql_where=text("removed_at is null"),
        ),
    )


class StaffStore(Table):
    __tablename__ = "staff_stores"
    tenant_id: Mapped[UUID] = key()
    staff_id: Mapped[UUID] = key()
    store_id: Mapped[UUID] = key()
    __table_args__ = (to("staff", "staff_id"), to("stores", "store_id"))


class Session(Table):
    """One sign-in. Its refresh token rotates; a token used twice ends the session.

    `previous_hash` is of the token before, which is good for a moment more after `rotated_at`.
    """

    __tablename__ = "sessions"
    tenant_id: Mapped[UUID] = key()
    id: Mapped[UUID] = key()
    staff_id: Mapped[UUID]
    token_hash: Mapped[bytes]
    previous_hash: Mapped[bytes | None]
    rotated_at: Mapped[datetime | None]
    expires_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    created_at: Mapped[datetime] = made_at()
    __table_args__ = (
        to("staff", "staff_id"),
        Index("ix_sessions_staff", "tenant_id", "staff_id"),
    )


class ApiKey(Table):
    __tablename__ = "api_keys"
    tenant_id: Mapped[UUID] = key()
    id: Mapped[UUID] = key()
    name: Mapped[str]
    secret_hash: Mapped[bytes]
    scopes: Mapped[list[str]]
    created_by: Mapped[UUID]
    revoked_at: Mapped[datetime | None]
    created_at: Mapped[datetime] = made_at()
    __table_args__ = (to("staff", "created_by"),)


class Category(Table):
    __tablename__ = "categories"
    tenant_id: Mapped[UUID] = key()
    id: Mapped[UUID] = key()
    name: Mapped[str]
    created_at: Mapped[datetime] = made_at()
    __table_args__ = (UniqueConstraint("tenant_id", "name"),)


class Product(Table):
    """`scale` is the number of base units (piece, g, ml) in one `unit`; `price` is in fen."""

    __tablename__ = "products"
    tenant_id: Mapped[UUID] = key()
    id: Mapped[UUID] = key()
    sku: Mapped[str]
    name: Mapped[str]
    spec: Mapped[str] = mapped_column(server_default="")
    kind: Mapped[str]
    unit: Mapped[str]
    scale: Mapped[int]
    category_id: Mapped[UUID | None]
    price: Mapped[int | None]
    image_url: Mapped[str | None]
    reorder_point: Mapped[int] = mapped_column(server_default="0")
    overstock_point: Mapped[int | None]
    tracks_batches: Mapped[bool] = mapped_column(server_default=text("false"))
    shelf_life_days: Mapped[int | None] = mapped_column(Integer)
    expiry_warning_days: Mapped[int] = mapped_column(Integer, server_default="15")
    search: Mapped[str]
    pinyin: Mapped[str]
    archived_at: Mapped[datetime | None]
    created_at: Mapped[datetime] = made_at()
    __table_args__ = (
        UniqueConstraint("tenant_id", "sku"),
        to("categories", "category_id"),
        CheckConstraint("scale > 0", name="scale"),
        CheckConstraint("price >= 0", name="price"),
        CheckConstraint("reorder_point >= 0", name="reorder_point"),
        CheckConstraint("shelf_life_days >= 0", name="shelf_life_days"),
        CheckConstraint("expiry_warning_days between 1 and 365", name="expiry_warning_days"),
        Index("ix_products_pinyin", "tenant_id", "pinyin", "id"),
        Index("ix_products_category", "tenant_id", "category_id", "pinyin"),
    )


class Barcode(Table):
    """`code` is normalised (a GTIN has 14 digits); `pack_quantity` is in base units."""

    __tablename__ = "barcodes"
    tenant_id: Mapped[UUID] = key()
    code: Mapped[str] = mapped_column(primary_key=True)
    product_id: Mapped[UUID]
    pack_quantity: Mapped[int]
    created_at: Mapped[datetime] = made_at()
    __table_args__ = (
        to("products", "product_id"),
        CheckConstraint("pack_quantity > 0", name="pack_quantity"),
        Index("ix_barcodes_product", "tenant_id", "product_id"),
    )


STATUS = (
    "case when shelf = 0 then 'OUT'"
    " when reorder_point > 0 and shelf <= reorder_point then 'LOW'"
    " when overstock_point is not null and shelf > overstock_point then 'OVERSTOCKED'"
    " else 'NORMAL' end"
)


class Level(Table):
    """A product in a store. This row is the mutex of the pair; `version` counts its entries.

    What is told are attributes, not resolvers: a list of levels costs what its fields cost.
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
    received_at: Mapped[datetime | None]
    tracks_batches: Mapped[bool] = mapped_column(server_default=text("false"))
    status: Mapped[str] = mapped_column(Computed(STATUS, persisted=True))
    __table_args__ = (
        to("stores", "store_id"),
        to("products", "product_id"),
        # I4: no bin is ever below zero, whatever the code above believes.
        CheckConstraint("shelf >= 0", name="shelf"),
        CheckConstraint("reserved >= 0", name="reserved"),
        CheckConstraint("quarantine >= 0", name="quarantine"),
        CheckConstraint("transit >= 0", name="transit"),
        Index("ix_levels_product", "tenant_id", "product_id", "store_id"),
        Index("ix_levels_status", "tenant_id", "store_id", "status", "product_id"),
        {"postgresql_with": {"fillfactor": 70}},
    )

    joined: ClassVar[Any] = None
    """Rows that the query brought along, by the name of their loader."""
    pair = property(lambda self: (self.store_id, self.product_id))
    available = property(lambda self: Amount(self.shelf, self.scale))
    held = property(lambda self: Amount(self.reserved, self.scale))
    quarantined = property(lambda self: Amount(self.quarantine, self.scale))
    incoming = property(lambda self: Amount(self.transit, self.scale))
    warns_at = property(lambda self: Amount(self.reorder_point, self.scale))
    on_hand = property(
        lambda self: Amount(self.shelf + self.reserved + self.quarantine, self.scale)
    )


class Batch(Table):
    """Goods of one product that came with one number and one expiry; what it is never changes.

    `expires_on` is the last day of sale, infinity when there is none.
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
    """How much of a batch lies in a store; the key is the order of FEFO. Drained rows leave."""

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
        # I4: no bin is ever below zero; and a row that holds nothing does not exist.
        CheckConstraint("shelf >= 0", name="shelf"),
        CheckConstraint("reserved >= 0", name="reserved"),
        CheckConstraint("quarantine >= 0", name="quarantine"),
        CheckConstraint("transit >= 0", name="transit"),
        CheckConstraint("shelf + reserved + quarantine + transit > 0", name="held"),
        Index("ix_batch_levels_expiry", "tenant_id", "expires_on", "store_id"),
        {"postgresql_with": {"fillfactor": 70}},
    )


class Movement(Table):
    """The head of one movement. Never updated or deleted (I1)."""

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
    occurred_at: Mapped[datetime]
    recorded_at: Mapped[datetime] = made_at()
    __table_args__ = (
        Index("ix_movements_store", "tenant_id", "store_id", "id"),
        Index(
            "ix_movements_sale",
            "tenant_id",
            "sale_id",
            postgresql_where=text("sale_id is not null"),
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
    """One quantity from one place to another, with the position and on-hand it left behind.

    A move inside one level uses the from pair. `unit_cost` is 1/10000 yuan a product unit.
    `batch_named` says that somebody chose the batch: FEFO did not (I7).
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
    __table_args__ = (
        to("movements", "movement_id"),
        # I2: a quantity goes from one place to another.
        CheckConstraint("quantity > 0", name="quantity"),
        CheckConstraint("from_store <> to_store or from_bin <> to_bin", name="places"),
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
    )


class Request(Table):
    """A client's key, claimed by the movement that answered it (I5)."""

    __tablename__ = "requests"
    tenant_id: Mapped[UUID] = key()
    actor_id: Mapped[UUID] = key()
    key: Mapped[UUID] = key()
    fingerprint: Mapped[bytes]
    result_id: Mapped[UUID]


class Feed(Table):
    """A store's revision: how many commits have touched it (I6)."""

    __tablename__ = "feeds"
    tenant_id: Mapped[UUID] = key()
    store_id: Mapped[UUID] = key()
    revision: Mapped[int] = mapped_column(server_default="0")
    __table_args__ = (to("stores", "store_id"), {"postgresql_with": {"fillfactor": 50}})


class Change(Table):
    """What one revision of a store touched; the values are read from the rows themselves."""

    __tablename__ = "changes"
    tenant_id: Mapped[UUID] = key()
    store_id: Mapped[UUID] = key()
    revision: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[datetime] = mapped_column(server_default=func.clock_timestamp())
    product_ids: Mapped[list[UUID]]
