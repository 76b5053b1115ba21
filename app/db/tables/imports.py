"""Imports: rows of a spreadsheet that a worker writes."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from app.db.core.table import Table, key, made_at, to


class ProductUpsert(Table):
    """The answer of `upsertProducts`, for a retry with its key: for each product what was done,
    its id, and its errors (field and text in both languages)."""

    __tablename__ = "product_upserts"
    tenant_id: Mapped[UUID] = key()
    id: Mapped[UUID] = key()
    results: Mapped[list[Any]] = mapped_column(JSONB)
    created_at: Mapped[datetime] = made_at()


class Import(Table):
    """The good rows of a file, and how many of them are done.

    `role`, `scopes` and `own_stores` are the rights that the requester had. `headers` has the
    shop's own headers with their fields. `lines` has each row until the last one is done: its
    number, the texts of its fields, and its product. A worker holds the import until
    `leased_until`. `failures` are the rows that could not be written: their number, field and text
    in both languages. `movements` are those of opening stock; `feed_store` is the store whose feed
    announces it.
    """

    __tablename__ = "imports"
    tenant_id: Mapped[UUID] = key()
    id: Mapped[UUID] = key()
    kind: Mapped[str]
    store_id: Mapped[UUID | None]
    requested_by: Mapped[UUID]
    role: Mapped[str]
    scopes: Mapped[list[str]]
    own_stores: Mapped[list[UUID]]
    headers: Mapped[dict[str, str]] = mapped_column(JSONB)
    lines: Mapped[list[Any]] = mapped_column(JSONB)
    rows: Mapped[int]
    done: Mapped[int] = mapped_column(server_default="0")
    created: Mapped[int] = mapped_column(server_default="0")
    changed: Mapped[int] = mapped_column(server_default="0")
    unchanged: Mapped[int] = mapped_column(server_default="0")
    failures: Mapped[list[Any]] = mapped_column(JSONB, server_default="[]")
    leased_until: Mapped[datetime | None]
    requested_at: Mapped[datetime] = made_at()
    finished_at: Mapped[datetime | None]
    movements: Mapped[list[UUID]] = mapped_column(server_default="{}")
    reversed_at: Mapped[datetime | None]
    feed_store: Mapped[UUID | None]
    __table_args__ = (
        to("stores", "store_id"),
        CheckConstraint("done between 0 and rows", name="done"),
        Index(
            "ix_imports_open",
            "tenant_id",
            "requested_at",
            postgresql_where=text("finished_at IS NULL"),
        ),
        Index("ix_imports_kind", "tenant_id", "kind", "requested_at"),
    )
