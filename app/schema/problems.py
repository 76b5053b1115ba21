"""Problems: windows on refusals, with a message in the viewer's language."""

from dataclasses import fields
from datetime import date
from enum import Enum
from typing import Any

import strawberry
from strawberry.types import Info

from app.domain import errors
from app.domain.errors import Refusal
from app.schema.catalog import Product
from app.schema.edges import edge
from app.schema.scalars import Quantity, Revision, quantity
from app.schema.window import window

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
    errors.UnknownAlert: ("UNKNOWN_ALERT", "没有这条预警: {asked}", "No such alert: {asked}"),
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
        "当前状态不允许此操作: {state}",
        "Its state does not allow this: {state}",
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


@strawberry.interface(description="An expected failure: nothing was written. 预期内的失败")
class Problem:
    @strawberry.field(description="For programs: it does not change with the language.")
    def code(self, root: strawberry.Parent[Refusal]) -> ProblemCode:  # pyright: ignore[reportInvalidTypeForm]
        return ProblemCode[WORDS[type(root)][0]]  # pyright: ignore[reportIndexIssue]

    @strawberry.field(description="For people, in the language of Accept-Language (zh-CN or en).")
    def message(self, root: strawberry.Parent[Refusal], info: Info) -> str:
        return told(root, info.context.language)


@window(errors.Shortage, description="One product there is not enough of. 缺货明细")
class Shortage:
    product: Product = edge("products", "product_id")

    @strawberry.field(description="Asked for, all lines of the request together.")
    def requested(self, root: strawberry.Parent[errors.Shortage]) -> Quantity:
        return quantity(root.requested, root.scale)

    @strawberry.field(description="What is there now.")
    def available(self, root: strawberry.Parent[errors.Shortage]) -> Quantity:
        return quantity(root.available, root.scale)


@window(errors.OutOfStock, description="Nothing was written: these products are short. 库存不足")
class OutOfStock(Problem):
    shortages: list[Shortage] = strawberry.field(description="Every product that is short.")


@window(errors.UnknownProduct, description="No product has this id, sku or barcode. 商品不存在")
class UnknownProduct(Problem):
    asked: list[str]


@window(errors.UnknownStore, description="No store of yours has this id. 门店不存在")
class UnknownStore(Problem):
    asked: str


@window(errors.UnknownCategory, description="No category has this id. 分类不存在")
class UnknownCategory(Problem):
    asked: str


@window(errors.UnknownMovement, description="No movement of yours has this id. 单据不存在")
class UnknownMovement(Problem):
    asked: str


@window(errors.UnknownOrder, description="No order of yours has this id. 订单不存在")
class UnknownOrder(Problem):
    asked: str


@window(errors.UnknownChannelLink, description="No shop of yours has this id. 渠道店铺不存在")
class UnknownChannelLink(Problem):
    asked: str


@window(errors.UnknownAlert, description="No alert of yours has this id. 预警不存在")
class UnknownAlert(Problem):
    asked: str


@window(errors.Unreadable, description="This operation cannot be read; others can. 无法读取")
class Unreadable(Problem):
    reason: str = strawberry.field(description="What to mend.")


@window(errors.UnknownPass, description="No pass of yours has this id. 次卡不存在")
class UnknownPass(Problem):
    asked: str


@window(errors.NotEnoughUses, description="The pass has fewer uses left. 次数不足")
class NotEnoughUses(Problem):
    left: int
    requested: int


@window(errors.UnknownStaff, description="Nobody here has this id. 员工不存在")
class UnknownStaff(Problem):
    asked: str


@window(errors.UnknownApiKey, description="No API key of yours has this id. 密钥不存在")
class UnknownApiKey(Problem):
    asked: str


@window(errors.InvalidQuantity, description="Not positive, too large, or not divisible. 数量无效")
class InvalidQuantity(Problem):
    product: Product = edge("products", "product_id")
    quantity: str = strawberry.field(description="As it was sent.")


@window(errors.NotWhole, description="A part that does not divide. 不能整除的配料")
class NotWhole:
    product: Product = edge("products", "product_id")
    finer_unit: str | None = strawberry.field(
        description="What the product would have to be kept in; null when it is in the finest "
        "unit already. 建议单位"
    )

    @strawberry.field(description="As it was asked for, in the product's unit.")
    def quantity(self, root: strawberry.Parent[errors.NotWhole]) -> Quantity:
        return quantity(root.quantity, root.scale)

    @strawberry.field(description="The nearest quantity that divides. 建议用量")
    def nearest(self, root: strawberry.Parent[errors.NotWhole]) -> Quantity:
        return quantity(root.nearest, root.scale)


