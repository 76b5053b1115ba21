"""Roots of messages by mini-programs: templates, and what a member of staff subscribed to."""

import strawberry
from strawberry.types import Info

from app.db import subscriptions as rows
from app.db.subscriptions import Subscription
from app.db.tables import MessageTemplate
from app.domain.access import Can
from app.domain.errors import Malformed
from app.domain.notices import subscriptions
from app.resolvers.roots import root
from app.schema import subscriptions as types


@strawberry.type
class SubscriptionsQuery:
    @root(
        Can.CONNECT_MINI_APPS,
        list[types.MessageTemplate],
        description="List the templates by which alerts are sent. 消息模板列表",
    )
    async def message_templates(self, info: Info):
        tenant = info.context.viewer.tenant
        async with info.context.snapshot.read(tenant) as session:
            return list(await rows.templates(session, tenant))

    @root(
        Can.RECEIVE_MESSAGES,
        list[types.MessageSubscription],
        description="List the chain's mini-programs, and how you receive alerts in each. "
        "我的消息订阅",
    )
    async def message_subscriptions(self, info: Info):
        return await subscriptions.list_subscriptions(info.context.snapshot, info.context.viewer)


@strawberry.type
class SubscriptionsMutation:
    @root(
        Can.CONNECT_MINI_APPS,
        types.SetMessageTemplateResult,
        description="Set the template by which a channel sends alerts, in place of the one "
        "before. 设置消息模板",
    )
    async def set_message_template(
        self, info: Info, input: types.SetMessageTemplateInput
    ) -> MessageTemplate:
        fields = {field.name: field.part for field in input.fields}
        if len(fields) < len(input.fields):
            raise Malformed("fields", "字段名称不能重复", "Each field has a name of its own.")
        request = input.key, input.channel.name, input.template, input.page, fields
        db, viewer = info.context.app.db, info.context.viewer
        return await subscriptions.set_template(db, viewer, *request)

    @root(
        Can.RECEIVE_MESSAGES,
        types.BindMiniAppResult,
        description="Bind your identity in the chain's mini-program, so that you receive alerts "
        "there. 绑定小程序",
    )
    async def bind_mini_app(self, info: Info, input: types.BindMiniAppInput) -> Subscription:
        app, viewer = info.context.app, info.context.viewer
        request = input.key, input.channel.name, input.code
        return await subscriptions.bind_mini_app(app.db, app.mini_apps, viewer, *request)

    @root(
        Can.RECEIVE_MESSAGES,
        types.UnbindMiniAppResult,
        description="Delete your identity in the chain's mini-program. 解除绑定",
    )
    async def unbind_mini_app(self, info: Info, input: types.UnbindMiniAppInput) -> Subscription:
        db, viewer = info.context.app.db, info.context.viewer
        return await subscriptions.unbind_mini_app(db, viewer, input.key, input.channel.name)

    @root(
        Can.RECEIVE_MESSAGES,
        types.GrantMessageCreditResult,
        description="Report messages that you subscribed to in the mini-program; each sends you "
        "one alert. 上报订阅",
    )
    async def grant_message_credit(
        self, info: Info, input: types.GrantMessageCreditInput
    ) -> Subscription:
        db, viewer = info.context.app.db, info.context.viewer
        return await subscriptions.grant_credit(db, viewer, input.key, input.template, input.count)
