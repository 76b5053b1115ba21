"""The table of document topics: one entry gives a feed, a field of store events, and a loader."""

from dataclasses import dataclass
from typing import Any

from app.db import (
    alert_pages,
    alerts,
    approvals,
    orders,
    purchases,
    stocktakes,
    transfers,
    writeoffs,
)
from app.domain.access import Can
from app.live.documents import Topic
from app.schema.alerts import Alert
from app.schema.approvals import Approval
from app.schema.orders import Order
from app.schema.purchases import PurchaseOrder
from app.schema.stocktakes import Stocktake
from app.schema.transfers import Transfer
from app.schema.writeoffs import WriteOff


@dataclass(frozen=True, eq=False, kw_only=True)
class DocumentTopic(Topic):
    """How a kind of document appears in the API.

    `name` is the field in store events and in the feed's own event, and the name of the loader
    by id; `type` is the window on a row; `can` is the permission to see one; `event` names the
    feed's event (`OrderChange`), and the feed itself (`orderFeed`).
    """

    type: Any
    can: Can
    event: str
    title: str
    chinese: str

    @property
    def feed(self) -> str:
        """The name of the subscription: `orderFeed` for `OrderChange`."""
        stem = self.event.removesuffix("Change")
        return f"{stem[0].lower()}{stem[1:]}Feed"


ORDERS = DocumentTopic(
    name="orders",
    type=Order,
    by_id=orders.orders_by_id,
    open=orders.open_orders,
    event="OrderChange",
    can=Can.SEE_ORDERS,
    title="Orders",
    chinese="订单",
)
ALERTS = DocumentTopic(
    name="alerts",
    type=Alert,
    by_id=alerts.alerts_by_id,
    open=alert_pages.open_alerts,
    event="AlertChange",
    can=Can.SEE_ALERTS,
    title="Alerts",
    chinese="预警",
)
WRITE_OFFS = DocumentTopic(
    name="write_offs",
    type=WriteOff,
    by_id=writeoffs.write_offs_by_id,
    open=writeoffs.open_write_offs,
    event="WriteOffChange",
    can=Can.SEE_WRITE_OFFS,
    title="Write-offs",
    chinese="报损",
)
TRANSFERS = DocumentTopic(
    name="transfers",
    type=Transfer,
    by_id=transfers.transfers_by_id,
    open=transfers.open_transfers,
    event="ReplenishmentChange",
    can=Can.SEE_TRANSFERS,
    title="Replenishment requests and transfers",
    chinese="补货调拨",
)
PURCHASES = DocumentTopic(
    name="purchase_orders",
    type=PurchaseOrder,
    by_id=purchases.purchases_by_id,
    open=purchases.open_purchases,
    event="PurchaseChange",
    can=Can.SEE_PURCHASES,
    title="Purchase orders",
    chinese="采购单",
)
STOCKTAKES = DocumentTopic(
    name="stocktakes",
    type=Stocktake,
    by_id=stocktakes.stocktakes_by_id,
    open=stocktakes.open_stocktakes,
    event="StocktakeChange",
    can=Can.SEE_STOCKTAKES,
    title="Stocktakes",
    chinese="盘点单",
)
APPROVALS = DocumentTopic(
    name="approvals",
    type=Approval,
    by_id=approvals.approvals_by_id,
    open=approvals.open_approvals,
    event="ApprovalChange",
    can=Can.SEE_APPROVALS,
    title="Approvals",
    chinese="超额申请",
)
TOPICS = (ORDERS, ALERTS, WRITE_OFFS, TRANSFERS, PURCHASES, STOCKTAKES, APPROVALS)
