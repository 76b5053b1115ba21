"""Settings of alert rules, and the inputs that set and preview them."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

import strawberry

from app.db import tables
from app.domain.access import Can
from app.domain.rules.alert_settings import Setting
from app.schema import problems
from app.schema.alerts import AlertRule
from app.schema.arguments import at_most, request_key
from app.schema.catalog import Category, Product
from app.schema.edges import maybe_edge
from app.schema.identity import Actor, Store
from app.schema.window import window

MOST_DAYS = 5


@window(
    tables.AlertSetting,
    needs=Can.SEE_ALERTS,
    stores=(),
    description="How a rule judges the chain, a store, a category or a product. The most specific "
    "setting wins: product, then the nearest category, then store. 预警设置",
)
class AlertSetting:
    id: UUID = strawberry.field(description="ID of the setting.")
    store: Store | None = maybe_edge(
        "stores", "store_id", "Store that the setting is for; null for all stores. 门店"
    )
    category: Category | None = maybe_edge(
        "categories", "category_id", "Category that the setting is for; null for all. 分类"
    )
    product: Product | None = maybe_edge(
        "products", "product_id", "Product that the setting is for; null for all. 商品"
    )
    enabled: bool = strawberry.field(description="Whether the rule raises alerts. 启用")
    days: list[int] | None = strawberry.field(
        description="Stages of NEAR_EXPIRY in days before the last day of sale, or the window of "
        "SLOW_MOVING; null for the default. 天数"
    )
    fewer_than: int | None = strawberry.field(
        description="SLOW_MOVING: fewer units than this are slow; null for the default. 少于"
    )
    hours: int | None = strawberry.field(
        description="Hours after which a document has waited too long; null for the default. 小时"
    )
    set_at: datetime = strawberry.field(description="Time of the latest change. 设置时间")
    set_by: Actor | None = maybe_edge("actors", "set_by", "Member of staff who set it. 设置人")

    @strawberry.field(description="Rule that the setting is about. 预警规则")
    def rule(self, root: strawberry.Parent[tables.AlertSetting]) -> AlertRule:
        return AlertRule[root.rule]


@strawberry.input(description="A setting of a rule, for all products or for some. 预警设置")
class AlertSettingInput:
    rule: AlertRule = strawberry.field(description="Rule to set. 预警规则")
    store_id: UUID | None = strawberry.field(
        default=None, description="ID of one store; null applies to all stores. 门店"
    )
    category_id: UUID | None = strawberry.field(
        default=None,
        description="ID of a category; the setting applies to it and to those below it. Null "
        "applies to all. 分类",
    )
    product_id: UUID | None = strawberry.field(
        default=None, description="ID of one product, instead of a category. 商品"
    )
    enabled: bool = strawberry.field(
        default=True, description="Pass false to raise no alerts. 启用"
    )
    days: list[int] | None = strawberry.field(
        default=None,
        description="NEAR_EXPIRY: up to 5 stages in days before the last day of sale; "
        "30, 15 and 7 by default. SLOW_MOVING: one window; 30 by default. From 1 to 365.",
        metadata=at_most(MOST_DAYS),
    )
    fewer_than: int | None = strawberry.field(
        default=None,
        description="SLOW_MOVING: fewer units than this are slow, from 1 to 100000; 5 by default.",
    )
    hours: int | None = strawberry.field(
        default=None,
        description="Hours after which a transfer or write-off has waited too long, from 1 to "
        "2160; 24 by default.",
    )


@strawberry.input(description="Input of `setAlertRule`. 设置预警规则")
class SetAlertRuleInput(AlertSettingInput):
    key: UUID = request_key()


def setting_of(input: AlertSettingInput) -> Setting:
    """The setting that an input describes."""
    return Setting(
        input.rule.name,
        input.store_id,
        input.category_id,
        input.product_id,
        input.enabled,
        None if input.days is None else tuple(input.days),
        input.fewer_than,
        input.hours,
    )


@strawberry.input(description="Input of `removeAlertRule`. 移除预警设置")
class RemoveAlertRuleInput:
    key: UUID = request_key()
    rule: AlertRule = strawberry.field(description="Rule of the setting. 预警规则")
    store_id: UUID | None = strawberry.field(
        default=None, description="ID of the store of the setting; null if it is for all. 门店"
    )
    category_id: UUID | None = strawberry.field(
        default=None, description="ID of the category of the setting; null without one. 分类"
    )
    product_id: UUID | None = strawberry.field(
        default=None, description="ID of the product of the setting; null without one. 商品"
    )


@strawberry.type(description="The settings of a rule after one was removed. 剩余预警设置")
class AlertRuleSettings:
    rule: AlertRule = strawberry.field(description="Rule of the settings. 预警规则")
    settings: list[AlertSetting] = strawberry.field(
        description="Settings of the rule that are left for your stores; the default applies "
        "where there is none. 预警设置"
    )


RemoveAlertRuleResult = Annotated[
    AlertRuleSettings | problems.UnknownStore | problems.KeyReused,
    strawberry.union(
        "RemoveAlertRuleResult",
        description="The settings that are left, or the problem that prevented the change.",
    ),
]
SetAlertRuleResult = Annotated[
    AlertSetting
    | problems.UnknownStore
    | problems.UnknownCategory
    | problems.UnknownProduct
    | problems.KeyReused,
    strawberry.union(
        "SetAlertRuleResult",
        description="The setting as it is now, or the problem that prevented the change.",
    ),
]


@strawberry.type(description="Alerts that a setting would raise; nothing is written. 预览")
class AlertRulePreview:
    count: int = strawberry.field(description="Number of alerts of the rule. 预警数量")


AlertRulePreviewResult = Annotated[
    AlertRulePreview | problems.UnknownStore | problems.UnknownCategory | problems.UnknownProduct,
    strawberry.union(
        "AlertRulePreviewResult",
        description="The preview, or the problem that prevented it.",
    ),
]
