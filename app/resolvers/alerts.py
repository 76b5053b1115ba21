"""Roots of the alerts topic."""

from datetime import date
from typing import Annotated
from uuid import UUID

import strawberry
from strawberry.types import Info

from app.db import alert_pages
from app.db import alerts as rows
from app.db.alert_pages import AlertDetails, AlertFilter
from app.db.tables import Alert
from app.domain import access, alerts
from app.domain.access import Can
from app.domain.rules.replenishment import PERIOD_DAYS
from app.resolvers.pages import newest, reading
from app.resolvers.roots import root
from app.schema import alerts as types
from app.schema.arguments import After, Before, First, Last, StoreIds
from app.schema.edges import selects
from app.schema.paging import Connection, PageArguments, connection, page

DETAILED = "store", "product", "text", "daysLeft", "valueAtRisk"
"""Fields of an alert that the page reads with it."""


def details_of(info: Info) -> AlertDetails:
    """What the page reads with its alerts, by the selected fields."""
    return AlertDetails(
        facts=any(selects(info, "nodes", field) for field in DETAILED),
        sold_days=PERIOD_DAYS if selects(info, "nodes", "daysLeft") else None,
    )


@strawberry.type
class AlertsQuery:
    @root(
        Can.SEE_ALERTS,
        Connection[types.Alert],
        description="List alerts of your stores, the newest first by default. 预警列表",
    )
    async def alerts(
        self,
        info: Info,
        store_ids: StoreIds = None,
        rule: Annotated[
            types.AlertRule | None,
            strawberry.argument(description="Return only alerts of this rule."),
        ] = None,
        state: Annotated[
            types.AlertState | None,
            strawberry.argument(description="Return only alerts in this state."),
        ] = None,
        sort: Annotated[
            types.AlertSort | None,
            strawberry.argument(description="Sort order of the list; NEWEST by default."),
        ] = None,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
    ):
        viewer = info.context.viewer
        stores = access.within(viewer, Can.SEE_ALERTS, store_ids)
        chosen = AlertFilter(stores, rule and rule.name, state and state.name)
        paging = PageArguments(first, after, last, before)
        details = details_of(info)
        if sort is not types.AlertSort.URGENCY:
            return await newest(info, alert_pages.alerts, chosen, details, paging=paging)
        return await connection(
            page(paging, int, date, UUID),
            reading(info, alert_pages.urgent_alerts, chosen, details),
            lambda row: (row.urgency, row.due_on, row.id),
        )

    @root(
        Can.SEE_ALERTS,
        list[types.AlertCount],
        description="Count unresolved alerts of your stores, one entry for each rule. 预警数量",
    )
    async def alert_counts(self, info: Info, store_ids: StoreIds = None):
        viewer = info.context.viewer
        stores = access.within(viewer, Can.SEE_ALERTS, store_ids)
        async with info.context.snapshot.read(viewer.tenant) as session:
            counts = await rows.alert_counts(session, viewer.tenant, stores)
        return [types.count_of(rule, *counts.get(rule.name, (0, 0))) for rule in types.AlertRule]


@strawberry.type
class AlertsMutation:
    @root(
        Can.ACKNOWLEDGE_ALERT,
        types.AcknowledgeAlertResult,
        description="Acknowledge an open alert, which ends its reminders. A DISCREPANCY "
        "is closed by it. 知晓预警",
    )
    async def acknowledge_alert(self, info: Info, input: types.AcknowledgeAlertInput) -> Alert:
        db, viewer = info.context.app.db, info.context.viewer
        return await alerts.acknowledge(db, viewer, input.key, input.alert_id)

    @root(
        Can.ACKNOWLEDGE_ALERT,
        types.AlertResult,
        description="Resolve an alert by hand. It is raised again only after the subject has "
        "recovered: a stock above its reorder point, a batch in the next stage. 解决预警",
    )
    async def resolve_alert(self, info: Info, input: types.ResolveAlertInput) -> Alert:
        db, viewer = info.context.app.db, info.context.viewer
        return await alerts.resolve(db, viewer, input.key, input.alert_id)

    @root(
        Can.ACKNOWLEDGE_ALERT,
        types.AlertResult,
        description="Suspend the notifications of an alert, or resume them. 暂停提醒",
    )
    async def snooze_alert(self, info: Info, input: types.SnoozeAlertInput) -> Alert:
        db, viewer = info.context.app.db, info.context.viewer
        return await alerts.snooze(db, viewer, input.key, input.alert_id, input.until)
