"""Roots of the settings of alert rules."""

import strawberry
from strawberry.types import Info

from app.db import alert_settings as rows
from app.db.tables import AlertSetting
from app.domain import access
from app.domain.access import Can
from app.domain.notices import rules
from app.domain.rules.alert_settings import Setting
from app.resolvers.roots import root
from app.schema import alert_rules as types
from app.schema.arguments import StoreIds
from app.schema.window import as_window


@strawberry.type
class AlertRulesQuery:
    @root(
        Can.SEE_ALERTS,
        list[types.AlertSetting],
        description="List the settings of alert rules that apply to your stores. 预警设置列表",
    )
    async def alert_settings(self, info: Info, store_ids: StoreIds = None):
        viewer = info.context.viewer
        stores = access.within(viewer, Can.SEE_ALERTS, store_ids)
        async with info.context.snapshot.read(viewer.tenant) as session:
            return await rows.settings_of(session, viewer.tenant, stores)

    @root(
        Can.SET_ALERT_RULES,
        types.AlertRulePreviewResult,
        description="Count the alerts that a rule would have with a setting, in your stores. "
        "预览预警规则",
    )
    async def alert_rule_preview(self, info: Info, input: types.AlertSettingInput):
        db, viewer = info.context.app.db, info.context.viewer
        stores = access.within(viewer, Can.SET_ALERT_RULES)
        setting = types.setting_of(input)
        count = await rules.preview_alert_rule(db, viewer, setting, stores)
        return types.AlertRulePreview(count=count)


@strawberry.type
class AlertRulesMutation:
    @root(
        Can.SET_ALERT_RULES,
        types.SetAlertRuleResult,
        description="Set how a rule judges the chain, a store, a category or a product. The most "
        "specific setting wins. Alerts follow within seconds. 设置预警规则",
    )
    async def set_alert_rule(self, info: Info, input: types.SetAlertRuleInput) -> AlertSetting:
        db, viewer = info.context.app.db, info.context.viewer
        return await rules.set_alert_rule(db, viewer, input.key, types.setting_of(input))

    @root(
        Can.SET_ALERT_RULES,
        types.RemoveAlertRuleResult,
        description="Remove the setting of a rule for the chain, a store, a category or a product: "
        "the next less specific setting applies again, or the default. Alerts follow within "
        "seconds. 移除预警设置",
    )
    async def remove_alert_rule(self, info: Info, input: types.RemoveAlertRuleInput):
        db, viewer = info.context.app.db, info.context.viewer
        subject = Setting(input.rule.name, input.store_id, input.category_id, input.product_id)
        left = await rules.remove_alert_rule(db, viewer, input.key, subject)
        return types.AlertRuleSettings(rule=input.rule, settings=as_window(left))
