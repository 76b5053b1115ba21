"""Alerts: raised with the movement that gave cause, read by stores, acknowledged once."""

from collections.abc import Collection, Iterable, Sequence
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    String,
    Uuid,
    and_,
    bindparam,
    func,
    literal_column,
    or_,
    select,
    update,
)
from sqlalchemy.dialects.postgresql import insert
from uuid_utils.compat import uuid7

from app.db.core.snapshot import AnySession
from app.db.core.statement import Statement, among, arrays, rows
from app.db.core.unit import Unit
from app.db.levels import bind_levels, level_keys
from app.db.reservations import CHANGE, MADE, ORDERS, RESERVED, THEIRS
from app.db.tables import Alert, Entry, Movement, Order

DISCREPANCY = "DISCREPANCY"
A, E = Alert.__table__.c, Entry.__table__.c
TENANT = bindparam("tenant", type_=Uuid())


class Shortfall(NamedTuple):
    """What was sold of a level beyond what it held, in base units."""

    store_id: UUID
    product_id: UUID
    quantity: int
    scale: int
    movement_id: UUID


def _raising() -> Statement:
    names = ["id", *Shortfall._fields]
    lacked = rows("lacked", *(A[name] for name in names))
    rule = literal_column(f"'{DISCREPANCY}'", String())
    put = insert(Alert).from_select(
        ["tenant_id", "rule", *names], select(TENANT, rule, *(lacked.c[name] for name in names))
    )
    return Statement(
        put.on_conflict_do_update(
            index_elements=["tenant_id", "store_id", "product_id", "rule"],
            index_where=A.state == literal_column("'OPEN'"),
            set_={
                "quantity": A.quantity + put.excluded.quantity,
                "movement_id": put.excluded.movement_id,
            },
        ).returning(A.id, A.store_id, A.product_id, A.quantity)
    )


def _holding() -> Statement:
    keys = level_keys()
    held = func.sum(CHANGE)
    return Statement(
        select(ORDERS.store_id, E.product_id, ORDERS.id, held)
        .join_from(Order.__table__, Movement.__table__, MADE)
        .join(Entry.__table__, THEIRS)
        .join(keys, and_(keys.c.store_id == ORDERS.store_id, keys.c.product_id == E.product_id))
        .where(ORDERS.tenant_id == TENANT, RESERVED)
        .where(or_(ORDERS.state == "HELD", ORDERS.state == "PAID"))
        .group_by(ORDERS.store_id, E.product_id, ORDERS.id, ORDERS.state)
        .having(held > literal_column("0"))
        # Unpaid orders are named before paid ones, the latest first.
        .order_by(ORDERS.state, ORDERS.id.desc())
    )


def _naming() -> Statement:
    named = (
        update(Alert)
        .where(A.tenant_id == TENANT, A.id == bindparam("alert", type_=Uuid()))
        .values(order_ids=bindparam("orders", type_=ARRAY(Uuid())))
    )
    return Statement(named)


RAISE, HOLDING, NAME = _raising(), _holding(), _naming()


async def raise_discrepancies(unit: Unit, shortfalls: Iterable[Shortfall]) -> None:
    """Opens an alert for each level, or adds to the open one; names the orders at risk."""
    lacked = [(uuid7(), *each) for each in sorted(shortfalls)]
    parameters = arrays("lacked", ["id", *Shortfall._fields], lacked)
    raised = await RAISE.fetch(unit.raw, tenant=unit.tenant, **parameters)
    pairs = {(store, product) for _, store, product, _ in raised}
    held = await HOLDING.fetch(unit.raw, tenant=unit.tenant, **bind_levels(pairs))
    for alert, store, product, quantity in raised:
        risked: list[UUID] = []
        missing = quantity
        for where, what, order, reserved in held:
            if (where, what) == (store, product) and missing > 0:
                risked.append(order)
                missing -= reserved
        await NAME.fetch(unit.raw, tenant=unit.tenant, alert=alert, orders=risked)
        unit.document_changed(store, alert)


async def alerts_by_id(session: AnySession, tenant: UUID, ids: Collection[UUID]) -> Sequence[Alert]:
    query = select(Alert).where(Alert.tenant_id == tenant, among(Alert.id, ids))
    return (await session.scalars(query)).all()


async def locked_alert(unit: Unit, id: UUID) -> Alert | None:
    query = select(Alert).where(Alert.tenant_id == unit.tenant, Alert.id == id)
    return await unit.session.scalar(query.with_for_update())


class AlertFilter(NamedTuple):
    stores: Collection[UUID]
    rule: str | None = None
    state: str | None = None


async def alerts(
    session: AnySession, tenant: UUID, filter: AlertFilter, after: UUID | None, limit: int
) -> Sequence[Alert]:
    """A page of alerts, the newest first."""
    query = select(Alert).where(Alert.tenant_id == tenant, among(Alert.store_id, filter.stores))
    if filter.rule is not None:
        query = query.where(Alert.rule == filter.rule)
    if filter.state is not None:
        query = query.where(Alert.state == filter.state)
    if after is not None:
        query = query.where(Alert.id < after)
    return (await session.scalars(query.order_by(Alert.id.desc()).limit(limit))).all()


async def open_alerts(
    session: AnySession, tenant: UUID, stores: Collection[UUID], after: UUID | None, limit: int
) -> Sequence[Alert]:
    """A page of the alerts that are open in these stores, the oldest first."""
    query = select(Alert).where(
        Alert.tenant_id == tenant, among(Alert.store_id, stores), Alert.state == "OPEN"
    )
    if after is not None:
        query = query.where(Alert.id > after)
    return (await session.scalars(query.order_by(Alert.id).limit(limit))).all()
