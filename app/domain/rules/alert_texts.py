"""Texts of alerts, in Chinese and English: what is wrong, with numbers, and what to do."""

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class AlertTerms:
    """The values in the text of an alert. Quantities are written in the product's unit.

    `days` is the number of days left until the last day of sale, negative once it has passed.
    `hours` is how long a document has waited. `sold` were sold in `window` days. `cause` is the
    ingredient that a dish lacks, `number` a document's number, `origin` the store that a transfer
    comes from, or who requested a write-off.
    """

    rule: str
    product: str = ""
    unit: str = ""
    quantity: str = "0"
    days: int = 0
    batch: str = ""
    orders: int = 0
    sold: str = "0"
    window: int = 0
    cause: str = ""
    number: str = ""
    origin: str = ""
    hours: int = 0


Texts = Callable[[AlertTerms], tuple[str, str]]
"""The text in Chinese and in English."""


def alert_text(terms: AlertTerms, language: str) -> str:
    """The alert as a sentence, in `zh` or `en`."""
    zh, en = TEXTS[terms.rule](terms)
    return zh if language == "zh" else en


def _low(t: AlertTerms) -> tuple[str, str]:
    if t.quantity == "0":
        return _out(t)
    return (
        f"{t.product}库存仅剩 {t.quantity} {t.unit}，需尽快补货",
        f"{t.product}: only {t.quantity} {t.unit} left. Reorder soon.",
    )


def _out(t: AlertTerms) -> tuple[str, str]:
    if t.quantity != "0":
        return (
            f"{t.product}曾断货，现有 {t.quantity} {t.unit}",
            f"{t.product}: was out of stock, {t.quantity} {t.unit} now.",
        )
    return f"{t.product}已断货，请立即补货", f"{t.product}: out of stock. Reorder now."


def _discrepancy(t: AlertTerms) -> tuple[str, str]:
    if t.quantity == "0":
        return (
            f"{t.product}盘点期间有销售未同步，无法判断是否已计入，请重新盘点",
            f"{t.product}: a sale during its stocktake was recorded late and may be counted "
            "already. Count it again.",
        )
    zh, en = "请核对库存", "Check the stock."
    if t.orders:
        zh = f"{t.orders} 个线上订单可能无货，请核对"
        en = f"{t.orders} orders may lack their goods. Check the stock."
    return (
        f"{t.product}账面不足，已多卖 {t.quantity} {t.unit}，{zh}",
        f"{t.product}: {t.quantity} {t.unit} sold beyond the recorded stock. {en}",
    )


def _batch(t: AlertTerms) -> tuple[str, str]:
    if not t.batch:
        return t.product, t.product
    return f"{t.product}（批号 {t.batch}）", f"{t.product} (batch {t.batch})"


def _near_expiry(t: AlertTerms) -> tuple[str, str]:
    zh, en = _batch(t)
    if t.days < 0:
        return _expired(t)
    when = f"还有 {t.days} 天到期" if t.days else "今天到期"
    due = f"expires in {t.days} days" if t.days else "expires today"
    return (
        f"{zh}{when}，货架上还有 {t.quantity} {t.unit}，请尽快处理",
        f"{en} {due}, {t.quantity} {t.unit} on the shelf. Sell it first.",
    )


def _expired(t: AlertTerms) -> tuple[str, str]:
    zh, en = _batch(t)
    return (
        f"{zh}已过期，店内还有 {t.quantity} {t.unit}，请报损处理",
        f"{en} has expired, {t.quantity} {t.unit} still in the store. Write it off.",
    )


def _slow(t: AlertTerms) -> tuple[str, str]:
    return (
        f"{t.product}近 {t.window} 天仅售出 {t.sold} {t.unit}，库存 {t.quantity} {t.unit}，"
        "建议促销或调拨",
        f"{t.product}: only {t.sold} {t.unit} sold in {t.window} days, {t.quantity} {t.unit} in "
        "stock. Promote or transfer it.",
    )


