"""Texts in both languages, and the reasons why a state does not allow an operation."""

from enum import Enum
from typing import NamedTuple


class Text(NamedTuple):
    """A message for people in both languages."""

    zh: str
    en: str


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
    NO_PRICE = Text("有商品没有标价，请联系门店", "A product has no price: ask the store for it")
    TOO_LONG_AGO = Text(
        "发生时间早于商户的补录期限，请由有“手工调整”权限的同事补录",
        "It happened longer ago than the chain lets movements be recorded: ask a colleague with "
        "the permission to correct stock by hand",
    )
    TILL_RETIRED = Text(
        "该收银机在这笔销售之前已停用，请重新登记",
        "The till was retired before this sale: register it again",
    )
    HAS_STOCK = Text(
        "该商品还有库存，如仍要停用，请选择“连同库存停用”",
        "The product has stock: archive it with `withStock: true`, or use the stock up first",
    )
    ARCHIVED = Text("该商品或供应商已停用", "The product or supplier is archived")
    OWN_SUBCATEGORY = Text(
        "分类不能移到自己或自己的下级分类之下",
        "A category cannot be moved below itself",
    )
    SELF = Text("不能修改自己的账号", "You cannot change your own account")
    LAST_OWNER = Text("至少保留一位老板", "The last owner keeps the role")
    PASS = Text("次卡请用售卡功能销售", "The product is a pass: sell it as a pass")
    DOCUMENT = Text(
        "该变动属于其他单据，请在原单据上操作",
        "The movement belongs to a document: change the document instead",
    )
    USE_REFUND_PASS = Text(
        "该变动由售卡产生，请办理退卡",
        "The movement belongs to the sale of a pass: refund the pass instead",
    )
    WHOLE_PASS = Text(
        "次卡须整张退，数量请填剩余的全部次数",
        "A pass is taken back whole: give all uses that are left as the quantity",
    )
    SIGN_IN_FIRST = Text("购买次卡请先登录", "Sign in to buy a pass: it belongs to a customer")
    USE_CANCEL_ORDER = Text(
        "该变动是订单的预占，请取消订单",
        "The movement reserves goods for an order: cancel the order instead",
    )
    USE_RETURN_ORDER = Text(
        "该变动是订单的交付，请办理订单退货",
        "The movement handed an order over: return the order instead",
    )
    USE_REJECT_WRITE_OFF = Text(
        "该变动属于报损申请，请驳回该报损单",
        "The movement belongs to a write-off request: reject the request instead",
    )
    USE_CANCEL_TRANSFER = Text(
        "该变动是调拨发货，请取消调拨单，或在收货时退回",
        "The movement shipped a transfer: cancel the transfer, or send goods back on receipt",
    )
    USE_ADJUST = Text(
        "已审批的报损不能冲销，请用“手工调整”补回数量",
        "The write-off is approved and final: book the goods in with `adjust`, kind GAIN",
    )
    USE_REVERSE_STOCKTAKE = Text(
        "该变动由盘点产生，请冲销盘点单",
        "The movement belongs to a stocktake: reverse the stocktake instead",
    )
    USE_REVERSE = Text(
        "该变动不属于此类单据，请直接冲销该变动",
        "The movement is of another kind: reverse the movement itself",
    )
    NOT_GOODS = Text("套装只能由普通商品组成", "A bundle consists of goods only")
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
    NO_MINI_APP = Text("该商户未开通小程序登录", "The chain has no mini-program for this channel")
    MINI_APP_REFUSED = Text(
        "小程序凭据无效，请联系商家",
        "The platform refuses the credentials of the mini-program: ask the owner to set them again",
    )
    TWO_SECRETS = Text(
        "该 Webhook 已有两个密钥，请先停用旧密钥",
        "The webhook has two secrets: end the old one first",
    )
    NO_PHONE = Text(
        "该渠道不提供手机号，请商家先设置手机号解密私钥",
        "The channel gives no phone number: the owner sets the phone key of the mini-program first",
    )
    OWN_MOVEMENT = Text("不能审批自己提交的超额申请", "You cannot approve your own request")
    OWN_REQUEST = Text("不能审批自己提交的报损单", "You cannot approve your own write-off request")
    HELD = Text("订单未付款，请先收款", "The order is not paid: take the payment first")
    PAID = Text("订单已付款", "The order is already paid")
    FULFILLED = Text("订单已交付", "The order is already handed over")
    CANCELLED = Text("单据已取消", "The document is cancelled")
    COMMITTED = Text("扫码单已入库，不能再修改", "The scans are posted and cannot be changed")
    NOTHING_SCANNED = Text("还没有可入库的扫码，请先扫码", "Nothing was scanned yet")
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
    CLOSED = Text("单据已结束", "The document is closed")
    OVERLAPS = Text(
        "有商品正在另一张盘点单中盘点，请先完成那张盘点单",
        "Some of these products are being counted in another stocktake: close that one first",
    )
    REVIEW = Text(
        "盘点已进入复核，只能重盘",
        "The stocktake is under review: only recounts are possible",
    )
    CLOSING = Text("盘点正在过账，请稍后", "The stocktake is being posted: try again shortly")
    NOT_IN_STOCKTAKE = Text(
        "该商品不在本次盘点范围内", "The product does not belong to this stocktake"
    )
    NOT_COUNTED = Text("该商品还没有盘点", "The product has not been counted yet")
    NOT_AMBIGUOUS = Text(
        "盘点期间该商品没有变动，无需确认",
        "Nothing of the product moved during its count: there is nothing to confirm",
    )
    NOT_OPENING_STOCK = Text(
        "只有期初库存的导入可以撤销", "Only an import of opening stock can be reversed"
    )
    IMPORT_RUNNING = Text(
        "导入还在进行，请等它完成后再撤销", "The import is still running: reverse it afterwards"
    )
    ANOTHER_DAY = Text(
        "只能在导入当天撤销，请用盘点或手工调整修改",
        "It can be reversed on its own day only: correct the stock by a stocktake",
    )
