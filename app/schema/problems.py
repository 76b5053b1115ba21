"""Problems: windows on refusals, with a message in the viewer's language."""

from datetime import date
from typing import Any
from uuid import UUID

import strawberry
from strawberry.types import Info

from app.domain import errors
from app.domain.errors import Refusal
from app.schema.catalog import Product
from app.schema.edges import edge
from app.schema.messages import WORDS, ProblemCode, localised
from app.schema.scalars import Money, Quantity, Revision, amount, money, quantity
from app.schema.window import definition, window


@strawberry.interface(description="An expected failure: nothing was written. 预期内的失败")
class Problem:
    @strawberry.field(description="For programs: it does not change with the language.")
    def code(self, root: strawberry.Parent[Refusal]) -> ProblemCode:  # pyright: ignore[reportInvalidTypeForm]
        return ProblemCode[WORDS[type(root)][0]]  # pyright: ignore[reportIndexIssue]

    @strawberry.field(
        description="For people, in the language of Accept-Language: zh (the default) or en. 说明"
    )
    async def message(self, root: strawberry.Parent[Refusal], info: Info) -> str:
        return await localised(root, info)

    @strawberry.field(
        description="The part of the arguments that is refused, for example "
        '["input", "lines", "2", "quantity"]; positions count from 0. Null when no single part '
        "is. 出错的参数"
    )
    def path(self, root: strawberry.Parent[Refusal]) -> list[str] | None:
        return None if root.path is None else list(root.path)


@window(errors.Shortage, description="One product there is not enough of. 缺货明细")
class Shortage:
    product: Product = edge("products", "product_id")
    requested: Quantity = amount("requested", "Asked for, all lines of the request together.")
    available: Quantity = amount("available", "What is there now.")


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


@window(errors.UnknownTransfer, description="No transfer of yours has this id. 调拨单不存在")
class UnknownTransfer(Problem):
    asked: str


@window(errors.Excess, description="More of a product than there may be. 超量明细")
class Excess:
    product: Product = edge("products", "product_id")
    requested: Quantity = amount("requested", "As it was sent, all lines together.")
    allowed: Quantity = amount("allowed", "Approved and not shipped, or still in transit.")


@window(
    errors.ExceedsTransfer,
    description="More than was approved would be shipped, or more than is in transit be accounted "
    "for. 超出调拨数量",
)
class ExceedsTransfer(Problem):
    excesses: list[Excess] = strawberry.field(description="Every product that is too much.")


@window(errors.ReasonNeeded, description="What differs needs a reason. 缺少差异原因")
class ReasonNeeded(Problem):
    @strawberry.field(description="The products whose lines lack a reason.")
    async def products(
        self, root: strawberry.Parent[errors.ReasonNeeded], info: Info
    ) -> list[Product]:
        return await info.context.loaders.products.load_many(list(root.product_ids))


@window(errors.UnknownSupplier, description="No supplier of yours has this id. 供应商不存在")
class UnknownSupplier(Problem):
    asked: str


@window(errors.UnknownPurchaseOrder, description="No purchase order has this id. 采购单不存在")
class UnknownPurchaseOrder(Problem):
    asked: str


@window(errors.UnknownChannelLink, description="No shop of yours has this id. 渠道店铺不存在")
class UnknownChannelLink(Problem):
    asked: str


@window(errors.UnknownAlert, description="No alert of yours has this id. 预警不存在")
class UnknownAlert(Problem):
    asked: str


@window(errors.UnknownWriteOff, description="No write-off of yours has this id. 报损单不存在")
class UnknownWriteOff(Problem):
    asked: str


@window(errors.OverLimit, description="It costs more than your role approves. 超出审批额度")
class OverLimit(Problem):
    @strawberry.field(description="Yuan that your role approves at most. 审批额度")
    def limit(self, root: strawberry.Parent[errors.OverLimit]) -> Money:
        return money(root.limit)

    @strawberry.field(description="Yuan that the write-off costs. 报损金额")
    def value(self, root: strawberry.Parent[errors.OverLimit]) -> Money:
        return money(root.value)


@window(
    errors.Unreadable, description="This operation is not valid; the others are booked. 无法读取"
)
class Unreadable(Problem):
    @strawberry.field(description="Why the operation is not valid. 原因")
    def reason(self, root: strawberry.Parent[errors.Unreadable], info: Info) -> str:
        return root.text.zh if info.context.language == "zh" else root.text.en


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
    quantity: Quantity = amount("quantity", "As it was asked for, in the product's unit.")
    nearest: Quantity = amount("nearest", "The nearest quantity that divides. 建议用量")


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
    available: Quantity = amount("available", "What is available now.")


@window(errors.KeyReused, description="The key already answered another input. key 重复使用")
class KeyReused(Problem):
    key: UUID = strawberry.field(description="The key that was sent. 幂等键")


strawberry.enum(
    errors.WrongStateReason,
    name="WrongStateReason",
    description="Why a state or a rule does not allow the operation. 不允许的原因",
)
for _reason in definition(errors.WrongStateReason).values:
    _text = errors.WrongStateReason[_reason.name].value
    _reason.description = f"{_text.en}. {_text.zh}"


@window(
    errors.WrongState,
    description="The state of a row, or a rule, does not allow this operation. 状态不允许",
)
class WrongState(Problem):
    reason: errors.WrongStateReason = strawberry.field(
        description="The state, or the rule, that does not allow it. 原因"
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
    field: str = strawberry.field(description="sku, barcode, login, code, name or number.")
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
