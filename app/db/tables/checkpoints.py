"""Checkpoints of levels in their history, from which the stock of past moments is computed."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, UniqueConstraint
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from app.db.core.table import Table, key


class Checkpoint(Table):
    """What a level held at the position `seq`, kept at most once a day of its store.

    `balances` sums all entries up to `seq`: a list of objects with `batch_id`, `bin`, `quantity`
    and `value`. `last_at` and `last_known` are when the latest of these entries happened and was
    recorded; `first_at` and `first_known` are the earliest ones since `since_seq`, the position of
    the checkpoint before (0 for the first). There are no foreign keys: the rows are computed from
    entries, which have them.
    """

    __tablename__ = "checkpoints"
    tenant_id: Mapped[UUID] = key()
    store_id: Mapped[UUID] = key()
    product_id: Mapped[UUID] = key()
    seq: Mapped[int] = mapped_column(primary_key=True)
    since_seq: Mapped[int]
    day: Mapped[date]
    first_at: Mapped[datetime]
    last_at: Mapped[datetime]
    first_known: Mapped[datetime]
    last_known: Mapped[datetime]
    balances: Mapped[list[dict[str, Any]]] = mapped_column(JSONB)
    __table_args__ = (
        # Two checkpoints never continue the same one: the parts of a history do not overlap.
        UniqueConstraint("tenant_id", "store_id", "product_id", "since_seq"),
        CheckConstraint("since_seq < seq", name="seq"),
    )
