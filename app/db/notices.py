"""Notifications: alerts to notify of, recipients, targets, webhooks and deliveries."""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import and_, case, cast, func, or_, select, update
from sqlalchemy.dialects.postgresql import insert

from app.db.categories import upwards
from app.db.core.paging import Span
from app.db.core.snapshot import AnySession
from app.db.core.statement import among
from app.db.core.unit import Unit
from app.db.tables import (
    Alert,
    ApiKey,
    Delivery,
    Feed,
    NotificationTarget,
    Product,
    Recipients,
    Staff,
    StaffStore,
    Webhook,
    WebhookCursor,
)
from app.domain.rules.recipients import Choice, Person

MOST_ALERTS = 200
LEASE = timedelta(seconds=60)
"""How long a process has a delivery to itself while it sends it."""
REPORTED = timedelta(days=2)


async def unnotified(unit: Unit) -> Sequence[Alert]:
    """Open alerts of which no one was notified since they were raised; locked."""
    query = (
        select(Alert)
        .where(Alert.tenant_id == unit.tenant, Alert.state == "OPEN")
        .where(or_(Alert.notified_at.is_(None), Alert.notified_at < Alert.raised_at))
        .where(or_(Alert.snoozed_until.is_(None), Alert.snoozed_until <= unit.now))
        .order_by(Alert.id)
        .limit(MOST_ALERTS)
        .with_for_update(skip_locked=True)
    )
    return (await unit.session.scalars(query)).all()


async def out_of_stock(unit: Unit, products: Collection[UUID]) -> set[tuple[UUID, UUID | None]]:
    """The stores in which these products have an alert that they are out of stock, which is not
    resolved; each with the product."""
    query = select(Alert.store_id, Alert.product_id).where(
        Alert.tenant_id == unit.tenant,
        Alert.rule == "OUT_OF_STOCK",
        Alert.state != "RESOLVED",
        ~Alert.closed,
        among(Alert.product_id, products),
    )
    return {(store, product) for store, product in await unit.session.execute(query)}


async def people_of(session: AnySession, tenant: UUID, store: UUID) -> list[tuple[Person, str]]:
    """The chain's staff with their names, and whether each works in the store or in all."""
    works = (
        select(StaffStore.store_id)
        .where(StaffStore.tenant_id == Staff.tenant_id, StaffStore.staff_id == Staff.id)
        .where(StaffStore.store_id == store)
        .exists()
    )
    here = or_(works, Staff.role.in_(("PURCHASER", "OWNER")))
    query = (
        select(Staff.id, Staff.role, here, Staff.name)
        .where(Staff.tenant_id == tenant, Staff.removed_at.is_(None))
        .order_by(Staff.id)
    )
    rows: Any = await session.execute(query)
    return [(Person(*row[:3]), row[3]) for row in rows]


async def choice_of(
    session: AnySession, tenant: UUID, rule: str, store: UUID, category: UUID | None = None
) -> Choice | None:
    """The recipients set for a rule. A choice for the category, or the nearest one above it, comes
    before one for all categories; a choice for the store before one for all stores."""
    R, above = Recipients, upwards(tenant, category)
    query = (
        select(R)
        .outerjoin(above, above.c.id == R.category_id)
        .where(R.tenant_id == tenant, R.rule == rule)
        .where(or_(R.store_id.is_(None), R.store_id == store))
        .where(or_(R.category_id.is_(None), above.c.id.is_not(None)))
        .order_by(above.c.steps.nulls_last(), R.store_id.is_(None))
        .limit(1)
    )
    row = (await session.scalars(query)).first()
    return None if row is None else Choice(tuple(row.roles), tuple(row.staff_ids))


async def put_recipients(
    unit: Unit,
    id: UUID,
    actor: UUID,
    rule: str,
    store: UUID | None,
    category: UUID | None,
    choice: Choice,
) -> None:
    """Set who is notified of a rule, in a store or in all, for a category or for all."""
    values: dict[str, Any] = {
        "roles": list(choice.roles),
        "staff_ids": list(choice.people),
        "set_by": actor,
        "set_at": unit.now,
    }
    new = insert(Recipients).values(
        tenant_id=unit.tenant, id=id, rule=rule, store_id=store, category_id=category, **values
    )
    keys = ["tenant_id", "rule", "store_id", "category_id"]
    await unit.session.execute(new.on_conflict_do_update(index_elements=keys, set_=values))


