"""Codes of problems for programs, and their messages for people in Chinese and English."""

import re
from dataclasses import fields
from decimal import Decimal
from enum import Enum
from operator import attrgetter
from typing import Any
from uuid import UUID

import strawberry
from strawberry.types import Info
from strawberry.types.enum import EnumValue

from app.domain import errors, stocktake_errors
from app.domain.access import Can
from app.domain.errors import Refusal, Text
from app.domain.ledger import limits
from app.domain.rules.phones import masked
from app.domain.rules.texts import NAMES
from app.domain.rules.units import to_base
from app.schema.scalars import EXACT, money, quantity
from app.schema.window import definition

MOST_NAMES = 3
"""The most colleagues that a message names."""

WORDS: dict[type[Refusal], tuple[str, str, str]] = {
    errors.OutOfStock: (
        "OUT_OF_STOCK",
        "库存不足，请减少数量或先入库",
        "Not enough stock: reduce the quantity, or receive goods first.",
    ),
    errors.UnknownProduct: (
        "UNKNOWN_PRODUCT",
        "没有这个商品：{asked}",
        "No product has this id, SKU or barcode: {asked}.",
    ),
    errors.UnknownStore: ("UNKNOWN_STORE", "没有这个门店：{asked}", "No such store: {asked}."),
    errors.UnknownCategory: (
        "UNKNOWN_CATEGORY",
        "没有这个分类：{asked}",
        "No such category: {asked}.",
    ),
    errors.UnknownUnit: (
        "UNKNOWN_UNIT",
        "“{asked}”不是常用单位，单位建档后不能修改；请改用常用单位，或确认使用该单位",
        "{asked} is not a common unit, and a unit cannot be changed later: choose another one, "
        "or confirm that you want it.",
    ),
    errors.UnknownBarcode: (
        "UNKNOWN_BARCODE",
        "该商品没有这个条码：{asked}",
        "The product has no such barcode: {asked}.",
    ),
    errors.UnknownMovement: (
        "UNKNOWN_MOVEMENT",
        "没有这张单据：{asked}",
        "No such movement: {asked}.",
    ),
    errors.UnknownOrder: ("UNKNOWN_ORDER", "没有这个订单：{asked}", "No such order: {asked}."),
    errors.UnknownTransfer: (
        "UNKNOWN_TRANSFER",
        "没有这张调拨单：{asked}",
        "No such transfer: {asked}.",
    ),
    errors.ExceedsTransfer: (
        "EXCEEDS_TRANSFER",
        "数量超过批准数量或在途数量，请减少数量",
        "The quantity exceeds what was approved or is in transit: reduce it.",
    ),
    errors.ReasonNeeded: (
        "REASON_NEEDED",
        "有差异的商品须填写原因",
        "Give a reason for every product that differs.",
    ),
    errors.UnknownNotification: (
        "UNKNOWN_NOTIFICATION",
        "没有这个通知渠道、Webhook、订阅或发送记录：{asked}",
        "No such target, webhook, subscription or delivery: {asked}.",
    ),
    errors.UnknownAlert: ("UNKNOWN_ALERT", "没有这条预警：{asked}", "No such alert: {asked}."),
    errors.UnknownSupplier: (
        "UNKNOWN_SUPPLIER",
        "没有这个供应商：{asked}",
        "No such supplier: {asked}.",
    ),
    errors.UnknownPurchaseOrder: (
        "UNKNOWN_PURCHASE_ORDER",
        "没有这张采购单：{asked}",
        "No such purchase order: {asked}.",
    ),
    errors.DeliveryExceedsOrder: (
        "DELIVERY_EXCEEDS_ORDER",
        "到货数量超过订货数量，请核对数量，或填写原因后多收",
        "More arrived than is missing from the order: check the quantity, or give a reason to "
        "accept it.",
    ),
    errors.UnknownWriteOff: (
        "UNKNOWN_WRITE_OFF",
        "没有这张报损单：{asked}",
        "No such write-off: {asked}.",
    ),
    errors.OverLimit: (
        "OVER_LIMIT",
        "金额 {value} 元超出您的审批额度 {limit} 元，请由额度更高的人审批",
        "This costs {value} yuan; you may approve at most {limit}. Ask a colleague with a higher "
        "limit.",
    ),
    errors.UnknownChannelLink: (
        "UNKNOWN_CHANNEL_LINK",
        "没有这个渠道店铺：{asked}",
        "No such channel account: {asked}.",
    ),
    errors.Unreadable: ("UNREADABLE", "{text.zh}", "{text.en}"),
    errors.UnknownPass: ("UNKNOWN_PASS", "没有这张次卡：{asked}", "No such pass: {asked}."),
    errors.NotEnoughUses: (
        "NOT_ENOUGH_USES",
        "次卡剩余 {left} 次，不足 {requested} 次",
        "The pass has {left} uses left; {requested} were requested.",
    ),
    errors.UnknownStaff: (
        "UNKNOWN_STAFF",
        "没有这位员工：{asked}",
        "No such staff account: {asked}.",
    ),
    errors.UnknownApiKey: (
        "UNKNOWN_API_KEY",
        "没有这个接口密钥：{asked}",
        "No such API key: {asked}.",
    ),
    errors.InvalidQuantity: (
        "INVALID_QUANTITY",
        "数量 {quantity} 无效：须大于 0，且能换算成整数个最小单位",
        "Quantity {quantity} is not valid: it must be above 0, and whole in the smallest unit.",
    ),
    errors.Indivisible: (
        "INDIVISIBLE",
        "配方用量不能换算成整数个最小单位，请按建议调整用量，或改用更小的单位",
        "The quantities do not divide into the smallest unit: use the nearest quantity, or keep "
        "the product in a finer unit.",
    ),
    errors.RecipeCycle: (
        "RECIPE_CYCLE",
        "配方循环：商品不能直接或间接成为自己的配料",
        "A product cannot be its own component, directly or through other recipes.",
    ),
    errors.UnknownBatch: (
        "UNKNOWN_BATCH",
        "没有这个批次：{batch}，请核对批号和到期日",
        "The product has no such batch: {batch}.",
    ),
    errors.BatchExpired: (
        "BATCH_EXPIRED",
        "该批次 {expired_on} 到期，已过期或保质期不够，请换一个批次",
        "The last day of sale of the batch is {expired_on}: it has expired or does not last until "
        "it is handed over. Choose another batch.",
    ),
    errors.VersionConflict: (
        "VERSION_CONFLICT",
        "库存刚刚变动，请刷新后重试",
        "The level has changed since it was read: read it again and retry.",
    ),
    errors.KeyReused: (
        "KEY_REUSED",
        "重复提交但内容不同，请刷新后重试",
        "This key was used for a different input: send a new key.",
    ),
    errors.WrongState: ("WRONG_STATE", "{reason.value.zh}", "{reason.value.en}."),
    errors.ReturnExceedsSale: (
        "RETURN_EXCEEDS_SALE",
        "退货数量 {requested} 超过可退数量 {returnable}（已售 {sold}，已退 {returned}）",
        "{requested} exceed the {returnable} that can be returned "
        "({sold} sold, {returned} returned before).",
    ),
    errors.AlreadyTaken: (
        "ALREADY_TAKEN",
        "{name.zh} {value} 已存在",
        "{name.en} {value} already exists.",
    ),
    errors.SignInFailed: (
        "SIGN_IN_FAILED",
        "账号或密码不正确",
        "The login or the password is wrong.",
    ),
    errors.SessionEnded: (
        "SESSION_ENDED",
        "登录已失效，请重新登录",
        "The session has ended: sign in again.",
    ),
    errors.WrongPassword: (
        "WRONG_PASSWORD",
        "原密码不正确",
        "The old password is wrong.",
    ),
    errors.UnknownSession: (
        "UNKNOWN_SESSION",
        "没有这个会话，可能已结束：{asked}",
        "No such session, or it has ended: {asked}.",
    ),
    errors.TooManyAttempts: (
        "TOO_MANY_ATTEMPTS",
        "尝试次数过多，请在 {retry_after} 秒后再试",
        "Too many attempts: try again in {retry_after} seconds.",
    ),
    errors.GuestLimitReached: (
        "GUEST_LIMIT_REACHED",
        "未登录顾客可预订的数量已满，请登录后下单，或减少数量",
        "Guests already reserve their whole share of these products: sign in to order, or order "
        "less.",
    ),
    errors.TooManyOrders: (
        "TOO_MANY_ORDERS",
        "已有 {open} 个未付款订单，请先付款或取消",
        "{open} orders are not paid yet: pay or cancel one first.",
    ),
    errors.Busy: (
        "BUSY",
        "系统繁忙，没有写入任何数据，请原样重试",
        "The system is busy and wrote nothing: send the same request again.",
    ),
}
"""By refusal: the code, and the message in Chinese and in English.

Refusals that several topics share are listed; a topic's own are added by their problems.
"""