def _dish(t: AlertTerms) -> tuple[str, str]:
    return (
        f"{t.product}暂时做不了：{t.cause}不足，请补货",
        f"{t.product} cannot be made: not enough {t.cause}. Restock it.",
    )


def _waiting(zh: str, en: str, todo: str, act: str, origin: tuple[str, str] = ("", "")) -> Texts:
    """The text of a document that waits; `origin` says where it comes from, with the name as {}."""

    def texts(t: AlertTerms) -> tuple[str, str]:
        number = f" {t.number} " if t.number else ""
        before, behind = (each.format(t.origin) if t.origin else "" for each in origin)
        return (
            f"{before}{zh}{number}已等待 {_time(t.hours, '天', '小时')}，{todo}",
            f"{en}{number.rstrip()}{behind} has waited {_time(t.hours, 'days', 'hours')}. {act}",
        )

    return texts


def _time(hours: int, days: str, single: str) -> str:
    return f"{hours // 24} {days}" if hours >= 48 else f"{hours} {single}"


def _late(t: AlertTerms) -> tuple[str, str]:
    number = f" {t.number} " if t.number else ""
    return (
        f"采购单{number}已超过预计到货日 {-t.days} 天，仍未到货，请联系供应商",
        f"Purchase order{number.rstrip()} is {-t.days} days late. Call the supplier.",
    )


def _drift(t: AlertTerms) -> tuple[str, str]:
    return (
        f"账目核对发现 {t.quantity} 处不一致，请联系系统管理员",
        f"The nightly audit found {t.quantity} breaches in the ledger. Contact your administrator.",
    )


TEXTS: dict[str, Texts] = {
    "LOW_STOCK": _low,
    "OUT_OF_STOCK": _out,
    "NEAR_EXPIRY": _near_expiry,
    "EXPIRED": _expired,
    "SLOW_MOVING": _slow,
    "DISCREPANCY": _discrepancy,
    "DISH_UNAVAILABLE": _dish,
    "TRANSFER_WAITING": _waiting(
        "调拨单", "Transfer", "请尽快处理", "Deal with it.", ("从{}调入的", " from {}")
    ),
    "WRITE_OFF_WAITING": _waiting(
        "报损单", "Write-off", "请尽快审批", "Decide on it.", ("{}提交的", " by {}")
    ),
    "PURCHASE_WAITING": _waiting(
        "部分到货的采购单",
        "Partly received purchase order",
        "请跟进其余货物",
        "Follow up the rest.",
    ),
    "EXPECTED_NOT_ARRIVED": _late,
    "AUDIT_DRIFT": _drift,
}

RULE_NAMES = {
    "LOW_STOCK": "低库存",
    "OUT_OF_STOCK": "断货",
    "NEAR_EXPIRY": "临期",
    "EXPIRED": "过期",
    "SLOW_MOVING": "滞销",
    "DISCREPANCY": "账实差异",
    "DISH_UNAVAILABLE": "菜品缺料",
    "TRANSFER_WAITING": "调拨超时",
    "WRITE_OFF_WAITING": "报损待审",
    "PURCHASE_WAITING": "采购未齐",
    "EXPECTED_NOT_ARRIVED": "到期未到",
    "AUDIT_DRIFT": "账目异常",
}
"""Names of the rules in Chinese, at most five characters."""

ENGLISH_NAMES = {
    "LOW_STOCK": "low stock",
    "OUT_OF_STOCK": "out of stock",
    "NEAR_EXPIRY": "near expiry",
    "EXPIRED": "expired",
    "SLOW_MOVING": "slow-moving",
    "DISCREPANCY": "discrepancy",
    "DISH_UNAVAILABLE": "dish unavailable",
    "TRANSFER_WAITING": "transfer waiting",
    "WRITE_OFF_WAITING": "write-off waiting",
    "PURCHASE_WAITING": "purchase waiting",
    "EXPECTED_NOT_ARRIVED": "not arrived",
    "AUDIT_DRIFT": "audit drift",
}