async def categories_of(
    session: AnySession, tenant: UUID, products: Collection[UUID]
) -> dict[UUID | None, UUID | None]:
    """The categories of these products."""
    query = select(Product.id, Product.category_id).where(Product.tenant_id == tenant)
    rows: Any = await session.execute(query.where(among(Product.id, products)))
    return {row[0]: row[1] for row in rows}


async def people_reached(
    session: AnySession, tenant: UUID, alert: UUID, occasion: datetime
) -> set[UUID]:
    """The members of staff to whom this alert was delivered in the application since it was
    raised."""
    D = Delivery
    mine = and_(D.tenant_id == tenant, D.alert_id == alert, D.occasion == occasion)
    query = select(D.recipient_id).where(mine, D.channel == "IN_APP")
    return set((await session.scalars(query)).all())


async def targets(
    session: AnySession, tenant: UUID, stores: Collection[UUID] | None = None
) -> Sequence[NotificationTarget]:
    """Targets that are not ended; with `stores` those of these stores and of the whole chain."""
    T = NotificationTarget
    query = select(T).where(T.tenant_id == tenant, T.ended_at.is_(None)).order_by(T.id)
    if stores is not None:
        query = query.where(or_(T.store_id.is_(None), among(T.store_id, stores)))
    return (await session.scalars(query)).all()


async def webhooks(session: AnySession, tenant: UUID) -> Sequence[Webhook]:
    """Webhooks that are not ended."""
    query = select(Webhook).where(Webhook.tenant_id == tenant, Webhook.ended_at.is_(None))
    return (await session.scalars(query.order_by(Webhook.id))).all()


async def api_keys(session: AnySession, tenant: UUID, ids: Collection[UUID]) -> dict[UUID, ApiKey]:
    """Those of these ids that are API keys, revoked ones too."""
    query = select(ApiKey).where(ApiKey.tenant_id == tenant, among(ApiKey.id, ids))
    return {key.id: key for key in await session.scalars(query)}


async def locked(unit: Unit, table: Any, id: UUID) -> Any:
    """A target, webhook or delivery, locked; None for an unknown id."""
    query = select(table).where(table.tenant_id == unit.tenant, table.id == id)
    return await unit.session.scalar(query.with_for_update())


def send_again(unit: Unit, delivery: Delivery) -> None:
    """Make a locked delivery due now, as if it had not been tried."""
    delivery.state, delivery.attempts, delivery.next_at = "PENDING", 0, unit.now


async def add_deliveries(unit: Unit, deliveries: Sequence[dict[str, Any]]) -> None:
    """Write deliveries; one that exists already for its occasion and recipient is left as it is."""
    if deliveries:
        await unit.session.execute(insert(Delivery).on_conflict_do_nothing(), deliveries)


async def is_due(session: AnySession, tenant: UUID) -> bool:
    """Whether an alert waits for its notification, or a delivery for its next attempt."""
    D, A = Delivery, Alert
    due = select(D.id).where(D.tenant_id == tenant, _is_due())
    waits = select(A.id).where(
        A.tenant_id == tenant,
        A.state == "OPEN",
        or_(A.notified_at.is_(None), A.notified_at < A.raised_at),
    )
    hooks = select(Webhook.id).where(Webhook.tenant_id == tenant, Webhook.ended_at.is_(None))
    query = select(or_(due.exists(), waits.exists(), hooks.exists()))
    return bool((await session.scalars(query)).one())


