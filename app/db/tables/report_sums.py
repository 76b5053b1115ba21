"""Sums that reports read instead of all levels. There are no foreign keys: the rows are computed
from levels, which have them."""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy.orm import Mapped, mapped_column

from app.db.core.table import Table, key


class StoreSums(Table):
    """The moment for which the sums of a store are kept.

    A level or product that has changed at `at` or later may differ from its sums. `day` is the
    store's day, in its `timezone` then, by which expiry was judged.
    """

    __tablename__ = "store_sums"
    tenant_id: Mapped[UUID] = key()
    store_id: Mapped[UUID] = key()
    day: Mapped[date]
    timezone: Mapped[str]
    at: Mapped[datetime]
    __table_args__ = {"postgresql_with": {"fillfactor": 80}}


class LevelSums(Table):
    """What a level adds to the overview: see `db.overview.StockSums`; its goods that expire soon
    are worth `at_risk`. Products without a category have `NO_CATEGORY`."""

    __tablename__ = "level_sums"
    tenant_id: Mapped[UUID] = key()
    store_id: Mapped[UUID] = key()
    product_id: Mapped[UUID] = key()
    category_id: Mapped[UUID]
    value: Mapped[int]
    products: Mapped[int]
    low: Mapped[int]
    out: Mapped[int]
    at_risk: Mapped[int]
    __table_args__ = {"postgresql_with": {"fillfactor": 80}}


class CategorySums(Table):
    """The sums of all levels of a store and category."""

    __tablename__ = "category_sums"
    tenant_id: Mapped[UUID] = key()
    store_id: Mapped[UUID] = key()
    category_id: Mapped[UUID] = mapped_column(primary_key=True)
    value: Mapped[int]
    products: Mapped[int]
    low: Mapped[int]
    out: Mapped[int]
    at_risk: Mapped[int]
    __table_args__ = {"postgresql_with": {"fillfactor": 80}}


NO_CATEGORY = UUID(int=0)
"""The category of products without one, where it is part of a key."""
