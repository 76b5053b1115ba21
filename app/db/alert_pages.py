"""Pages of alerts, with what their fields show of other tables."""

from collections.abc import Collection, Sequence
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import Text, case, literal_column, select

from app.db.alert_facts import TENANT, AlertFacts, sold_of, with_facts
from app.db.core.paging import Span
from app.db.core.snapshot import AnySession, with_one_plan
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
    query = _page(filter, details, span, Alert.id, newest=True)
    return await _fetched(session, tenant, query, details, span)


async def urgent_alerts(
    session: AnySession, tenant: UUID, filter: AlertFilter, details: AlertDetails, span: Span
) -> Sequence[Alert]:
    """A page of alerts, the most urgent first, and the nearest last day of sale among equals."""
    query = _page(filter, details, span, Alert.urgency, Alert.due_on, Alert.id)
    return await _fetched(session, tenant, query, details, span)


def _page(
    filter: AlertFilter, details: AlertDetails, span: Span, *order: Any, newest: bool = False
) -> Any:
    if not details.facts:
        return span.query(_filtered(select(Alert), filter), *order, newest=newest)
    # Only the rows of the page are joined with what they show.
    ids = span.query(_filtered(select(Alert.id), filter), *order, newest=newest).subquery("page")
    joined = select(Alert, Store, Product).select_from(ids).join(Alert, ids.c.id == Alert.id)
    query = with_facts(joined).where(Alert.tenant_id == TENANT)
    if details.sold_days is not None:
        query = query.add_columns(case((LOW, sold_of(Alert.__table__, details.sold_days))))
    return span.in_order(query, *order, newest=newest)


async def _fetched(
    session: AnySession, tenant: UUID, query: Any, details: AlertDetails, span: Span
) -> list[Alert]:
    if details.facts:
        # Planning so many joins takes longer than running them.
        session = with_one_plan(session)
    return _with_details(await span.fetch(session, query, {"tenant": tenant}), details)


def _with_details(rows: Sequence[Any], details: AlertDetails) -> list[Alert]:
    """The alerts of these rows, each with its details in `joined`."""
    alerts: list[Alert] = []
    for alert, *others in rows:
        if details.facts:
            sold = {"sold_lately": others.pop()} if details.sold_days is not None else {}
            store, product, *facts = others
            rows_of = {"store_id": store, "product_id": product}
            alert.joined = {**rows_of, "alert_facts": AlertFacts(*facts), **sold}
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