async def take_due(unit: Unit, limit: int) -> Sequence[Delivery]:
    """Deliveries whose time has come, leased to this process; the oldest first."""
    D = Delivery
    due = (
        select(D.id)
        .where(D.tenant_id == unit.tenant, _is_due())
        .order_by(D.next_at)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    taken = (
        update(D)
        .where(D.tenant_id == unit.tenant, D.id.in_(due))
        .values(
            next_at=func.now() + LEASE,
            attempts=case((D.state == "PENDING", D.attempts + 1), else_=D.attempts),
        )
        .returning(D)
    )
    return (await unit.session.scalars(taken)).all()


def _is_due() -> Any:
    """Whether a delivery must be sent now, or its provider asked for a report, which it keeps for
    days."""
    D = Delivery
    recent = and_(D.state == "SENT", D.sent_at > func.now() - REPORTED)
    return and_(or_(D.state == "PENDING", recent), D.next_at <= func.now())


async def end_attempt(unit: Unit, id: UUID, **outcome: Any) -> bool:
    """Record the outcome of an attempt: state, error, receipt, next_at. False if the delivery has
    ended already."""
    D = Delivery
    query = update(D).where(D.tenant_id == unit.tenant, D.id == id)
    query = query.where(D.state.in_(("PENDING", "SENT")))
    ended = await unit.session.scalar(query.values(**outcome).returning(D.id))
    return ended is not None


async def begin_cursors(unit: Unit, webhook: UUID) -> None:
    """Add the missing cursors of a webhook at the present revisions: a new webhook, or a webhook of
    a new store, receives the changes from now on."""
    hook = cast(webhook, Feed.store_id.type)
    now = select(Feed.tenant_id, hook, Feed.store_id, Feed.revision)
    names = ["tenant_id", "webhook_id", "store_id", "revision"]
    new = insert(WebhookCursor).from_select(names, now.where(Feed.tenant_id == unit.tenant))
    await unit.session.execute(new.on_conflict_do_nothing())


class Cursor(NamedTuple):
    """The revision of a store up to which a webhook's deliveries are written, and how often it was
    moved back to an earlier one."""

    store: UUID
    revision: int
    replays: int


async def behind(unit: Unit, webhook: UUID) -> list[Cursor]:
    """Cursors of stores that changed since the webhook's last delivery of them, which has ended."""
    C, D = WebhookCursor, Delivery
    waits = (
        select(D.id)
        .where(D.tenant_id == C.tenant_id, D.recipient_id == C.webhook_id)
        .where(D.store_id == C.store_id, D.state == "PENDING", D.revision.is_not(None))
        .exists()
    )
    query = (
        select(C.store_id, C.revision, C.replays)
        .join(Feed, and_(Feed.tenant_id == C.tenant_id, Feed.store_id == C.store_id))
        .where(C.tenant_id == unit.tenant, C.webhook_id == webhook, C.revision < Feed.revision)
        .where(~waits)
    )
    rows: Any = await unit.session.execute(query)
    return [Cursor(*row) for row in rows]


async def move_cursor(unit: Unit, webhook: UUID, cursor: Cursor, revision: int) -> bool:
    """Set the revision up to which the webhook's deliveries are written; False if the cursor was
    moved meanwhile."""
    C = WebhookCursor
    mine = and_(C.tenant_id == unit.tenant, C.webhook_id == webhook, C.store_id == cursor.store)
    same = and_(C.revision == cursor.revision, C.replays == cursor.replays)
    query = update(C).where(mine, same).values(revision=revision).returning(C.store_id)
    return await unit.session.scalar(query) is not None


async def deliveries(
    session: AnySession,
    tenant: UUID,
    stores: Collection[UUID],
    state: str | None,
    span: Span,
) -> Sequence[Delivery]:
    """A page of deliveries about these stores, the newest first."""
    D = Delivery
    query = select(D).where(D.tenant_id == tenant, among(D.store_id, stores))
    if state is not None:
        query = query.where(D.state == state)
    return await span.scalars(session, query, D.id, newest=True)


async def deliveries_of(
    session: AnySession, tenant: UUID, alerts: Collection[UUID]
) -> Sequence[Delivery]:
    """Deliveries of these alerts, the oldest first."""
    D = Delivery
    query = select(D).where(D.tenant_id == tenant, among(D.alert_id, alerts)).order_by(D.id)
    return (await session.scalars(query)).all()
