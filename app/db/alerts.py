"""Alerts: raised in the transaction of the movement behind them, read by store, acknowledged
once."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    Integer,
    String,
    Text,
    Uuid,
    and_,
    bindparam,
    case,
    column,
    func,
    literal_column,
    null,
    or_,
    select,
    true,
    update,
)
from sqlalchemy.dialects.postgresql import insert
from uuid_utils.compat import uuid7

from app.db.core.snapshot import AnySession
from app.db.core.statement import Statement, among, arrays, rows
from app.db.core.unit import Unit
from app.db.levels import Pair, bind_levels, level_keys
from app.db.reservations import CHANGE, OF_ORDER, ORDERS, RESERVED, THEIRS
from app.db.tables import Alert, AlertSetting, Category, Entry, Movement, Order, Product

DISCREPANCY = "DISCREPANCY"
SUBJECT = ["tenant_id", "store_id", "rule", "subject_id"]
A, E, M, P, S = (t.__table__.c for t in (Alert, Entry, Movement, Product, AlertSetting))
ZERO, ONE = (literal_column(digit, Integer()) for digit in "01")
TENANT = bindparam("tenant", type_=Uuid())


class Shortfall(NamedTuple):
    """The quantity sold beyond what the level held, in base units."""

    store_id: UUID
    product_id: UUID
    quantity: int
    scale: int
    movement_id: UUID


class Crossing(NamedTuple):
    """A level that crossed the threshold of a rule; `step` is a name of `thresholds.Step`.

    `quantity` is what is on the shelf now, and `threshold` the reorder point, in base units.
    """

    store_id: UUID
    product_id: UUID
    rule: str
    step: str
    quantity: int
    scale: int
    threshold: int
    movement_id: UUID | None


def _raising() -> Statement:
    names = ["id", *Shortfall._fields]
    missing = rows("lacked", *(A[name] for name in names))
    rule = literal_column(f"'{DISCREPANCY}'", String())
    put = insert(Alert).from_select(
        ["tenant_id", "rule", *names],
        select(TENANT, rule, *(missing.c[name] for name in names))
        .join_from(missing, Product, and_(P.tenant_id == TENANT, P.id == missing.c.product_id))
        .where(func.coalesce(_enabled(rule, missing), true())),
    )
    return Statement(
        put.on_conflict_do_update(
            index_elements=SUBJECT,
            index_where=~A.closed,
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
        .join_from(Order.__table__, Movement.__table__, OF_ORDER)
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


def _crossed() -> Any:
    step = column("step", Text())
    columns = (step if name == "step" else A[name] for name in Crossing._fields)
    return rows("crossed", A.id, *columns)


def _recovering() -> Statement:
    c = _crossed().c
    risen = (
        update(Alert)
        .where(A.tenant_id == TENANT, A.store_id == c.store_id, A.rule == c.rule, ~A.closed)
        .where(A.subject_id == c.product_id)
        .where((c.step == _text("CLOSE")) | (A.state != _text("RESOLVED")))
        .values(
            state=_text("RESOLVED"),
            resolved_at=func.coalesce(A.resolved_at, func.now()),
            closed=c.step == _text("CLOSE"),
        )
    )
    return Statement(risen.returning(A.store_id, A.id))


def _falling() -> Statement:
    crossed = _crossed()
    c = crossed.c
    columns = [name for name in Crossing._fields if name != "step"]
    # An archived product is not reordered.
    sold = (P.tenant_id == TENANT) & (P.id == c.product_id) & P.archived_at.is_(None)
    put = insert(Alert).from_select(
        ["tenant_id", "id", *columns],
        select(TENANT, c.id, *(c[name] for name in columns))
        .join_from(crossed, Product, sold)
        .where(func.coalesce(_enabled(c.rule, crossed), true())),
    )
    seen = case((A.acknowledged_at.is_(None), _text("OPEN")), else_=_text("ACKNOWLEDGED"))
    fallen = put.on_conflict_do_update(
        index_elements=SUBJECT,
        index_where=~A.closed,
        set_={
            "state": seen,
            "resolved_at": null(),
            "resolved_by": null(),
            "quantity": put.excluded.quantity,
            "threshold": put.excluded.threshold,
            "movement_id": put.excluded.movement_id,
        },
        where=A.state == _text("RESOLVED"),
    )
    return Statement(fallen.returning(A.store_id, A.id))


def _covered() -> Any:
    """SQL: the categories that have settings, each with itself and all categories below it."""
    own = Category.tenant_id == TENANT
    named = (
        select(S.category_id.label("named"), S.category_id.label("id"), ZERO.label("steps"))
        .where(S.tenant_id == TENANT, S.category_id.is_not(None))
        .distinct()
        .cte("covered", recursive=True)
    )
    return named.union_all(
        select(named.c.named, Category.id, named.c.steps + ONE).where(
            own, Category.parent_id == named.c.id
        )
    )


def _enabled(rule: Any, levels: Any) -> Any:
    """SQL: whether the most specific setting of the rule for a level is switched on; null without
    one. The level's product is joined.

    A setting of a category applies to the categories below it; the nearest one wins.
    """
    covered = _covered()
    covers = and_(covered.c.named == S.category_id, covered.c.id == P.category_id)
    return (
        select(S.enabled)
        .outerjoin(covered, covers)
        .where(S.tenant_id == TENANT, S.rule == rule)
        .where(or_(S.store_id.is_(None), S.store_id == levels.c.store_id))
        .where(or_(S.product_id.is_(None), S.product_id == levels.c.product_id))
        .where(or_(S.category_id.is_(None), covered.c.id.is_not(None)))
        .order_by(S.product_id.is_(None), S.category_id.is_(None), covered.c.steps)
        .order_by(S.store_id.is_(None))
        .limit(literal_column("1"))
        .scalar_subquery()
    )


def _text(value: str) -> Any:
    return literal_column(f"'{value}'", Text())


ADD, HOLDING, NAME = _raising(), _holding(), _naming()
RECOVER, FALL = _recovering(), _falling()


async def judge(unit: Unit, crossed: Iterable[Crossing]) -> None:
    """Opens, resolves or closes the alerts of these crossings, whose levels the unit has locked.

    An alert that is not closed yet is opened again instead of a second one being opened (I11).
    """
    steps = sorted(crossed, key=lambda each: each[:3])
    fallen = [each for each in steps if each.step == "RAISE"]
    risen = [each for each in steps if each.step != "RAISE"]
    # A statement for both would read all open alerts for a batch in which none recovers.
    for statement, judged in ((RECOVER, risen), (FALL, fallen)):
        if judged:
            given = [(uuid7(), *each) for each in judged]
            parameters = arrays("crossed", ["id", *Crossing._fields], given)
            for store, alert in await statement.fetch(unit.raw, tenant=unit.tenant, **parameters):
                unit.document_changed(store, alert)


async def raise_discrepancies(unit: Unit, shortfalls: Iterable[Shortfall]) -> None:
    """Opens an alert for each level, or adds to the open one, with the orders at risk; none where
    the rule is switched off."""
    added = [(uuid7(), *each) for each in sorted(shortfalls)]
    parameters = arrays("lacked", ["id", *Shortfall._fields], added)
    raised = await ADD.fetch(unit.raw, tenant=unit.tenant, **parameters)
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


async def resolve_discrepancies(unit: Unit, store: UUID, counted: Mapping[UUID, datetime]) -> None:
    """Closes the discrepancies of these products whose last sale was before the product was
    counted."""
    moments = rows("counted", A.product_id, A.raised_at)
    query = (
        update(Alert)
        .where(A.tenant_id == TENANT, A.store_id == bindparam("store", type_=Uuid()))
        .where(A.rule == literal_column(f"'{DISCREPANCY}'", String()))
        .where(A.closed.is_(False), A.product_id == moments.c.product_id)
        .where(M.tenant_id == A.tenant_id, M.id == A.movement_id)
        .where(M.recorded_at <= moments.c.raised_at)
        .values(
            state="RESOLVED", resolved_at=func.coalesce(A.resolved_at, func.now()), closed=true()
        )
        .returning(A.id)
        .execution_options(synchronize_session=False)
    )
    given = arrays("counted", ["product_id", "raised_at"], list(counted.items()))
    resolved = await unit.session.scalars(query, {"tenant": unit.tenant, "store": store, **given})
    for alert in resolved:
        unit.document_changed(store, alert)


async def alerts_by_id(session: AnySession, tenant: UUID, ids: Collection[UUID]) -> Sequence[Alert]:
    query = select(Alert).where(Alert.tenant_id == tenant, among(Alert.id, ids))
    return (await session.scalars(query)).all()


async def locked_alert(unit: Unit, id: UUID) -> Alert | None:
    query = select(Alert).where(Alert.tenant_id == unit.tenant, Alert.id == id)
    return await unit.session.scalar(query.with_for_update())


async def alert_counts(
    session: AnySession, tenant: UUID, stores: Collection[UUID]
) -> dict[str, tuple[int, int]]:
    """Open and acknowledged alerts of these stores by rule."""
    counts = [func.count().filter(Alert.state == state) for state in ("OPEN", "ACKNOWLEDGED")]
    query = (
        select(Alert.rule, *counts)
        .where(Alert.tenant_id == tenant, among(Alert.store_id, stores))
        .where(Alert.state != "RESOLVED")
        .group_by(Alert.rule)
    )
    rows: Any = await session.execute(query)
    return {rule: (opened, seen) for rule, opened, seen in rows}


async def alerts_of_levels(
    session: AnySession, tenant: UUID, pairs: Collection[Pair]
) -> Sequence[Alert]:
    """Unresolved alerts about these products in these stores, the most urgent first."""
    keys = level_keys()
    theirs = and_(Alert.store_id == keys.c.store_id, Alert.product_id == keys.c.product_id)
    query = select(Alert).join(keys, theirs).where(Alert.tenant_id == tenant)
    query = query.where(Alert.state != "RESOLVED").order_by(Alert.urgency, Alert.id)
    return (await session.scalars(query, bind_levels(pairs))).all()


async def alerts_of_batches(
    session: AnySession, tenant: UUID, batches: Collection[tuple[UUID, UUID, UUID]]
) -> Sequence[Alert]:
    """Unresolved alerts about these batches: (store, product, batch)."""
    alerts = await alerts_of_levels(session, tenant, {each[:2] for each in batches})
    return [alert for alert in alerts if alert.batch_id is not None]
