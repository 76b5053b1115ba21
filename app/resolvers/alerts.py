"""Roots of the alerts topic."""

from typing import Annotated

import strawberry
from strawberry.types import Info

from app.db import alerts as rows
from app.db.alerts import AlertFilter
from app.db.tables import Alert
from app.domain import access, alerts
from app.domain.access import Can
from app.resolvers.pages import newest
from app.resolvers.roots import root
from app.schema import alerts as types
from app.schema.arguments import After, First, StoreIds
from app.schema.paging import Connection


@strawberry.type
class AlertsQuery:
    @root(
        Can.SEE_ALERTS,
        Connection[types.Alert],
        description="List alerts of your stores, the newest first. 预警列表",
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
        first: First = None,
        after: After = None,
    ):
        viewer = info.context.viewer
        stores = access.within(viewer, Can.SEE_ALERTS, store_ids)
        chosen = AlertFilter(stores, rule and rule.name, state and state.name)
        return await newest(info, rows.alerts, chosen, first=first, after=after)


@strawberry.type
class AlertsMutation:
    @root(
        Can.ACKNOWLEDGE_ALERT,
        types.AcknowledgeAlertResult,
        description="Acknowledge an alert and close it. 处理预警",
    )
    async def acknowledge_alert(self, info: Info, input: types.AcknowledgeAlertInput) -> Alert:
        db, viewer = info.context.app.db, info.context.viewer
        return await alerts.acknowledge(db, viewer, input.key, input.alert_id)
