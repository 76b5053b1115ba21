"""The tables: one row class per noun. Keys start with the tenant; quantities are base units."""

from app.db.core.table import Amount, Table
from app.db.tables.alert_rules import AlertSetting, AlertWatch
from app.db.tables.alerts import Alert
from app.db.tables.approvals import Approval
from app.db.tables.audit_log import AuditRecord
from app.db.tables.catalog import (
    Assortment,
    Category,
    Component,
    Need,
    Product,
    ProductCode,
    ProductPrice,
    ProductUnit,
    ProductUpdate,
    Recipe,
)
from app.db.tables.channels import ChannelLink, ChannelRule, Listing, ShopMessage
from app.db.tables.checkpoints import Checkpoint, CheckpointDay, CheckpointMark
from app.db.tables.customers import Customer, MiniApp
from app.db.tables.exports import Export, ReportSubscription
from app.db.tables.feed import Change, Feed
from app.db.tables.health import AuditResult, JobFailure
from app.db.tables.identity import (
    ApiKey,
    Direction,
    Login,
    Session,
    Staff,
    StaffStore,
    Store,
    Tenant,
)
from app.db.tables.images import Image
from app.db.tables.imports import Import, ProductUpsert
from app.db.tables.markdowns import Markdown
from app.db.tables.messages import (
    MessageCredit,
    MessageTemplate,
    SmsAccount,
    StaffMiniApp,
    StaffPhone,
)
from app.db.tables.notices import (
    Delivery,
    Escalation,
    NotificationTarget,
    Recipients,
    Webhook,
    WebhookCursor,
)
from app.db.tables.orders import Order, OrderLine
from app.db.tables.passes import Pass, Redemption
from app.db.tables.purchases import PurchaseLine, PurchaseOrder, Supplier
from app.db.tables.registered_operations import RegisteredOperation
from app.db.tables.report_sums import CategorySums, LevelSums, StoreSums
from app.db.tables.rollups import RollUp
from app.db.tables.scans import Scan, ScanSession
from app.db.tables.stock import (
    Batch,
    BatchLevel,
    Entry,
    Level,
    Movement,
    Request,
)
from app.db.tables.stocktakes import (
    Stocktake,
    StocktakeCount,
    StocktakeLine,
    StocktakeRules,
    StocktakeVariance,
    ZoneCount,
)
from app.db.tables.tills import Till
from app.db.tables.transfers import Transfer, TransferLine
from app.db.tables.writeoffs import WriteOff, WriteOffLimit, WriteOffLine

__all__ = [
    "Alert",
    "AlertSetting",
    "AlertWatch",
    "Amount",
    "ApiKey",
    "Approval",
    "Assortment",
    "AuditRecord",
    "AuditResult",
    "Batch",
    "BatchLevel",
    "Category",
    "CategorySums",
    "Change",
    "ChannelLink",
    "ChannelRule",
    "Checkpoint",
    "CheckpointDay",
    "CheckpointMark",
    "Component",
    "Customer",
    "Delivery",
    "Direction",
    "Entry",
    "Escalation",
    "Export",
    "Feed",
    "Image",
    "Import",
    "JobFailure",
    "Level",
    "LevelSums",
    "Listing",
    "Login",
    "Markdown",
    "MessageCredit",
    "MessageTemplate",
    "MiniApp",
    "Movement",
    "Need",
    "NotificationTarget",
    "Order",
    "OrderLine",
    "Pass",
    "Product",
    "ProductCode",
    "ProductPrice",
    "ProductUnit",
    "ProductUpdate",
    "ProductUpsert",
    "PurchaseLine",
    "PurchaseOrder",
    "Recipe",
    "Recipients",
    "Redemption",
    "RegisteredOperation",
    "ReportSubscription",
    "Request",
    "RollUp",
    "Scan",
    "ScanSession",
    "Session",
    "ShopMessage",
    "SmsAccount",
    "Staff",
    "StaffMiniApp",
    "StaffPhone",
    "StaffStore",
    "Stocktake",
    "StocktakeCount",
    "StocktakeLine",
    "StocktakeRules",
    "StocktakeVariance",
    "Store",
    "StoreSums",
    "Supplier",
    "Table",
    "Tenant",
    "Till",
    "Transfer",
    "TransferLine",
    "Webhook",
    "WebhookCursor",
    "WriteOff",
    "WriteOffLimit",
    "WriteOffLine",
    "ZoneCount",
]
