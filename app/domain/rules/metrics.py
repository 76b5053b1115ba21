"""Metrics of analytics: sums of flows, and ratios of two such sums."""

from collections.abc import Mapping
from enum import Enum
from typing import Final, NamedTuple

Terms = Mapping[tuple[str, str], int]
"""The terms of a sum: the factor of each column of each flow."""


class Measure(NamedTuple):
    """One metric. `unit` is MONEY (1/10000 yuan), QUANTITY (base units) or PERCENT of `whole`."""

    unit: str
    terms: Terms
    meaning: str
    whole: Terms | None = None
    is_cost: bool = False


def _of(column: str, plus: tuple[str, ...], minus: tuple[str, ...] = (), by: int = 1) -> Terms:
    """The column of some flows less that of others; amounts are in fen: `by` 100."""
    return {(flow, column): by for flow in plus} | {(flow, column): -by for flow in minus}


OF_REVENUE: Final = _of("amount", ("SOLD",), ("RETURNED",), 100)
OF_COST: Final = _of("cost", ("SOLD",), ("RETURNED",))
OF_MARGIN: Final = {**OF_REVENUE, **_of("cost", ("RETURNED",), ("SOLD",))}
OF_LOSS: Final = _of("cost", ("WASTED", "MISSING"), ("FOUND",))


def _money(terms: Terms, meaning: str) -> Measure:
    return Measure("MONEY", terms, meaning)


def _cost(terms: Terms, meaning: str) -> Measure:
    return Measure("MONEY", terms, meaning, is_cost=True)


def _quantity(plus: str, meaning: str) -> Measure:
    return Measure("QUANTITY", _of("quantity", (plus,)), meaning)


class Metric(Enum):
    """A metric of analytics. The meaning is the description of the enum value."""

    REVENUE = _money(OF_REVENUE, "Amount that customers paid, less what they got back. 销售额")
    DISCOUNT = _money(
        _of("discount", ("SOLD",), ("RETURNED",), 100),
        "Discounts that are not part of the revenue. 优惠",
    )
    REFUNDS = _money(
        _of("amount", ("RETURNED",), by=100), "Amount that customers got back for returns. 退款"
    )
    COST = _cost(OF_COST, "Cost of goods that customers kept. 成本")
    MARGIN = _cost(OF_MARGIN, "Gross margin: revenue less cost. 毛利")
    WASTED = _cost(_of("cost", ("WASTED",)), "Cost of goods written off or thrown away. 报损")
    MISSING = _cost(_of("cost", ("MISSING",)), "Cost of goods missing in counts. 盘亏")
    SURPLUS = _cost(_of("cost", ("FOUND",)), "Cost of goods found in counts. 盘盈")
    LOSS = _cost(OF_LOSS, "Loss: wasted plus missing less surplus. 损耗")
    RECEIVED = _cost(_of("cost", ("RECEIVED",)), "Cost of goods received from suppliers. 入库金额")
    SENT_BACK = _cost(_of("cost", ("SENT_BACK",)), "Cost of goods sent back to suppliers. 退供金额")
    USED = _cost(_of("cost", ("USED",)), "Cost of goods used by the kitchen or the store. 耗用金额")
    TRANSFERRED_IN = _cost(
        _of("cost", ("FROM_STORE",)), "Cost of goods that other stores sent. 调入金额"
    )
    TRANSFERRED_OUT = _cost(
        _of("cost", ("TO_STORE",)), "Cost of goods sent to other stores. 调出金额"
    )
    QUANTITY_SOLD = _quantity("SOLD", "Quantity handed over to customers. 销量")
    QUANTITY_RETURNED = _quantity("RETURNED", "Quantity that customers returned. 退货数量")
    QUANTITY_RECEIVED = _quantity("RECEIVED", "Quantity received from suppliers. 入库数量")
    QUANTITY_USED = _quantity("USED", "Quantity used by the kitchen or the store. 耗用数量")
    QUANTITY_WASTED = _quantity("WASTED", "Quantity written off or thrown away. 报损数量")
    MARGIN_PERCENT = Measure(
        "PERCENT", OF_MARGIN, "Margin in percent of the revenue. 毛利率", OF_REVENUE, True
    )
    LOSS_PERCENT = Measure(
        "PERCENT", OF_LOSS, "Loss in percent of the cost of goods sold. 损耗率", OF_COST, True
    )
    REFUND_PERCENT = Measure(
        "PERCENT",
        _of("amount", ("RETURNED",), by=100),
        "Refunds in percent of the amount that customers paid before refunds. 退货率",
        _of("amount", ("SOLD",), by=100),
    )


class Dimension(Enum):
    """A dimension by which analytics groups rows. The meaning is the description of the enum
    value."""

    DAY = "Business day of the store. 日"
    WEEK = "Week, by its Monday. 周"
    MONTH = "Calendar month, by its first day. 月"
    HOUR = "Hour of the day, by the store's clock. 小时"
    WEEKDAY = "Day of the week, from 1 for Monday to 7 for Sunday. 星期"
    STORE = "Store of the movements. 门店"
    CATEGORY = "Category of the product, as it is now. 分类"
    PRODUCT = "Product that was moved. 商品"
    CHANNEL = "Sales channel; none for movements without one. 渠道"
    REASON = "Reason of write-offs and counts, as it was given. 原因"
