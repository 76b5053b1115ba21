"""Words of problems: what went wrong, for programs and for people in their language."""

from dataclasses import fields
from enum import Enum
from typing import Any

import strawberry

from app.domain import errors
from app.domain.errors import Refusal

WORDS: dict[type[Refusal], tuple[str, str, str]] = {
    errors.OutOfStock: ("OUT_OF_STOCK", "库存不足", "Not enough stock"),
    errors.UnknownProduct: (
        "UNKNOWN_PRODUCT",
        "没有这个商品: {asked}",
        "No such product: {asked}",
    ),
    errors.UnknownStore: ("UNKNOWN_STORE", "没有这个门店: {asked}", "No such store: {asked}"),
    errors.UnknownCategory: (
        "UNKNOWN_CATEGORY",
        "没有这个分类: {asked}",
        "No such category: {asked}",
    ),
    errors.UnknownMovement: (
        "UNKNOWN_MOVEMENT",
        "没有这张单据: {asked}",
        "No such movement: {asked}",
    ),
    errors.UnknownOrder: ("UNKNOWN_ORDER", "没有这个订单: {asked}", "No such order: {asked}"),
    errors.UnknownTransfer: (
        "UNKNOWN_TRANSFER",
        "没有这张调拨单: {asked}",
        "No such transfer: {asked}",
    ),
    errors.ExceedsTransfer: (
        "EXCEEDS_TRANSFER",
        "数量超过批准或在途数量",
        "More than was approved, or than is in transit",
    ),
    errors.ReasonNeeded: (
        "REASON_NEEDED",
        "有差异的商品须填写原因",
        "What differs needs a reason",
    ),
    errors.UnknownAlert: ("UNKNOWN_ALERT", "没有这条预警: {asked}", "No such alert: {asked}"),
    errors.UnknownSupplier: (
        "UNKNOWN_SUPPLIER",
        "没有这个供应商: {asked}",
        "No such supplier: {asked}",
    ),
    errors.UnknownPurchaseOrder: (
        "UNKNOWN_PURCHASE_ORDER",
        "没有这张采购单: {asked}",
        "No such purchase order: {asked}",
    ),
    errors.DeliveryExceedsOrder: (
        "DELIVERY_EXCEEDS_ORDER",
        "到货多于订货",
        "More came than is still missing",
    ),
    errors.UnknownWriteOff: (
        "UNKNOWN_WRITE_OFF",
        "没有这张报损单: {asked}",
        "No such write-off: {asked}",
    ),
    errors.OverLimit: (
        "OVER_LIMIT",
        "报损金额超出你的审批额度, 请由额度更高的人审批",
        "It costs more than your role approves: ask somebody who approves more",
    ),
    errors.UnknownChannelLink: (
        "UNKNOWN_CHANNEL_LINK",
        "没有这个渠道店铺: {asked}",
        "No such shop: {asked}",
    ),
    errors.Unreadable: ("UNREADABLE", "无法读取: {reason}", "Cannot be read: {reason}"),
    errors.UnknownPass: ("UNKNOWN_PASS", "没有这张次卡: {asked}", "No such pass: {asked}"),
    errors.NotEnoughUses: (
        "NOT_ENOUGH_USES",
        "次卡剩余 {left} 次, 不足 {requested} 次",
        "The pass has {left} uses left, not {requested}",
    ),
    errors.UnknownStaff: ("UNKNOWN_STAFF", "没有这位员工: {asked}", "No such staff: {asked}"),
    errors.UnknownApiKey: (
        "UNKNOWN_API_KEY",
        "没有这个接口密钥: {asked}",
        "No such API key: {asked}",
    ),
    errors.InvalidQuantity: (
        "INVALID_QUANTITY",
        "数量 {quantity} 无效: 须大于 0, 不过大, 且能换算成整数个基本单位",
        "Quantity {quantity} cannot be: above 0, not too large, and whole in base units",
    ),
    errors.Indivisible: (
        "INDIVISIBLE",
        "配方用量不能换算成整数个基本单位, 请按建议调整用量或改用更小的单位",
        "One unit would not take whole base units: take a nearest quantity, or a finer unit",
    ),
    errors.RecipeCycle: (
        "RECIPE_CYCLE",
        "配方循环: 商品不能是自己的配料",
        "A product cannot go into itself, through whatever recipes",
    ),
    errors.UnknownBatch: ("UNKNOWN_BATCH", "没有这个批号: {number}", "No such batch: {number}"),
    errors.BatchExpired: (
        "BATCH_EXPIRED",
        "该批次已过期, 不可销售: {expired_on}",
        "The batch has expired and is never sold: {expired_on}",
    ),
    errors.VersionConflict: (
        "VERSION_CONFLICT",
        "库存刚刚变动, 请刷新后重试",
        "The level has moved since: read it again and retry",
    ),
    errors.KeyReused: (
        "KEY_REUSED",
        "这个 key 已用于另一个请求, 请换一个新的 key",
        "This key belongs to another request: use a new one",
    ),
    errors.WrongState: (
        "WRONG_STATE",
        "{reason.value.zh}",
        "{reason.value.en}",
    ),
    errors.ReturnExceedsSale: (
        "RETURN_EXCEEDS_SALE",
        "退货数量超过已售数量",
        "More would be returned than was sold",
    ),
    errors.AlreadyTaken: (
        "ALREADY_TAKEN",
        "{field} 已被使用: {value}",
        "{field} is already taken: {value}",
    ),
    errors.SignInFailed: (
        "SIGN_IN_FAILED",
        "账号或密码不正确",
        "Login or password is wrong",
    ),
    errors.SessionEnded: (
        "SESSION_ENDED",
        "登录已失效, 请重新登录",
        "The session has ended: sign in again",
    ),
    errors.TooManyAttempts: (
        "TOO_MANY_ATTEMPTS",
        "尝试次数过多, 请在 {retry_after} 秒后再试",
        "Too many attempts: try again in {retry_after} seconds",
    ),
    errors.TooManyOrders: (
        "TOO_MANY_ORDERS",
        "已有 {open} 个未付款订单, 请先付款或取消",
        "{open} orders are not paid for yet: pay or cancel one first",
    ),
    errors.Busy: (
        "BUSY",
        "系统繁忙, 没有写入任何数据, 请用同一个 key 重试",
        "Busy, and nothing was written: send the same key again",
    ),
}

Code: Any = Enum("Code", [(code, code) for code, _, _ in WORDS.values()])
ProblemCode = strawberry.enum(
    Code,
    name="ProblemCode",
    description="What went wrong, for programs.",
)


def told(refusal: Refusal, language: str) -> str:
    """The refusal in words; facts stand in the problem's own fields."""
    _, chinese, english = WORDS[type(refusal)]
    facts: dict[str, Any] = {name: getattr(refusal, name) for name in _names(refusal)}
    if isinstance(facts.get("asked"), tuple):
        facts["asked"] = ", ".join(facts["asked"])
    return (chinese if language == "zh" else english).format(**facts)


def _names(refusal: Refusal) -> list[str]:
    return [field.name for field in fields(refusal)]  # pyright: ignore[reportArgumentType]
