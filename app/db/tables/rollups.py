"""Roll-ups: the flows of the ledger, added up by the hour."""

from datetime import date
from uuid import UUID

from sqlalchemy import Index, SmallInteger
from sqlalchemy.orm import Mapped, mapped_column

from app.db.core.table import Table, key


class RollUp(Table):
    """What one flow moved of a product in a store in one hour.

    `day` and `hour` are the store's local time of the movements, `flow` is one of
    `domain.rules.flows`. `channel` and `reason` are empty where the flow has none. `quantity` is in
    base units, `cost` in 1/10000 yuan; `discount` and `amount` are in fen. Reversals are subtracted
    in the hour of the reversal, so a sum may be negative. There are no foreign keys: the rows are
    computed from entries, which have them.
    """

    __tablename__ = "rollups"
    tenant_id: Mapped[UUID] = key()
    store_id: Mapped[UUID] = key()
    day: Mapped[date] = mapped_column(primary_key=True)
    product_id: Mapped[UUID] = key()
    flow: Mapped[str] = mapped_column(primary_key=True)
    hour: Mapped[int] = mapped_column(SmallInteger, primary_key=True)
    channel: Mapped[str] = mapped_column(primary_key=True)
    reason: Mapped[str] = mapped_column(primary_key=True)
    quantity: Mapped[int]
    cost: Mapped[int]
    discount: Mapped[int]
    amount: Mapped[int]
    __table_args__ = (
        Index("ix_rollups_day", "tenant_id", "day"),
        {"postgresql_with": {"fillfactor": 80}},
    )
