"""Problems: windows on refusals, with a message in the viewer's language."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from typing import Any, TypeVar
from uuid import UUID

import strawberry
from strawberry.types import Info

from app.domain import errors
from app.domain.access import Can
from app.domain.errors import Refusal, Text
from app.schema.boundary import EVERY, public
from app.schema.catalog import Product
from app.schema.edges import edge, maybe_edge
from app.schema.messages import WORDS, ProblemCode, add_words, localised
from app.schema.scalars import Money, Quantity, Revision, amount, money, quantity
from app.schema.shortages import Excess, Shortage
from app.schema.window import as_window, definition, window

T = TypeVar("T", bound=type)


@public
@strawberry.interface(description="An expected failure; the request changed nothing. 预期内的失败")
class Problem:
    @strawberry.field(
        graphql_type=ProblemCode,
        description="Code for programs; it is the same in every language. 错误代码",
    )
    def code(self, root: strawberry.Parent[Refusal]) -> Any:
        return WORDS[type(root)][0]

    @strawberry.field(
        description="Message for people, in the language of Accept-Language: zh or en. 说明"
    )
    async def message(self, root: strawberry.Parent[Refusal], info: Info) -> str:
        return await localised(root, info)

    @strawberry.field(
        description="Part of the arguments that is refused, for example "
        '["input", "lines", "2", "quantity"]; positions count from 0. Null when no single part '
        "is refused. 出错的参数"
    )
    def path(self, root: strawberry.Parent[Refusal]) -> list[str] | None:
        return None if root.path is None else list(root.path)


def problem(
    refusal: type[Refusal], *, description: str, words: Text | None = None
) -> Callable[[T], T]:
    """A window on this refusal; its description is the one of the refusal's code too.

    `words` is the message of a refusal that belongs to one topic; those that several topics share
    are in `messages.py`.
    """
    if words is not None:
        add_words(refusal, words)
    for value in definition(ProblemCode).values:
        if value.name == WORDS[refusal][0]:
            value.description = description
    return window(refusal, public=EVERY, description=description)


def as_sent() -> Any:
    """The id that matched no row."""
    return strawberry.field(description="The id as it was sent. 所给编号")


@problem(
    errors.OutOfStock,
    description="Stock is not enough for these products; nothing was written. 库存不足",
)
class OutOfStock(Problem):
    @strawberry.field(
        description="Every product without enough stock; customers see the products of their own "
        "order. 缺货商品"
    )
    def shortages(self, root: strawberry.Parent[errors.OutOfStock]) -> list[Shortage]:
        return as_window([replace(each, tenant_id=root.tenant_id) for each in root.shortages])


@problem(errors.UnknownProduct, description="No product has this id, SKU or barcode. 商品不存在")
class UnknownProduct(Problem):
    asked: list[str] = strawberry.field(
        description="Each id, SKU or barcode that matched no product, as it was sent. 所给编码"
    )


@problem(errors.UnknownStore, description="No store visible to you has this id. 门店不存在")
class UnknownStore(Problem):
    asked: str = as_sent()


@problem(errors.UnknownCategory, description="No category has this id. 分类不存在")
class UnknownCategory(Problem):
    asked: str = as_sent()


@problem(
    errors.UnknownUnit,
    description="The unit is not a known one and cannot be changed later: confirm it. 单位待确认",
)
class UnknownUnit(Problem):
    asked: str = strawberry.field(description="The unit as it was understood. 单位")


@problem(errors.UnknownBarcode, description="The product has no such barcode. 条码不存在")
class UnknownBarcode(Problem):
    asked: str = as_sent()


@problem(errors.UnknownMovement, description="No movement visible to you has this id. 单据不存在")
class UnknownMovement(Problem):
    asked: str = as_sent()


@problem(errors.UnknownOrder, description="No order visible to you has this id. 订单不存在")
class UnknownOrder(Problem):
    asked: str = as_sent()


@problem(errors.UnknownTransfer, description="No transfer visible to you has this id. 调拨单不存在")
class UnknownTransfer(Problem):
    asked: str = as_sent()


@problem(
    errors.ExceedsTransfer,
    description="The shipment exceeds the approved quantity, or the receipt exceeds what is in "
    "transit. 超出调拨数量",
)
class ExceedsTransfer(Problem):
    excesses: list[Excess] = strawberry.field(
        description="Every product whose quantity is too large. 超量商品"
    )


@problem(errors.ReasonNeeded, description="Lines with a difference need a reason. 缺少差异原因")
class ReasonNeeded(Problem):
    @strawberry.field(description="Products whose lines lack a reason. 缺少原因的商品")
    async def products(
        self, root: strawberry.Parent[errors.ReasonNeeded], info: Info
    ) -> list[Product]:
        return await info.context.loaders_of(root).products.load_many(list(root.product_ids))


@problem(errors.UnknownSupplier, description="No supplier visible to you has this id. 供应商不存在")
class UnknownSupplier(Problem):
    asked: str = as_sent()


@problem(errors.UnknownPurchaseOrder, description="No purchase order has this id. 采购单不存在")
class UnknownPurchaseOrder(Problem):
    asked: str = as_sent()


@problem(
    errors.UnknownChannelLink,
    description="No channel account visible to you has this id. 渠道店铺不存在",
)
class UnknownChannelLink(Problem):
    asked: str = as_sent()


@problem(errors.UnknownAlert, description="No alert visible to you has this id. 预警不存在")
class UnknownAlert(Problem):
    asked: str = as_sent()


@problem(
    errors.UnknownWriteOff, description="No write-off visible to you has this id. 报损单不存在"
)
class UnknownWriteOff(Problem):
    asked: str = as_sent()


@problem(
    errors.OverLimit,
    description="The write-off or movement costs more than your role may approve. 超出审批额度",
)
class OverLimit(Problem):
    @strawberry.field(description="Highest amount your role may approve, in CNY. 审批额度")
    def limit(self, root: strawberry.Parent[errors.OverLimit]) -> Money:
        return money(root.limit)

    @strawberry.field(description="Cost of the write-off or movement in CNY. 金额")
    def value(self, root: strawberry.Parent[errors.OverLimit]) -> Money:
        return money(root.value)


@problem(
    errors.Unreadable,
    description="One operation of the batch is not valid; the others are booked. 无法读取",
)
class Unreadable(Problem):
    @strawberry.field(description="Why the operation is not valid. 原因")
    def reason(self, root: strawberry.Parent[errors.Unreadable], info: Info) -> str:
        return root.text.zh if info.context.language == "zh" else root.text.en


@problem(errors.UnknownPass, description="No pass visible to you has this id. 次卡不存在")
class UnknownPass(Problem):
    asked: str = as_sent()


@problem(errors.NotEnoughUses, description="The pass has fewer uses left than requested. 次数不足")
class NotEnoughUses(Problem):
    left: int = strawberry.field(description="Uses left on the pass. 剩余次数")
    requested: int = strawberry.field(description="Uses that the request needs. 需要次数")


@problem(errors.UnknownStaff, description="No staff account visible to you has this id. 员工不存在")
class UnknownStaff(Problem):
    asked: str = as_sent()


@problem(errors.UnknownApiKey, description="No API key visible to you has this id. 密钥不存在")
class UnknownApiKey(Problem):
    asked: str = as_sent()


@problem(
    errors.InvalidQuantity,
    description="The quantity is not above 0, is too large, or does not divide into base units. "
    "数量无效",
)
class InvalidQuantity(Problem):
    product: Product = edge("products", "product_id", "Product that the problem is about. 商品")
    quantity: str = strawberry.field(description="The quantity as it was sent. 提交的数量")


@window(
    errors.NotWhole,
    description="A recipe component that does not divide into base units. 不能整除的配料",
)
class NotWhole:
    product: Product = edge("products", "product_id", "Product that the problem is about. 商品")
    finer_unit: str | None = strawberry.field(
        description="Unit to keep the product in instead; null if it is in the finest unit "
        "already. 建议单位"
    )
    quantity: Quantity = amount("quantity", "Quantity sent, in the product's unit. 提交的用量")
    nearest: Quantity = amount("nearest", "Nearest quantity that divides. 建议用量")


@problem(
    errors.Indivisible,
    description="A component's quantity does not divide into whole base units. 配方不能整除",
)
class Indivisible(Problem):
    parts: list[NotWhole] = strawberry.field(
        description="Every component that does not divide. 不能整除的配料"
    )


@problem(errors.RecipeCycle, description="The product would be its own component. 配方循环")
class RecipeCycle(Problem):
    @strawberry.field(
        description="Products from this one, through its components, back to itself. 循环路径"
    )
    async def way(self, root: strawberry.Parent[errors.RecipeCycle], info: Info) -> list[Product]:
        return await info.context.loaders_of(root).products.load_many(list(root.way))


@problem(
    errors.UnknownBatch,
    description="The product has no batch with this number and expiry. 批次不存在",
)
class UnknownBatch(Problem):
    product: Product = edge("products", "product_id", "Product that the problem is about. 商品")
    number: str = strawberry.field(
        description="The batch number as it was sent; empty if only an expiry was sent. 批号"
    )
    expires_on: date | None = strawberry.field(
        description="The expiry as it was sent; null if there was none. 到期日"
    )


@problem(
    errors.BatchExpired,
    description="The batch has expired, or expires before it is handed over. 批次已过期",
)
class BatchExpired(Problem):
    product: Product = edge("products", "product_id", "Product that the problem is about. 商品")
    expired_on: date = strawberry.field(
        description="Last day on which the batch may be sold. 到期日"
    )


@problem(errors.VersionConflict, description="The level has changed since you read it. 版本冲突")
class VersionConflict(Problem):
    product: Product = edge("products", "product_id", "Product that the problem is about. 商品")
    expected: Revision = strawberry.field(description="The version that was sent. 提交的版本")
    version: Revision = strawberry.field(description="Version of the level now. 当前版本")
    available: Quantity = amount("available", "Quantity available now. 现有数量")


@problem(
    errors.KeyReused, description="The key was used before with a different input. key 重复使用"
)
class KeyReused(Problem):
    key: UUID = strawberry.field(description="The key as it was sent. 幂等键")


strawberry.enum(
    errors.WrongStateReason,
    name="WrongStateReason",
    description="Why a state or a rule does not allow the operation. 不允许的原因",
)
for _reason in definition(errors.WrongStateReason).values:
    _text = errors.WrongStateReason[_reason.name].value
    _reason.description = f"{_text.en}. {_text.zh}"


@problem(
    errors.WrongState,
    description="The state of the document, or a rule, does not allow the operation. 状态不允许",
)
class WrongState(Problem):
    reason: errors.WrongStateReason = strawberry.field(
        description="State or rule that does not allow it. 原因"
    )
    document_id: UUID | None = strawberry.field(
        description="ID of another document that stands in the way, such as the stocktake that "
        "counts the same products; null if there is none. 冲突单据"
    )

    @strawberry.field(
        description="Name of the reason, as `reason` spells it. 原因的名称",
        deprecation_reason="Use `reason`, which is an enum.",
    )
    def state(self, root: strawberry.Parent[errors.WrongState]) -> str:
        return root.reason.name


@problem(
    errors.ReturnExceedsSale,
    description="The return exceeds what was sold and not yet returned. 超量退货",
)
class ReturnExceedsSale(Problem):
    product: Product = edge("products", "product_id", "Product that the problem is about. 商品")

    @strawberry.field(description="Quantity sold, in the product's unit. 已售数量")
    def sold(self, root: strawberry.Parent[errors.ReturnExceedsSale]) -> Quantity:
        return quantity(root.sold, root.scale)

    @strawberry.field(description="Quantity returned by earlier returns. 已退数量")
    def returned(self, root: strawberry.Parent[errors.ReturnExceedsSale]) -> Quantity:
        return quantity(root.returned, root.scale)

    @strawberry.field(description="Quantity that this return would add. 退货数量")
    def requested(self, root: strawberry.Parent[errors.ReturnExceedsSale]) -> Quantity:
        return quantity(root.requested, root.scale)


@problem(errors.AlreadyTaken, description="Another row already has this value. 已被占用")
class AlreadyTaken(Problem):
    field: str = strawberry.field(
        description="Field that must be unique: sku, barcode, login, code, name or number. 字段"
    )
    value: str = strawberry.field(description="The value that is taken. 已存在的值")
    product: Product | None = maybe_edge(
        "products",
        "product_id",
        "Product that has this SKU or barcode; null for any other field, or if you lack "
        "SEE_CATALOG. 占用的商品",
        Can.SEE_CATALOG,
    )


@problem(
    errors.Busy,
    description="The system is busy and wrote nothing; retry with the same key. 繁忙",
)
class Busy(Problem):
    retryable: bool = strawberry.field(
        resolver=lambda: True, description="Always true: the request may be repeated. 可重试"
    )


def members(*types: Any) -> Any:
    """The union type of these windows, for `Annotated[..., strawberry.union(name)]`."""
    union = types[0]
    for other in types[1:]:
        union = union | other
    return union
