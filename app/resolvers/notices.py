"""Roots of notifications."""

from typing import Annotated
from uuid import UUID

import strawberry
from strawberry.types import Info

from app.db import notices as rows
from app.domain import access
from app.domain.access import Can
from app.domain.errors import Malformed
from app.domain.notices import targets
from app.domain.notices.targets import TargetDescription
from app.domain.rules.recipients import Choice
from app.resolvers.pages import newest
from app.resolvers.roots import root
from app.schema import notices as types
from app.schema.alerts import AlertRule
from app.schema.arguments import After, Before, First, Last, StoreIds
from app.schema.paging import Connection, PageArguments
from app.schema.window import as_window


@strawberry.type
class NoticesQuery:
    @root(
        Can.SET_ALERT_RULES,
        list[types.NotificationTarget],
        description="List the notification targets of your stores and of all stores. 通知渠道列表",
    )
    async def notification_targets(self, info: Info, store_ids: StoreIds = None):
        viewer = info.context.viewer
        stores = access.within(viewer, Can.SET_ALERT_RULES, store_ids)
        async with info.context.snapshot.read(viewer.tenant) as session:
            return await rows.targets(session, viewer.tenant, stores)

    @root(
        Can.SET_ALERT_RULES,
        Connection[types.NotificationDelivery],
        description="List deliveries of your stores, the newest first. 发送记录列表",
    )
    async def deliveries(
        self,
        info: Info,
        store_ids: StoreIds = None,
        state: Annotated[
            types.DeliveryState | None,
            strawberry.argument(description="Return only deliveries in this state."),
        ] = None,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
    ):
        stores = access.within(info.context.viewer, Can.SET_ALERT_RULES, store_ids)
        chosen = stores, state and state.name
        return await newest(
            info, rows.deliveries, *chosen, paging=PageArguments(first, after, last, before)
        )

    @root(
        Can.SEE_ALERTS,
        types.AlertRouteResult,
        description="Return who would be notified of a rule in a store, by what, and who would "
        "not and why. 通知路径",
    )
    async def alert_route(
        self,
        info: Info,
        rule: Annotated[AlertRule, strawberry.argument(description="Rule of the alert.")],
        store_id: Annotated[UUID, strawberry.argument(description="ID of the store.")],
        category_id: Annotated[
            UUID | None,
            strawberry.argument(description="ID of the category of the alert's product."),
        ] = None,
    ):
        reads, viewer = info.context.snapshot, info.context.viewer
        subject = rule.name, store_id, category_id
        routes = await targets.alert_route(reads, viewer, *subject)
        return types.AlertRoute(
            people=as_window(routes.people),
            targets=as_window(routes.targets),
            digest_hour=routes.digest_hour,
            quiet_start=routes.quiet and f"{routes.quiet[0]:%H:%M}",
            quiet_end=routes.quiet and f"{routes.quiet[1]:%H:%M}",
            escalates_after_minutes=routes.escalates_after_minutes,
        )


@strawberry.type
class NoticesMutation:
    @root(
        Can.SET_ALERT_RULES,
        types.NotificationTargetResult,
        description="Add a group robot or an e-mail address that receives alerts. 添加通知渠道",
    )
    async def add_notification_target(self, info: Info, input: types.AddNotificationTargetInput):
        app = info.context.app
        target = TargetDescription(input.name, input.url, input.staff_id, input.store_id)
        request = input.key, target, app.settings.private_host_names
        return await targets.add_target(app.db, info.context.viewer, *request)

    @root(
        Can.SET_ALERT_RULES,
        types.NotificationTargetResult,
        description="Remove a notification target. 移除通知渠道",
    )
    async def remove_notification_target(
        self, info: Info, input: types.RemoveNotificationTargetInput
    ):
        db, viewer = info.context.app.db, info.context.viewer
        return await targets.remove_target(db, viewer, input.key, input.target_id)

    @root(
        Can.SET_ALERT_RULES,
        types.SetRecipientsResult,
        description="Set the roles and people who are notified of a rule, in place of the "
        "default: managers, and purchasers for rules about buying. 设置接收人",
    )
    async def set_recipients(self, info: Info, input: types.SetRecipientsInput):
        db, viewer = info.context.app.db, info.context.viewer
        roles = tuple(dict.fromkeys(role.name for role in input.roles))
        choice = Choice(roles, tuple(dict.fromkeys(input.staff_ids)))
        request = input.key, input.rule.name, input.store_id, choice
        await targets.set_recipients(db, viewer, *request, input.category_id)
        return types.RecipientsResult(
            rule=input.rule, roles=input.roles, staff_ids=list(choice.people)
        )

    @root(
        Can.SET_ALERT_RULES,
        types.SetQuietHoursResult,
        description="Set the hours in which a store receives only urgent messages: out of stock, "
        "expired goods, dishes that cannot be made, and discrepancies. 设置免打扰时段",
    )
    async def set_quiet_hours(self, info: Info, input: types.SetQuietHoursInput):
        db, viewer = info.context.app.db, info.context.viewer
        if (input.start is None) != (input.end is None):
            raise Malformed("end", "开始和结束须同时填写", "Give both times, or none.")
        hours = None
        if input.start is not None and input.end is not None:
            hours = targets.clock_time(input.start, "start"), targets.clock_time(input.end, "end")
        return await targets.set_quiet_hours(db, viewer, input.key, input.store_id, hours)

    @root(
        Can.SET_ALERT_RULES,
        types.RedeliverResult,
        description="Send a delivery again at once, as if it had not been tried. 重新发送",
    )
    async def redeliver(self, info: Info, input: types.RedeliverInput):
        db, viewer = info.context.app.db, info.context.viewer
        return await targets.redeliver(db, viewer, input.key, input.delivery_id)
