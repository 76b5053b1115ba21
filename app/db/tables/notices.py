"""Notifications: where they go, who is notified, and each delivery with its attempts."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, Integer, text
from sqlalchemy.orm import Mapped, mapped_column

from app.db.core.table import Table, key, made_at, to


class NotificationTarget(Table):
    """The apprise URL of a group robot or e-mail address, sealed. It belongs to one person, or to
    all who work in a store, or to the whole chain when `store_id` is null as well."""

    __tablename__ = "notification_targets"
    tenant_id: Mapped[UUID] = key()
    id: Mapped[UUID] = key()
    name: Mapped[str]
    service: Mapped[str]
    sealed_url: Mapped[bytes]
    staff_id: Mapped[UUID | None]
    store_id: Mapped[UUID | None]
    created_by: Mapped[UUID]
    created_at: Mapped[datetime] = made_at()
    ended_at: Mapped[datetime | None]
    __table_args__ = (to("staff", "staff_id"), to("stores", "store_id"))


class Webhook(Table):
    """An address that receives events, signed with the webhook's secret. After a rotation at
    `rotated_at` they are signed with the former secret as well, until that is ended."""

    __tablename__ = "webhooks"
    tenant_id: Mapped[UUID] = key()
    id: Mapped[UUID] = key()
    url: Mapped[str]
    events: Mapped[list[str]]
    sealed_secret: Mapped[bytes]
    former_secret: Mapped[bytes | None]
    rotated_at: Mapped[datetime | None]
    created_by: Mapped[UUID]
    created_at: Mapped[datetime] = made_at()
    ended_at: Mapped[datetime | None]


class WebhookCursor(Table):
    """The revision of a store up to which a webhook's deliveries are written."""

    __tablename__ = "webhook_cursors"
    tenant_id: Mapped[UUID] = key()
    webhook_id: Mapped[UUID] = key()
    store_id: Mapped[UUID] = key()
    revision: Mapped[int]
    replays: Mapped[int] = mapped_column(Integer, server_default="0")
    __table_args__ = (to("webhooks", "webhook_id"), to("stores", "store_id"))


class Recipients(Table):
    """The roles and people who are notified of a rule instead of the default roles: in one store or
    in all, and for one category with those below it or for all."""

    __tablename__ = "recipients"
    tenant_id: Mapped[UUID] = key()
    id: Mapped[UUID] = key()
    rule: Mapped[str]
    store_id: Mapped[UUID | None]
    category_id: Mapped[UUID | None]
    roles: Mapped[list[str]]
    staff_ids: Mapped[list[UUID]]
    set_by: Mapped[UUID]
    set_at: Mapped[datetime] = made_at()
    __table_args__ = (
        to("stores", "store_id"),
        to("categories", "category_id"),
        Index(
            "uq_recipients_subject",
            "tenant_id",
            "rule",
            "store_id",
            "category_id",
            unique=True,
            postgresql_nulls_not_distinct=True,
        ),
    )


class Escalation(Table):
    """After how many minutes an open alert of a rule goes to the next role, in a store or in all;
    never when `minutes` is null."""

    __tablename__ = "escalations"
    tenant_id: Mapped[UUID] = key()
    id: Mapped[UUID] = key()
    rule: Mapped[str]
    store_id: Mapped[UUID | None]
    minutes: Mapped[int | None] = mapped_column(Integer)
    set_by: Mapped[UUID]
    set_at: Mapped[datetime] = made_at()
    __table_args__ = (
        to("stores", "store_id"),
        CheckConstraint("minutes > 0", name="minutes"),
        Index(
            "uq_escalations_subject",
            "tenant_id",
            "rule",
            "store_id",
            unique=True,
            postgresql_nulls_not_distinct=True,
        ),
    )


class Delivery(Table):
    """A text as it goes to one recipient: a person, a target or a webhook.

    `occasion` is when the alert was raised: each later stage of an alert is delivered again.
    `revision` is the store's revision, for a delivery of its changes. `template` is the provider's
    id of the template that `body` fills. `parts` has the parts of the alert as JSON, from which
    another channel fills its own template. `sealed_link` is a link for the recipient alone, sent
    below the body. A delivery is SENT from `sent_at` until the provider reports its outcome.
    """

    __tablename__ = "deliveries"
    tenant_id: Mapped[UUID] = key()
    id: Mapped[UUID] = key()
    channel: Mapped[str]
    recipient_id: Mapped[UUID]
    event: Mapped[str]
    store_id: Mapped[UUID]
    alert_id: Mapped[UUID | None]
    occasion: Mapped[datetime | None]
    revision: Mapped[int | None]
    replay: Mapped[int] = mapped_column(Integer, server_default="0")
    body: Mapped[str]
    sealed_link: Mapped[bytes | None]
    template: Mapped[str | None]
    parts: Mapped[str | None]
    state: Mapped[str] = mapped_column(server_default="PENDING")
    attempts: Mapped[int] = mapped_column(Integer, server_default="0")
    next_at: Mapped[datetime]
    error: Mapped[str | None]
    receipt: Mapped[str | None]
    created_at: Mapped[datetime] = made_at()
    sent_at: Mapped[datetime | None]
    delivered_at: Mapped[datetime | None]
    __table_args__ = (
        to("stores", "store_id"),
        to("alerts", "alert_id"),
        CheckConstraint(
            "channel in ('IN_APP', 'MESSAGE', 'WEBHOOK', 'WECHAT', 'DOUYIN', 'SMS')",
            name="channel",
        ),
        CheckConstraint("state in ('PENDING', 'SENT', 'DELIVERED', 'DEAD')", name="state"),
        Index(
            "uq_deliveries_alert",
            "tenant_id",
            "alert_id",
            "occasion",
            "recipient_id",
            "channel",
            unique=True,
            postgresql_where=text("alert_id IS NOT NULL"),
        ),
        Index(
            "uq_deliveries_revision",
            "tenant_id",
            "recipient_id",
            "store_id",
            "revision",
            "replay",
            unique=True,
            postgresql_where=text("revision IS NOT NULL"),
        ),
        Index(
            "ix_deliveries_due", "tenant_id", "next_at", postgresql_where=text("state = 'PENDING'")
        ),
        Index(
            "ix_deliveries_sent", "tenant_id", "next_at", postgresql_where=text("state = 'SENT'")
        ),
        Index("ix_deliveries_recipient", "tenant_id", "recipient_id", "id"),
        Index("ix_deliveries_store", "tenant_id", "store_id", "id"),
    )
