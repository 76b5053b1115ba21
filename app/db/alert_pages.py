"""Pages of alerts, with what their fields show of other tables."""

from collections.abc import Collection, Sequence
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import Text, case, literal_column, select

from app.db.alert_facts import TENANT, AlertFacts, sold_of, with_facts
from app.db.core.paging import Span
from app.db.core.snapshot import AnySession
from app.db.core.statement import among
from app.db.tables import Alert, Product, Store

LOW = Alert.rule == literal_column("'LOW_STOCK'", Text())


class AlertFilter(NamedTuple):
    stores: Collection[UUID]
    rule: str | None = None
    state: str | None = None


class AlertDetails(NamedTuple):
    """What a page reads with its alerts: their stores, products and facts; and, only with these,
    what the last `sold_days` sold of the products that are low, unless it is None."""

    facts: bool
    sold_days: int | None


def _filtered(query: Any, filter: AlertFilter) -> Any:
    query = query.where(Alert.tenant_id == TENANT, among(Alert.store_id, filter.stores))
    if filter.rule is not None:
        query = query.where(Alert.rule == filter.rule)
    if filter.state is not None:
        query = query.where(Alert.state == filter.state)
    return query


async def alerts(
    session: AnySession, tenant: UUID, filter: AlertFilter, details: AlertDetails, span: Span
) -> Sequence[Alert]:
    """A page of alerts, the newest first."""
    query = span.query(_filtered(_detailed(details), filter), Alert.id, newest=True)
    return _with_details(await span.fetch(session, query, {"tenant": tenant}), details)


async def urgent_alerts(
    session: AnySession, tenant: UUID, filter: AlertFilter, details: AlertDetails, span: Span
) -> Sequence[Alert]:
    """A page of alerts, the most urgent first, and the nearest last day of sale among equals."""
    order = Alert.urgency, Alert.due_on, Alert.id
    query = span.query(_filtered(_detailed(details), filter), *order)
    return _with_details(await span.fetch(session, query, {"tenant": tenant}), details)


def _detailed(details: AlertDetails) -> Any:
    query = select(Alert)
    if details.facts:
        query = with_facts(query.add_columns(Store, Product))
    if details.sold_days is not None:
        query = query.add_columns(case((LOW, sold_of(Alert.__table__, details.sold_days))))
    return query


def _with_details(rows: Sequence[Any], details: AlertDetails) -> list[Alert]:
    """The alerts of these rows, each with its details in `joined`."""
    alerts: list[Alert] = []
    for alert, *others in rows:
        if details.facts:
            sold = {"sold": others.pop()} if details.sold_days is not None else {}
            store, product, *facts = others
            rows_of = {"store_id": store, "product_id": product}
            alert.joined = {**rows_of, "facts": AlertFacts(*facts), **sold}
        alerts.append(alert)
    return alerts


async def open_alerts(
    session: AnySession, tenant: UUID, stores: Collection[UUID], after: UUID | None, limit: int
) -> Sequence[Alert]:
    """A page of the alerts that are open in these stores, the oldest first."""
    query = _filtered(select(Alert), AlertFilter(stores, state="OPEN"))
    if after is not None:
        query = query.where(Alert.id > after)
    query = query.order_by(Alert.id).limit(limit)
    return (await session.scalars(query, {"tenant": tenant})).all()