Code: Any = Enum("Code", [(code, code) for code, _, _ in WORDS.values()])
ProblemCode = strawberry.enum(
    Code,
    name="ProblemCode",
    description="Code of a problem, for programs; each code has a type of its own. 错误代码",
)


def add_words(refusal: type[Refusal], words: Text) -> None:
    """Add a refusal of one topic: its code, which is its name, and its message."""
    code = re.sub(r"(?<!^)(?=[A-Z])", "_", refusal.__name__).upper()
    WORDS[refusal] = (code, words.zh, words.en)
    values = definition(ProblemCode).values
    values.append(EnumValue(code, code))
    # The order of imports does not change the contract.
    values.sort(key=attrgetter("name"))


def message_of(refusal: Refusal, language: str) -> str:
    """The message of a refusal, from the refusal's own fields."""
    _, zh, en = WORDS[type(refusal)]
    facts: dict[str, Any] = {each.name: getattr(refusal, each.name) for each in fields(refusal)}
    match refusal:
        case errors.UnknownProduct():
            facts["asked"] = ("、" if language == "zh" else ", ").join(refusal.asked)
        case errors.UnknownBatch(_, number, expires_on):
            facts["batch"] = " ".join(str(each) for each in (number, expires_on) if each)
        case errors.AlreadyTaken():
            facts["name"] = Text(*NAMES.get(refusal.field, (refusal.field, refusal.field)))
        case stocktake_errors.StocktakeBlocked():
            facts["count"] = len(refusal.lines)
        case limits.SecondPersonNeeded():
            facts["limit"] = money(refusal.limit)
        case errors.OverLimit():
            facts |= {"limit": money(refusal.limit), "value": money(refusal.value)}
        case errors.ReturnExceedsSale():
            amounts = {name: facts[name] for name in ("sold", "returned", "requested")}
            amounts["returnable"] = refusal.sold - refusal.returned
            facts |= {name: quantity(base, refusal.scale) for name, base in amounts.items()}
        case _:
            pass
    return masked((zh if language == "zh" else en).format(**facts))


