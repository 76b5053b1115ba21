"""Settings of alert rules, and up to where each store is judged."""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import ARRAY, CheckConstraint, Index, Integer
from sqlalchemy.orm import Mapped, mapped_column

from app.db.core.table import Table, key, made_at, to


class AlertSetting(Table):
    """How a rule judges the chain, a store, a category or a product; the most specific one wins.

    `days` are the stages of near expiry, or the window of slow movers; `fewer_than` is in whole
    product units, `hours` how long a document may wait. A null column takes its default.
    """

    __tablename__ = "alert_rules"
    tenant_id: Mapped[UUID] = key()
    id: Mapped[UUID] = key()
    rule: Mapped[str]
    store_id: Mapped[UUID | None]
    category_id: Mapped[UUID | None]
    product_id: Mapped[UUID | None]
    enabled: Mapped[bool]
    days: Mapped[list[int] | None] = mapped_column(ARRAY(Integer))
    fewer_than: Mapped[int | None] = mapped_column(Integer)
    hours: Mapped[int | None] = mapped_column(Integer)
    set_by: Mapped[UUID]
    set_at: Mapped[datetime] = made_at()
    __table_args__ = (
        to("stores", "store_id"),
        to("categories", "category_id"),
        to("products", "product_id"),
        CheckConstraint("category_id is null or product_id is null", name="subject"),
        Index(
            "uq_alert_rules_subject",
            "tenant_id",
            "rule",
            "store_id",
            "category_id",
            "product_id",
            unique=True,
            postgresql_nulls_not_distinct=True,
        ),
    )


class AlertWatch(Table):
    """The revision of a store's feed, and the store's day, up to which its alerts are judged."""

    __tablename__ = "alert_watches"
    tenant_id: Mapped[UUID] = key()
    store_id: Mapped[UUID] = key()
    revision: Mapped[int]
    day: Mapped[date]
    judged_at: Mapped[datetime]
    __table_args__ = (to("stores", "store_id"),)
