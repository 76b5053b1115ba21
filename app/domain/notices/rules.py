"""How alert rules are set, and how many alerts a setting would raise."""

from collections.abc import Collection
from uuid import UUID, uuid5

from app.db import alert_settings as rows
from app.db import alert_watches as watches
from app.db.catalog import products_by_id
from app.db.categories import categories_by_id, category_parents
from app.db.core.unit import Database, Unit
from app.db.tables import AlertSetting
from app.domain import access
from app.domain.access import Can, Viewer
from app.domain.claims import claim
from app.domain.errors import Malformed, Refused, UnknownCategory, UnknownProduct
from app.domain.notices.findings import WITHOUT_PRODUCTS, found_by
from app.domain.rules.alert_settings import Setting, Settings
from app.domain.rules.alert_texts import RULE_NAMES

STAGE_DAYS = range(1, 366)
MOST_STAGES = 5
MOST_FEWER = 100_000
MOST_HOURS = 24 * 90
USED_BY = {
    "days": ("NEAR_EXPIRY", "SLOW_MOVING"),
    "fewerThan": ("SLOW_MOVING",),
    "hours": ("TRANSFER_WAITING", "WRITE_OFF_WAITING"),
}
"""The rules that read each value of a setting."""


async def set_alert_rule(db: Database, viewer: Viewer, key: UUID, setting: Setting) -> AlertSetting:
    """Sets how a rule judges its subject, in place of an earlier setting. The stores are judged
    anew within seconds.

    Raises Refused: UnknownStore, UnknownCategory, UnknownProduct; Malformed.
    """
    setting = _checked(viewer, setting)
    id = uuid5(viewer.tenant, key.hex)
    async with db.unit(viewer.tenant) as unit:
        if await claim(unit, viewer.claimant, key, id, "setAlertRule", *setting) is None:
            await _check_subject(unit, setting)
            row = await rows.put_setting(unit, id, viewer.actor, setting)
            await rows.judge_anew(unit, setting.store_id)
            return row
        return await rows.setting_about(unit.session, viewer.tenant, setting)


async def remove_alert_rule(
    db: Database, viewer: Viewer, key: UUID, subject: Setting
) -> list[AlertSetting]:
    """Removes the setting of a rule for a subject, so that the next less specific one applies, or
    the default; what is not set stays as it is. Returns the rule's other settings in the viewer's
    stores.

    Raises Refused(UnknownStore); Malformed without a store for a viewer of some stores.
    """
    _check_store(viewer, subject.store_id)
    request = ("removeAlertRule", *subject[:4])
    async with db.unit(viewer.tenant) as unit:
        if await claim(unit, viewer.claimant, key, viewer.tenant, *request) is None:
            await rows.remove_setting(unit, subject)
            await rows.judge_anew(unit, subject.store_id)
        stores = access.within(viewer, Can.SET_ALERT_RULES)
        settings = await rows.settings_of(unit.session, viewer.tenant, stores)
    return [each for each in settings if each.rule == subject.rule]


async def preview_alert_rule(
    db: Database, viewer: Viewer, setting: Setting, stores: Collection[UUID]
) -> int:
    """How many alerts the rule would have in these stores with this setting. Nothing is written.

    Raises Refused: UnknownStore, UnknownCategory, UnknownProduct; Malformed.
    """
    setting = _checked(viewer, setting)
    count = 0
    async with db.unit(viewer.tenant) as unit:
        await _check_subject(unit, setting)
        present = await watches.settings(unit.session, viewer.tenant)
        parents = await category_parents(unit.session, viewer.tenant)
        settings = Settings([*present, setting], parents)
        for store in stores if setting.store_id is None else [setting.store_id]:
            turn = await watches.whole_store(unit, store)
            count += len(await found_by(unit, setting.rule, turn, settings))
    return count


def _check_store(viewer: Viewer, store: UUID | None) -> None:
    if store is not None:
        access.at(viewer, Can.SET_ALERT_RULES, store)
    elif viewer.scope.reach(Can.SET_ALERT_RULES) is not access.Reach.ALL:
        raise Malformed("storeId", "请选择您负责的门店", "Choose one of your stores.")


def _checked(viewer: Viewer, setting: Setting) -> Setting:
    _check_store(viewer, setting.store_id)
    if setting.category_id is not None and setting.product_id is not None:
        raise Malformed(
            "productId", "分类和商品只能选一项", "Give a category or a product, not both."
        )
    of_goods = setting.category_id is None and setting.product_id is None
    if setting.rule in WITHOUT_PRODUCTS and not of_goods:
        raise Malformed("rule", "单据类预警不能按商品设置", "Rules of documents have no products.")
    _check_used(setting)
    _check_range("fewerThan", setting.fewer_than, 1, MOST_FEWER)
    _check_range("hours", setting.hours, 1, MOST_HOURS)
    return setting._replace(days=_days(setting))


def _check_used(setting: Setting) -> None:
    """Raises Malformed for a value that the rule does not read."""
    for field, value, zh, en in (
        ("days", setting.days, "天数", "days"),
        ("fewerThan", setting.fewer_than, "销量下限", "number of units"),
        ("hours", setting.hours, "小时数", "hours"),
    ):
        if value and setting.rule not in USED_BY[field]:
            raise Malformed(
                field,
                f"“{RULE_NAMES[setting.rule]}”预警没有{zh}，请去掉",
                f"Alerts of {setting.rule} have no {en}: leave it out.",
            )


def _days(setting: Setting) -> tuple[int, ...] | None:
    """The stages, the longest first, or the window of slow movers."""
    days = tuple(sorted(set(setting.days or ()), reverse=True))
    most = 1 if setting.rule == "SLOW_MOVING" else MOST_STAGES
    if len(days) > most or any(day not in STAGE_DAYS for day in days):
        raise Malformed(
            "days",
            f"天数须为 1 至 365，最多 {most} 个",
            f"Days are from 1 to 365, at most {most} of them.",
        )
    return days or None


def _check_range(field: str, value: int | None, least: int, most: int) -> None:
    if value is not None and not least <= value <= most:
        raise Malformed(field, f"须为 {least} 至 {most}", f"Give {least} to {most}.")


async def _check_subject(unit: Unit, setting: Setting) -> None:
    category, product = setting.category_id, setting.product_id
    if category and not await categories_by_id(unit.session, unit.tenant, [category]):
        raise Refused(UnknownCategory(str(category)))
    if product and not await products_by_id(unit.session, unit.tenant, [product]):
        raise Refused(UnknownProduct((str(product),)))
