"""Tenants, stores, staff, sessions and API keys."""

from datetime import date, datetime, time
from uuid import UUID

from sqlalchemy import (
    CheckConstraint,
    Index,
    Integer,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from app.db.core.table import Table, key, made_at, to


class Tenant(Table):
    __tablename__ = "tenants"
    tenant_id: Mapped[UUID] = key()
    code: Mapped[str]
    name: Mapped[str]
    backdate_days: Mapped[int] = mapped_column(Integer, server_default="30")
    created_at: Mapped[datetime] = made_at()
    __table_args__ = (CheckConstraint("backdate_days between 1 and 3650", name="backdate_days"),)


class Direction(Table):
    """The tenant and subject of a name that is known before the tenant: the public code of a chain
    or of a store, or the id of a channel's shop."""

    __tablename__ = "directory"
    kind: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(primary_key=True)
    tenant_id: Mapped[UUID]
    subject_id: Mapped[UUID]
    __table_args__ = (CheckConstraint("kind in ('login', 'store', 'shop', 'tenant')", name="kind"),)


class Login(Table):
    """The login of an account, as it is compared; a sign-in reads it before it knows the tenant."""

    __tablename__ = "logins"
    tenant_id: Mapped[UUID] = key()
    login: Mapped[str] = mapped_column(primary_key=True)
    staff_id: Mapped[UUID]
    __table_args__ = (Index("ix_logins_login", "login", "staff_id"),)


class Store(Table):
    __tablename__ = "stores"
    tenant_id: Mapped[UUID] = key()
    id: Mapped[UUID] = key()
    code: Mapped[str]
    name: Mapped[str]
    timezone: Mapped[str] = mapped_column(server_default="Asia/Shanghai")
    few_threshold: Mapped[int] = mapped_column(Integer, server_default="5")
    hold_minutes: Mapped[int] = mapped_column(Integer, server_default="15")
    lead_days: Mapped[int] = mapped_column(Integer, server_default="2")
    guest_share: Mapped[int] = mapped_column(Integer, server_default="50")
    scale_labels: Mapped[list[str]] = mapped_column(server_default=text("'{}'"))
    zones: Mapped[list[str]] = mapped_column(server_default=text("'{}'"))
    quiet_from: Mapped[time | None]
    quiet_until: Mapped[time | None]
    digest_hour: Mapped[int | None] = mapped_column(Integer)
    digest_on: Mapped[date | None]
    created_at: Mapped[datetime] = made_at()
    __table_args__ = (
        UniqueConstraint("tenant_id", "code"),
        CheckConstraint("digest_hour between 0 and 23", name="digest_hour"),
        CheckConstraint("guest_share between 0 and 100", name="guest_share"),
    )


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
        # A removed account frees its login: the person may be invited again, as a new account.
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
    """One sign-in, of a member of staff or of a customer. Its refresh token rotates; a token used
    twice ends the session.

    `previous_hash` is of the token before, which stays valid for a moment after `rotated_at`.
    """

    __tablename__ = "sessions"
    tenant_id: Mapped[UUID] = key()
    id: Mapped[UUID] = key()
    staff_id: Mapped[UUID | None]
    customer_id: Mapped[UUID | None]
    token_hash: Mapped[bytes]
    previous_hash: Mapped[bytes | None]
    rotated_at: Mapped[datetime | None]
    device_name: Mapped[str | None]
    expires_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    created_at: Mapped[datetime] = made_at()
    __table_args__ = (
        to("staff", "staff_id"),
        to("customers", "customer_id"),
        CheckConstraint("num_nonnulls(staff_id, customer_id) = 1", name="account"),
        Index("ix_sessions_staff", "tenant_id", "staff_id"),
        Index(
            "ix_sessions_customer",
            "tenant_id",
            "customer_id",
            postgresql_where=text("customer_id is not null"),
        ),
    )

    @property
    def account(self) -> UUID:
        """The id of the member of staff or of the customer."""
        account = self.staff_id or self.customer_id
        assert account is not None, "each session has one of the two"
        return account

    @property
    def last_used_at(self) -> datetime:
        """The latest refresh; a client in use refreshes every 15 minutes."""
        return self.rotated_at or self.created_at


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