async def localised(refusal: Refusal, info: Info) -> str:
    """The message of a refusal, with the names and units of the products that it is about."""
    language = info.context.language
    match refusal:
        case errors.OutOfStock():
            return await _shortages(refusal, info, language)
        case limits.SecondPersonNeeded(approval_id=UUID() as approval):
            return await _second_person(refusal, approval, info, language)
        case errors.InvalidQuantity():
            product = await info.context.loaders_of(refusal).products.load(refusal.product_id)
            return _quantity(refusal, product, language)
        case _:
            return message_of(refusal, language)


async def _second_person(
    refusal: limits.SecondPersonNeeded, approval: UUID, info: Info, language: str
) -> str:
    """The message with the names of colleagues who may confirm the movement."""
    loaders = info.context.loaders_of(refusal)
    ids = (await loaders.approvers.load(approval) or [])[:MOST_NAMES]
    names = [actor.name for actor in await loaders.actors.load_many(ids) if actor is not None]
    if not names:
        return message_of(refusal, language)
    limit = money(refusal.limit)
    return (
        f"金额超过您的额度 {limit} 元，请由{'或'.join(names)}确认"
        if language == "zh"
        else f"This costs more than the {limit} yuan that you may book alone: "
        f"{' or '.join(names)} must confirm it."
    )


async def _shortages(refusal: errors.OutOfStock, info: Info, language: str) -> str:
    """The message with the products that are short, and the quantities if the viewer may see
    stock."""
    ids = [each.product_id for each in refusal.shortages]
    products = await info.context.loaders_of(refusal).products.load_many(ids)
    sees, parts = info.context.sees(Can.SEE_STOCK, refusal), list[str]()
    for each, product in zip(refusal.shortages, products, strict=True):
        if product is None:
            continue
        amount = quantity(each.requested, each.scale)
        exact = sees and each.available is not None
        there = quantity(each.available or 0, each.scale)
        if language == "zh":
            text = f"需要 {amount} {product.unit}，现有 {there} {product.unit}" if exact else ""
        else:
            text = f" ({amount} {product.unit} needed, {there} available)" if exact else ""
        parts.append(f"{product.name}{text}")
    if not parts:
        return message_of(refusal, language)
    return (
        f"库存不足：{'；'.join(parts)}"
        if language == "zh"
        else f"Out of stock: {'; '.join(parts)}."
    )


def _quantity(refusal: errors.InvalidQuantity, product: Any, language: str) -> str:
    """Says which rule the quantity breaks: above 0, whole units, not too large."""
    sent = Decimal(refusal.quantity) if EXACT.fullmatch(refusal.quantity) else None
    if product is None or sent is None:
        return message_of(refusal, language)
    if sent <= 0:
        zh, en = "须大于 0", "it must be above 0"
    elif product.scale == 1 and sent != int(sent):
        zh, en = (
            f"该商品只能按整{product.unit}销售",
            f"the product is counted in whole {product.unit}",
        )
    elif to_base(sent, product.scale) is None:
        zh, en = "不能换算成整数个最小单位", "it is not whole in the smallest unit, or too large"
    else:
        zh = "数量过大，或不能换算成整数个最小单位"
        en = "it is too large, or is not whole in the smallest unit"
    if language == "zh":
        return f"{product.name}数量 {refusal.quantity} 无效：{zh}"
    return f"{product.name}: quantity {refusal.quantity} is not valid: {en}."
