"""The registry of movement kinds and of bins: the bins that goods may come from and go to."""

from enum import Enum, unique
from typing import Final, NamedTuple


class Route(NamedTuple):
    """The bins between which a kind moves goods; None when the lines give them.

    `rest` is a second source, used when the first does not have enough.
    """

    source: str | None
    target: str | None
    meaning: str
    rest: str | None = None


@unique
class Kind(Enum):
    """A new kind is one line here. The engine reads bins only and never branches on a kind."""

    OPENING = Route("opening", "shelf", "Opening stock, counted when record keeping began. 期初")
    RECEIPT = Route("supplier", "shelf", "Received from a supplier. 入库")
    SALE = Route("shelf", "customer", "Sold to a customer. 销售")
    RETURN = Route("customer", "shelf", "Returned by a customer, sold again. 退货上架")
    RETURN_HELD = Route("customer", "quarantine", "Returned by a customer, held. 退货待检")
    RETURN_WASTED = Route("customer", "waste", "Returned by a customer, thrown away. 退货报废")
    GAIN = Route("variance", "shelf", "More was counted than recorded. 盘盈")
    LOSS = Route("shelf", "variance", "Less was counted than recorded. 盘亏")
    COUNT_GAIN = Route("variance", "shelf", "A stocktake counted more than the book. 盘点盘盈")
    COUNT_LOSS = Route("shelf", "variance", "A stocktake counted less than the book. 盘点盘亏")
    QUARANTINE = Route("shelf", "quarantine", "Taken off sale until checked. 转待检")
    RELEASE = Route("quarantine", "shelf", "Checked and back on sale. 待检放行")
    EXPIRE = Route("shelf", "quarantine", "Past its last day of sale: off the shelf. 过期下架")
    CONSUMPTION = Route("shelf", "kitchen", "Used by the store itself. 自用")
    PRODUCTION = Route("kitchen", "shelf", "Made by the store itself. 自制入库")
    SUPPLIER_RETURN = Route("shelf", "supplier", "Sent back to a supplier. 退供应商", "quarantine")
    PASS_SALE = Route("shelf", "kitchen", "Taken ahead for the first use of a pass. 次卡售出预扣")
    PASS_HOLD = Route("shelf", "reserved", "Reserved for the uses of a pass. 次卡预占")
    PASS_RELEASE = Route("reserved", "shelf", "Reserved for a pass and never used. 次卡释放")
    REDEMPTION = Route("shelf", "kitchen", "Used by a prepaid service. 核销")
    ORDER_HOLD = Route("shelf", "reserved", "Reserved for an order. 订单预占")
    ORDER_RELEASE = Route("reserved", "shelf", "Reserved for an order that ended. 订单释放")
    FULFILMENT = Route("reserved", "customer", "An order handed over to its customer. 订单交付")
    WRITE_OFF_HOLD = Route("shelf", "quarantine", "Off the shelf, to be written off. 报损待批")
    WRITE_OFF = Route("quarantine", "waste", "Written off: its cost is a loss. 报损")
    WRITE_OFF_RELEASE = Route("quarantine", "shelf", "Not written off: on sale again. 报损驳回")
    SHIPMENT = Route("shelf", "transit", "Sent to another store. 调拨发货")
    TRANSFER_RECEIPT = Route("transit", "shelf", "Arrived from another store. 调拨收货")
    SHIPMENT_RECALL = Route("transit", "shelf", "Called back before it arrived. 调拨撤回")
    SHIPMENT_RETURN = Route("transit", "transit", "Sent back to where it came from. 调拨退回")
    REVERSAL = Route(None, None, "Undoes an earlier movement, its entries swapped. 冲销")


PHYSICAL_BINS: Final = ("shelf", "reserved", "quarantine", "transit")
"""Bins that hold goods; every other bin is a counter account."""

ON_HAND_BINS: Final = ("shelf", "reserved", "quarantine")
"""Bins whose goods are in the store: on hand is their sum."""

ARRIVAL_BINS: Final = ("supplier", "opening", "transit")
"""Sources of goods that arrive in a store."""

INCOMING_BINS: Final = (*ARRIVAL_BINS, "customer", "kitchen")
"""Sources of goods for the shelf from which expired goods go to quarantine instead."""

CONSUMING_BINS: Final = ("customer", "kitchen")
"""Targets of goods that are sold or used up."""

PROMISED_BINS: Final = ("customer", "reserved")
"""Targets of goods for a customer: a product that is marked sold out may not go there."""

SEALED_BINS: Final = (*PROMISED_BINS, "transit")
"""Targets to which whole containers go unopened; any other quantity is taken from opened ones
first."""

UNEXPIRED_BINS: Final = (*CONSUMING_BINS, "reserved", "transit")
"""Targets to which expired goods may not go from a shelf (I8)."""

RETURN_BINS: Final = ("shelf", "quarantine", "waste")
"""Targets of goods that a customer brings back."""

RETURNABLE_KINDS: Final = (Kind.SALE.name, Kind.FULFILMENT.name)
"""The names of the kinds whose goods a customer may bring back."""
