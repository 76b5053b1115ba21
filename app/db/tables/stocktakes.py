"""Stocktakes: the products to count, what was counted, and the variances that were posted."""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, Integer, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from app.db.core.table import Table, key, made_at, to


class Stocktake(Table):
    """A count of some or all products of a store while it sells.

    `everything` is whether it covers all products; otherwise it covers those of `category_ids` and
    those that were given. CLOSING: its variances are being posted, in steps.
    """

    __tablename__ = "stocktakes"
    tenant_id: Mapped[UUID] = key()
    id: Mapped[UUID] = key()
    store_id: Mapped[UUID]
    state: Mapped[str] = mapped_column(server_default="OPEN")
    blind: Mapped[bool] = mapped_column(server_default=text("false"))
    everything: Mapped[bool] = mapped_column(server_default=text("false"))
    zones: Mapped[list[str]] = mapped_column(server_default=text("'{}'"))
    category_ids: Mapped[list[UUID]] = mapped_column(server_default=text("'{}'"))
    opened_by: Mapped[UUID]
    opened_at: Mapped[datetime] = made_at()
    reviewed_by: Mapped[UUID | None]
    reviewed_at: Mapped[datetime | None]
    closed_by: Mapped[UUID | None]
    closed_at: Mapped[datetime | None]
    close_key: Mapped[UUID | None]
    reversed_by: Mapped[UUID | None]
    reversed_at: Mapped[datetime | None]
    __table_args__ = (
        to("stores", "store_id"),
        CheckConstraint(
            "state in ('OPEN', 'REVIEW', 'CLOSING', 'CLOSED', 'CANCELLED', 'REVERSED')",
            name="state",
        ),
        Index("ix_stocktakes_store", "tenant_id", "store_id", "id"),
        Index(
            "ix_stocktakes_open",
            "tenant_id",
            "store_id",
            "id",
            postgresql_where=text("state in ('OPEN', 'REVIEW', 'CLOSING')"),
        ),
    )

    @property
    def stores(self) -> tuple[UUID, ...]:
        return (self.store_id,)


class StocktakeLine(Table):
    """A product to count. `confirmed_seq` is the position that a person chose for counts during
    which goods moved; `posted_at` is when its variance was posted."""

    __tablename__ = "stocktake_lines"
    tenant_id: Mapped[UUID] = key()
    stocktake_id: Mapped[UUID] = key()
    product_id: Mapped[UUID] = key()
    id: Mapped[UUID] = mapped_column(server_default=text("uuidv7()"))
    scale: Mapped[int]
    confirmed_seq: Mapped[int | None]
    confirmed_by: Mapped[UUID | None]
    reason: Mapped[str | None]
    note: Mapped[str | None]
    explained_by: Mapped[UUID | None]
    posted_at: Mapped[datetime | None]
    __table_args__ = (
        UniqueConstraint("tenant_id", "id"),
        to("stocktakes", "stocktake_id"),
        to("products", "product_id"),
        Index("ix_stocktake_lines_product", "tenant_id", "product_id", "stocktake_id"),
    )


class StocktakeCount(Table):
    """A submitted quantity of a product in a zone; negative for a correction.

    `began_seq` and `seq` are the level's positions when the person began and when they submitted.
    `replaced_by` is the person whose recount replaced it; `checks` is whether it is a recount of
    another person's count. The batch may be one that was never received.
    """

    __tablename__ = "stocktake_counts"
    tenant_id: Mapped[UUID] = key()
    id: Mapped[UUID] = key()
    stocktake_id: Mapped[UUID]
    product_id: Mapped[UUID]
    zone: Mapped[str] = mapped_column(server_default="")
    batch_id: Mapped[UUID | None]
    batch_no: Mapped[str | None]
    expires_on: Mapped[date | None]
    quantity: Mapped[int]
    scale: Mapped[int]
    began_seq: Mapped[int]
    seq: Mapped[int]
    counted_by: Mapped[UUID]
    counted_at: Mapped[datetime]
    recorded_at: Mapped[datetime] = made_at()
    replaced_by: Mapped[UUID | None]
    checks: Mapped[bool] = mapped_column(server_default=text("false"))
    __table_args__ = (
        to("stocktakes", "stocktake_id"),
        to("products", "product_id"),
        CheckConstraint("began_seq <= seq", name="began"),
        Index("ix_stocktake_counts_product", "tenant_id", "stocktake_id", "product_id", "id"),
    )


class StocktakeVariance(Table):
    """What a closed stocktake posted for a product: one row per counted batch, and one for goods
    that were counted without a batch (I14: variance = counted - expected, posted once).

    `expected` is the book at `seq` plus `late`. `late` is the change by movements that the counts
    include although they were recorded after `seq`, less the change by movements before `seq` that
    the counts of their zones do not include.
    """

    __tablename__ = "stocktake_variances"
    tenant_id: Mapped[UUID] = key()
    stocktake_id: Mapped[UUID] = key()
    product_id: Mapped[UUID] = key()
    part: Mapped[int] = mapped_column(Integer, primary_key=True)
    batch_id: Mapped[UUID | None]
    seq: Mapped[int]
    expected: Mapped[int]
    late: Mapped[int]
    counted: Mapped[int]
    counted_at: Mapped[datetime]
    __table_args__ = (
        to("stocktakes", "stocktake_id"),
        to("products", "product_id"),
    )

    @property
    def variance(self) -> int:
        return self.counted - self.expected


class ZoneCount(Table):
    """When a product was counted in a zone of a store, in the last closed stocktake that counted
    it in several zones."""

    __tablename__ = "zone_counts"
    tenant_id: Mapped[UUID] = key()
    store_id: Mapped[UUID] = key()
    product_id: Mapped[UUID] = key()
    zone: Mapped[str] = mapped_column(primary_key=True)
    counted_at: Mapped[datetime]


class StocktakeRules(Table):
    """From which size a variance needs a recount by another person, or a reason; null: never.

    Values are in 1/10000 yuan, the percentage is of the expected quantity.
    """

    __tablename__ = "stocktake_rules"
    tenant_id: Mapped[UUID] = key()
    recount_value: Mapped[int | None]
    recount_percent: Mapped[int | None] = mapped_column(Integer)
    reason_value: Mapped[int | None]
    set_by: Mapped[UUID | None]
    set_at: Mapped[datetime | None]
    __table_args__ = (
        CheckConstraint("recount_value >= 0", name="recount_value"),
        CheckConstraint("recount_percent >= 0", name="recount_percent"),
        CheckConstraint("reason_value >= 0", name="reason_value"),
    )