@window(errors.Indivisible, description="One unit would not take whole base units. 配方不能整除")
class Indivisible(Problem):
    parts: list[NotWhole] = strawberry.field(description="Every part that does not divide.")


@window(errors.RecipeCycle, description="A product would go into itself. 配方循环")
class RecipeCycle(Problem):
    @strawberry.field(description="The way from the product back to itself.")
    async def way(self, root: strawberry.Parent[errors.RecipeCycle], info: Info) -> list[Product]:
        return await info.context.loaders.products.load_many(list(root.way))


@window(errors.UnknownBatch, description="Nobody has received this batch number. 批号不存在")
class UnknownBatch(Problem):
    product: Product = edge("products", "product_id")
    number: str


@window(errors.BatchExpired, description="The batch that was named has expired. 批次已过期")
class BatchExpired(Problem):
    product: Product = edge("products", "product_id")
    expired_on: date = strawberry.field(description="Its last day of sale. 到期日")


@window(errors.VersionConflict, description="The level moved since you looked. 版本冲突")
class VersionConflict(Problem):
    product: Product = edge("products", "product_id")
    expected: Revision
    version: Revision = strawberry.field(description="The version now.")

    @strawberry.field(description="What is available now.")
    def available(self, root: strawberry.Parent[errors.VersionConflict]) -> Quantity:
        return quantity(root.available, root.scale)


@window(errors.KeyReused, description="The key already answered another input. key 重复使用")
class KeyReused(Problem):
    key: strawberry.ID


@window(errors.WrongState, description="It is not in a state that allows this. 状态不允许")
class WrongState(Problem):
    state: str = strawberry.field(
        description="What stands in the way: REVERSED, RETURNED, REVERSAL, NOT_A_SALE, ARCHIVED, "
        "SELF (not on oneself), LAST_OWNER, PASS (it is sold by sellPass), DOCUMENT (what it "
        "belongs to has mutations of its own), NO_RECIPE, NOT_STOCKED (it is made when ordered), "
        "REDEEMED_LATER (sell a pass), EXTENDED (an order is extended once), or the state of a "
        "pass or an order."
    )


@window(errors.ReturnExceedsSale, description="More than was sold and not yet returned. 超量退货")
class ReturnExceedsSale(Problem):
    product: Product = edge("products", "product_id")

    @strawberry.field
    def sold(self, root: strawberry.Parent[errors.ReturnExceedsSale]) -> Quantity:
        return quantity(root.sold, root.scale)

    @strawberry.field(description="Returned before.")
    def returned(self, root: strawberry.Parent[errors.ReturnExceedsSale]) -> Quantity:
        return quantity(root.returned, root.scale)

    @strawberry.field
    def requested(self, root: strawberry.Parent[errors.ReturnExceedsSale]) -> Quantity:
        return quantity(root.requested, root.scale)


@window(errors.AlreadyTaken, description="Somebody else has this value already. 已被占用")
class AlreadyTaken(Problem):
    field: str = strawberry.field(description="sku, barcode, login, code or name.")
    value: str


@window(errors.SignInFailed, description="The login or the password is wrong. 登录失败")
class SignInFailed(Problem):
    pass


@window(errors.SessionEnded, description="Sign in again. 会话已结束")
class SessionEnded(Problem):
    pass


@window(errors.TooManyAttempts, description="Wait before the next try. 尝试过多")
class TooManyAttempts(Problem):
    retry_after: int = strawberry.field(description="Seconds. 秒")


@window(
    errors.TooManyOrders,
    description="Whoever orders without signing in has too many unpaid orders. 未付款订单过多",
)
class TooManyOrders(Problem):
    open: int = strawberry.field(description="Unpaid orders in the store. 未付款订单数")


@window(errors.Busy, description="Nothing was written; send the same key again. 繁忙")
class Busy(Problem):
    retryable: bool = strawberry.field(resolver=lambda: True)


def members(*types: Any) -> Any:
    """The union type of these windows, for `Annotated[..., strawberry.union(name)]`."""
    found = types[0]
    for other in types[1:]:
        found = found | other
    return found
