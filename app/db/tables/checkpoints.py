"""Checkpoints of levels in their history, and of stores, from which the stock of past moments is
computed."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, UniqueConstraint
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from app.db.core.table import Table, key


class Checkpoint(Table):
    """What a level held at the position `seq`, kept at most once a day of its store.

    `balances` sums all entries up to `seq`: a list of objects with `batch_id`, `bin`, `quantity`
    and `value`; `on_hand` and `value` are their totals. `last_at` and `last_known` are when the
    latest of these entries happened and was recorded; `first_at` and `first_known` are the earliest
    ones since `since_seq`, the position of
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
    on_hand: Mapped[int]
    value: Mapped[int]
    __table_args__ = (
        # Two checkpoints never continue the same one: the parts of a history do not overlap.
        UniqueConstraint("tenant_id", "store_id", "product_id", "since_seq"),
        CheckConstraint("since_seq < seq", name="seq"),
        Index("ix_checkpoints_day", "tenant_id", "store_id", "day"),
    )


class CheckpointDay(Table):
    """What the checkpoints of one day changed in a store, beside the ones before them.

    `on_hand` sums base units of all products; `levels` counts levels with goods on hand. The sums
    of all days up to one are those of each level's last checkpoint of these days. The moments are
    the earliest and latest of the day's checkpoints.
    """

    __tablename__ = "checkpoint_days"
    tenant_id: Mapped[UUID] = key()
    store_id: Mapped[UUID] = key()
    day: Mapped[date] = mapped_column(primary_key=True)
    on_hand: Mapped[int]
    value: Mapped[int]
    levels: Mapped[int]
    first_at: Mapped[datetime]
    last_at: Mapped[datetime]
    first_known: Mapped[datetime]
    last_known: Mapped[datetime]


class CheckpointMark(Table):
    """Checkpoints have every entry of the movements whose id is of an hour before `covered_until`,
    or earlier; without a row, they may lack any."""

    __tablename__ = "checkpoint_marks"
    tenant_id: Mapped[UUID] = key()
    covered_until: Mapped[datetime]
