"""Customers with an account, and the mini-programs they sign in with."""

from datetime import datetime
from uuid import UUID, uuid5

from sqlalchemy import CheckConstraint, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from app.db.core.table import Table, key, made_at


class MiniApp(Table):
    """A chain's mini-program in a channel; its secret is sealed for `seal_id`, and the key
    that opens Douyin's phone numbers for `phone_key_id`."""

    __tablename__ = "mini_apps"
    tenant_id: Mapped[UUID] = key()
    channel: Mapped[str] = mapped_column(primary_key=True)
    app_id: Mapped[str]
    sealed_secret: Mapped[bytes]
    sealed_phone_key: Mapped[bytes | None]
    set_by: Mapped[UUID]
    set_at: Mapped[datetime] = made_at()
    __table_args__ = (CheckConstraint("channel in ('WECHAT', 'DOUYIN')", name="channel"),)

    @property
    def seal_id(self) -> UUID:
        return uuid5(self.tenant_id, self.channel)

    @property
    def phone_key_id(self) -> UUID:
        return uuid5(self.tenant_id, f"{self.channel} phone key")


class Customer(Table):
    """A customer who signed in with a mini-program. Identity and phone are sealed, and null once
    they are erased; they are found by their blind indexes."""

    __tablename__ = "customers"
    tenant_id: Mapped[UUID] = key()
    id: Mapped[UUID] = key()
    channel: Mapped[str]
    sealed_identity: Mapped[bytes | None]
    identity_index: Mapped[bytes | None]
    sealed_phone: Mapped[bytes | None]
    phone_index: Mapped[bytes | None]
    created_at: Mapped[datetime] = made_at()
    erased_at: Mapped[datetime | None]
    __table_args__ = (
        CheckConstraint("channel in ('WECHAT', 'DOUYIN')", name="channel"),
        CheckConstraint("(erased_at is null) = (identity_index is not null)", name="erased_at"),
        Index(
            "uq_customers_identity",
            "tenant_id",
            "identity_index",
            unique=True,
            postgresql_where=text("identity_index is not null"),
        ),
        Index(
            "ix_customers_phone",
            "tenant_id",
            "phone_index",
            postgresql_where=text("phone_index is not null"),
        ),
    )
