"""Roots of escalation and of daily digests."""

import strawberry
from strawberry.types import Info

from app.domain.access import Can
from app.domain.notices import digest, escalate
from app.resolvers.roots import root
from app.schema import escalations as types


@strawberry.type
class EscalationsMutation:
    @root(
        Can.SET_ALERT_RULES,
        types.SetEscalationResult,
        description="Set after how many minutes an alert that is not acknowledged goes to "
        "the next role: manager, purchaser, owner; once to each. 设置升级通知",
    )
    async def set_escalation(self, info: Info, input: types.SetEscalationInput):
        db, viewer = info.context.app.db, info.context.viewer
        request = input.key, input.rule.name, input.store_id, input.minutes
        await escalate.set_escalation(db, viewer, *request)
        return types.EscalationSetting(
            rule=input.rule, store_id=input.store_id, minutes=input.minutes
        )

    @root(
        Can.SET_ALERT_RULES,
        types.SetDigestResult,
        description="Set the hour at which a store sends one message with all alerts that are not "
        "urgent, instead of one for each. 设置每日汇总",
    )
    async def set_digest(self, info: Info, input: types.SetDigestInput):
        db, viewer = info.context.app.db, info.context.viewer
        store = await digest.set_digest(db, viewer, input.key, input.store_id, input.hour)
        return types.DigestSetting(store_id=store.id, hour=store.digest_hour)
