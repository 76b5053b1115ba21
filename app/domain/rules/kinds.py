"""The registry of movement kinds: where a quantity comes from, where it goes, what that means."""

from enum import Enum, unique
from typing import NamedTuple


class Route(NamedTuple):
    source: str | None
    target: str | None
    meaning: str


@unique
class Kind(Enum):
    """A new kind is one line here. The engine sees places only and never branches on a kind."""

    OPENING = Route("opening", "shelf", "Stock found when the shop began to keep count. 期初")
    RECEIPT = Route("supplier", "shelf", "Received from a supplier. 入库")
    SALE = Route("shelf", "customer", "Sold to a customer. 销售")
    RETURN = Route("customer", "shelf", "Returned by a customer, sold again. 退货上架")
    RETURN_HELD = Route("customer", "quarantine", "Returned by a customer, held. 退货待检")
    RETURN_WASTED = Route("customer", "waste", "Returned by a customer, thrown away. 退货报废")
    GAIN = Route("variance", "shelf", "Found to be more than recorded. 盘盈")
    LOSS = Route("shelf", "variance", "Found to be less than recorded. 盘亏")
    QUARANTINE = Route("shelf", "quarantine", "Taken off sale until checked. 转待检")
    RELEASE = Route("quarantine", "shelf", "Checked and back on sale. 待检放行")
    EXPIRE = Route("shelf", "quarantine", "Past its last day of sale: off the shelf. 过期下架")
    CONSUMPTION = Route("shelf", "kitchen", "Used up by the shop itself. 自用")
    PRODUCTION = Route("kitchen", "shelf", "Made by the shop itself. 自制入库")
    SUPPLIER_RETURN = Route("shelf", "supplier", "Sent back to a supplier. 退供应商")
    PASS_SALE = Route("shelf", "kitchen", "Taken ahead for the first use of a pass. 次卡售出预扣")
    PASS_HOLD = Route("shelf", "reserved", "Held for the uses of a pass. 次卡预占")
    PASS_RELEASE = Route("reserved", "shelf", "Held for a pass and never used. 次卡释放")
    REDEMPTION = Route("shelf", "kitchen", "Used by a service that was prepaid. 核销")
    ORDER_HOLD = Route("shelf", "reserved", "Held for an order. 订单预占")
    ORDER_RELEASE = Route("reserved", "shelf", "Held for an order and given up. 订单释放")
    FULFILMENT = Route("reserved", "customer", "An order handed over to its customer. 订单交付")
    WRITE_OFF_HOLD = Route("shelf", "quarantine", "Off the shelf, to be written off. 报损待批")
    WRITE_OFF = Route("quarantine", "waste", "Written off: its cost is a loss. 报损")
    WRITE_OFF_RELEASE = Route("quarantine", "shelf", "Not written off: on sale again. 报损驳回")
    SHIPMENT = Route("shelf", "transit", "Sent to another store. 调拨发货")
    TRANSFER_RECEIPT = Route("transit", "shelf", "Arrived from another store. 调拨收货")
    SHIPMENT_RECALL = Route("transit", "shelf", "Called back before it arrived. 调拨撤回")
    SHIPMENT_RETURN = Route("transit", "transit", "Sent back to where it came from. 调拨退回")
    REVERSAL = Route(None, None, "An earlier movement undone, its entries swapped. 冲销")


PHYSICAL = ("shelf", "reserved", "quarantine", "transit")

EATEN = ("customer", "kitchen", "reserved", "transit")
"""Where nothing expired may go from a shelf."""
