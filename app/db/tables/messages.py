"""Messages of mini-programs and SMS: templates, where staff receive them, and their credits."""

from datetime import datetime
from uuid import UUID, uuid5

from sqlalchemy import CheckConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.db.core.table import Table, key, made_at, to


class MessageTemplate(Table):
    """The chain's template of alerts in a channel, by the provider's id, and the part of an alert
    that fills each of its fields."""

    __tablename__ = "message_templates"
    tenant_id: Mapped[UUID] = key()
    channel: Mapped[str] = mapped_column(primary_key=True)
    template: Mapped[str]
    page: Mapped[str | None]
    fields: Mapped[list[str]]
    parts: Mapped[list[str]]
    set_by: Mapped[UUID]
    set_at: Mapped[datetime] = made_at()
    __table_args__ = (
        CheckConstraint("channel in ('WECHAT', 'DOUYIN', 'SMS')", name="channel"),
        CheckConstraint("cardinality(fields) = cardinality(parts)", name="parts"),
    )


class StaffMiniApp(Table):
    """The identity of a member of staff in a mini-program; the openid is sealed for `seal_id`."""

    __tablename__ = "staff_mini_apps"
    tenant_id: Mapped[UUID] = key()
    staff_id: Mapped[UUID] = key()
    channel: Mapped[str] = mapped_column(primary_key=True)
    app_id: Mapped[str]
    sealed_openid: Mapped[bytes]
    bound_at: Mapped[datetime] = made_at()
    __table_args__ = (
        to("staff", "staff_id"),
        CheckConstraint("channel in ('WECHAT', 'DOUYIN')", name="channel"),
    )

    @property
    def seal_id(self) -> UUID:
        return uuid5(self.staff_id, self.channel)


class MessageCredit(Table):
    """How many messages of a template a member of staff has subscribed to and not received."""

    __tablename__ = "message_credits"
    tenant_id: Mapped[UUID] = key()
    staff_id: Mapped[UUID] = key()
    template: Mapped[str] = mapped_column(primary_key=True)
    credits: Mapped[int]
    __table_args__ = (
        to("staff", "staff_id"),
        CheckConstraint("credits >= 0", name="credits"),
    )


class SmsAccount(Table):
    """The chain's account at a provider of SMS; the secret is sealed for the tenant's id."""

    __tablename__ = "sms_accounts"
    tenant_id: Mapped[UUID] = key()
    provider: Mapped[str]
    key_id: Mapped[str]
    sealed_secret: Mapped[bytes]
    sign_name: Mapped[str]
    sdk_app_id: Mapped[str | None]
    set_by: Mapped[UUID]
    set_at: Mapped[datetime] = made_at()
    __table_args__ = (CheckConstraint("provider in ('ALIYUN', 'TENCENT')", name="provider"),)


class StaffPhone(Table):
    """The phone on which a member of staff receives SMS, sealed for their id."""

    __tablename__ = "staff_phones"
    tenant_id: Mapped[UUID] = key()
    staff_id: Mapped[UUID] = key()
    sealed_phone: Mapped[bytes]
    set_at: Mapped[datetime] = made_at()
    __table_args__ = (to("staff", "staff_id"),)
