"""Refusals: expected failures as values. The schema shows them as problems."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from enum import Enum
from typing import NamedTuple
from uuid import UUID


class Text(NamedTuple):
    """A message for people in both languages."""

    zh: str
    en: str


@dataclass(frozen=True, slots=True)
class Refusal:
    """An expected failure. It is returned, never raised; `Refused` carries one out of a unit.

    `path` names the part of the input that is refused, such as ("lines", "2", "quantity").
    """

    path: tuple[str, ...] | None = field(default=None, compare=False, kw_only=True)


class Refused(Exception):
    """Carries one refusal out of a unit of work, which rolls back."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal)
        self.refusal = refusal


class Malformed(Exception):
    """An argument that no client should send; shown as a BAD_INPUT error.

    `field` is the argument, or the field of `input`, in the spelling of the schema.
    """

    def __init__(self, field: str | None, zh: str, en: str) -> None:
        super().__init__(f"{zh} / {en}")
        self.path: tuple[str, ...] = (field,) if field else ()
        self.text = Text(zh, en)


class Denied(Exception):
    """The caller is unknown (UNAUTHENTICATED) or lacks a permission (FORBIDDEN)."""

    def __init__(self, code: str, zh: str, en: str) -> None:
        super().__init__(f"{zh} / {en}")
        self.code = code
        self.text = Text(zh, en)


class RateLimited(Exception):
    """The caller asks for too much at once; shown as a RATE_LIMITED error with `retryAfter`.

    `retry_after` is in seconds.
    """

    def __init__(self, retry_after: int, zh: str, en: str) -> None:
        super().__init__(f"{zh} / {en}")
        self.retry_after = retry_after
        self.text = Text(zh, en)


@dataclass(frozen=True, slots=True)
class Shortage:
    """`requested` and `available` are base units of a product whose unit has `scale` of them."""

    product_id: UUID
    requested: int
    available: int
    scale: int


@dataclass(frozen=True, slots=True)
class OutOfStock(Refusal):
    shortages: tuple[Shortage, ...]


@dataclass(frozen=True, slots=True)
class UnknownProduct(Refusal):
    """`asked` has the ids, SKUs or barcodes that match no product."""

    asked: tuple[str, ...]


def unknown_products(missing: Iterable[UUID]) -> Refused:
    """The exception to raise when no products have these ids."""
    return Refused(UnknownProduct(tuple(sorted(map(str, missing)))))


@dataclass(frozen=True, slots=True)
class UnknownStore(Refusal):
    asked: str


@dataclass(frozen=True, slots=True)
class UnknownCategory(Refusal):
    asked: str


@dataclass(frozen=True, slots=True)
class UnknownMovement(Refusal):
    asked: str


@dataclass(frozen=True, slots=True)
class UnknownOrder(Refusal):
    asked: str


@dataclass(frozen=True, slots=True)
class UnknownTransfer(Refusal):
    asked: str


@dataclass(frozen=True, slots=True)
class UnknownSupplier(Refusal):
    asked: str


@dataclass(frozen=True, slots=True)
class UnknownPurchaseOrder(Refusal):
    asked: str


@dataclass(frozen=True, slots=True)
class Delivery:
    """A product of which more arrived than is missing, in base units.

    `received` is the quantity of earlier deliveries.
    """

    product_id: UUID
    ordered: int
    received: int
    requested: int
    scale: int


@dataclass(frozen=True, slots=True)
class DeliveryExceedsOrder(Refusal):
    """Every product of which more arrived than is missing, or that was not ordered."""

    deliveries: tuple[Delivery, ...]


@dataclass(frozen=True, slots=True)
class UnknownAlert(Refusal):
    asked: str


@dataclass(frozen=True, slots=True)
class UnknownWriteOff(Refusal):
    asked: str


@dataclass(frozen=True, slots=True)
class OverLimit(Refusal):
    """The write-off costs more than the role may approve; both in 1/10000 yuan."""

    limit: int
    value: int


@dataclass(frozen=True, slots=True)
class UnknownChannelLink(Refusal):
    asked: str


@dataclass(frozen=True, slots=True)
class Unreadable(Refusal):
    """One of many operations is not valid; `text` says why."""

    text: Text


@dataclass(frozen=True, slots=True)
class UnknownPass(Refusal):
    asked: str


@dataclass(frozen=True, slots=True)
class NotEnoughUses(Refusal):
    """The pass has fewer uses left than requested."""

    left: int
    requested: int


@dataclass(frozen=True, slots=True)
class UnknownStaff(Refusal):
    asked: str


@dataclass(frozen=True, slots=True)
class UnknownApiKey(Refusal):
    asked: str


@dataclass(frozen=True, slots=True)
class InvalidQuantity(Refusal):
    """A quantity that is not positive, is too large, or does not divide into base units."""

    product_id: UUID
    quantity: str


@dataclass(frozen=True, slots=True)
class NotWhole:
    """A recipe component whose quantity does not divide into whole base units per unit made.

    `nearest` is the nearest quantity that divides, in base units like `quantity`. `finer_unit`
    is the unit to keep the product in instead, None if it is in the finest already.
    """

    product_id: UUID
    quantity: int
    nearest: int
    scale: int
    finer_unit: str | None


@dataclass(frozen=True, slots=True)
class Indivisible(Refusal):
    """Every component of the recipe that does not divide."""

    parts: tuple[NotWhole, ...]


@dataclass(frozen=True, slots=True)
class RecipeCycle(Refusal):
    """The product would be its own component; `way` begins and ends with it."""

    way: tuple[UUID, ...]


@dataclass(frozen=True, slots=True)
class UnknownBatch(Refusal):
    """The product has no batch with this number."""

    product_id: UUID
    number: str


@dataclass(frozen=True, slots=True)
class BatchExpired(Refusal):
    """The requested batch must not be sold after `expired_on`."""

    product_id: UUID
    expired_on: date


@dataclass(frozen=True, slots=True)
class VersionConflict(Refusal):
    """The level has changed since the client read it."""

    product_id: UUID
    expected: int
    version: int
    available: int
    scale: int


@dataclass(frozen=True, slots=True)
class KeyReused(Refusal):
    key: UUID


class WrongStateReason(Enum):
    """Why a state does not allow an operation; the state of a document, or a rule."""

    REVERSED = Text("该单据已冲销", "The movement is already reversed")
    RETURNED = Text(
        "该销售已有退货，不能冲销",
        "Goods of this sale were already returned: it cannot be reversed",
    )
    REVERSAL = Text("冲销单不能再冲销", "A reversal cannot be reversed")
    NOT_A_SALE = Text(
        "只有销售单和已交付的订单可以退货",
        "Only sales and fulfilled orders can be returned",
    )
    ARCHIVED = Text("该商品或供应商已停用", "The product or supplier is archived")
    SELF = Text("不能修改自己的账号", "You cannot change your own account")
    LAST_OWNER = Text("至少保留一位老板", "The last owner keeps the role")
    PASS = Text("次卡请用售卡功能销售", "The product is a pass: sell it as a pass")
    DOCUMENT = Text(
        "该变动属于其他单据，请在原单据上操作",
        "The movement belongs to a document: change the document instead",
    )
    NO_RECIPE = Text(
        "该商品还没有配方，请先设置配方",
        "The product has no recipe yet: set one first",
    )
    NOT_STOCKED = Text("该商品按单制作，没有库存", "The product is made to order and has no stock")
    REDEEMED_LATER = Text(
        "该服务在核销时扣料，请售卖次卡",
        "The service is consumed at redemption: sell a pass",
    )
    NOT_A_SERVICE = Text("该商品不是服务项目", "The product is not a service")
    EXTENDED = Text("预占已延长过一次，不能再延长", "The hold was already extended once")
    DISCONNECTED = Text("渠道店铺已断开", "The channel account is disconnected")
    NOTHING_LOW = Text("目前没有需要补货的商品", "No product needs replenishment")
    OWN_REQUEST = Text("不能审批自己提交的报损单", "You cannot approve your own write-off request")
    HELD = Text("订单未付款，请先收款", "The order is not paid: take the payment first")
    PAID = Text("订单已付款", "The order is already paid")
    FULFILLED = Text("订单已交付", "The order is already handed over")
    CANCELLED = Text("单据已取消", "The document is cancelled")
    EXPIRED = Text("已过期", "It has expired")
    ACTIVE = Text("次卡仍有效", "The pass is active")
    USED = Text("次卡次数已用完", "The pass has no uses left")
    REFUNDED = Text("次卡已退", "The pass is refunded")
    REQUESTED = Text("申请还未审批", "The request is not decided yet")
    APPROVED = Text("申请已批准", "The request is already approved")
    REJECTED = Text("申请已驳回", "The request is rejected")
    SHIPPED = Text("调拨单已发货", "The transfer is already shipped")
    PARTIAL = Text("单据已部分收货", "The document is received in part")
    RECEIVED = Text("单据已全部收货", "The document is completely received")
    OPEN = Text("采购单还未收货", "Nothing of the purchase order is received yet")
    CLOSED = Text("采购单已结单", "The purchase order is closed")


@dataclass(frozen=True, slots=True)
class WrongState(Refusal):
    """The state of a row, or a rule, does not allow the operation."""

    reason: WrongStateReason


@dataclass(frozen=True, slots=True)
class ReturnExceedsSale(Refusal):
    product_id: UUID
    sold: int
    returned: int
    requested: int
    scale: int


@dataclass(frozen=True, slots=True)
class Excess:
    """A product whose quantity exceeds the allowed one, in base units."""

    product_id: UUID
    requested: int
    allowed: int
    scale: int


@dataclass(frozen=True, slots=True)
class ExceedsTransfer(Refusal):
    """The shipment exceeds the approved quantity, or the receipt what is in transit."""

    excesses: tuple[Excess, ...]


@dataclass(frozen=True, slots=True)
class ReasonNeeded(Refusal):
    """Lines of these products differ and lack a reason."""

    product_ids: tuple[UUID, ...]


@dataclass(frozen=True, slots=True)
class AlreadyTaken(Refusal):
    """`field` (sku, barcode, login, code, name, number) already has `value` elsewhere."""

    field: str
    value: str


@dataclass(frozen=True, slots=True)
class SignInFailed(Refusal):
    """Login or password is wrong; the answer does not say which."""


@dataclass(frozen=True, slots=True)
class SessionEnded(Refusal):
    """The refresh token is unknown, expired, or was used before: sign in again."""


@dataclass(frozen=True, slots=True)
class TooManyAttempts(Refusal):
    """Too many failed sign-ins; try again after `retry_after` seconds."""

    retry_after: int


@dataclass(frozen=True, slots=True)
class TooManyOrders(Refusal):
    """The guest has `open` unpaid orders in the store."""

    open: int


@dataclass(frozen=True, slots=True)
class Busy(Refusal):
    """The system is busy and wrote nothing; the same key may be sent again."""
