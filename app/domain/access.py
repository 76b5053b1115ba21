"""Permissions of roles and API keys. Each root field needs one `Can`; the default is denial."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from enum import Enum, unique
from typing import NamedTuple
from uuid import UUID

from app.db.orders import GUEST
from app.domain.errors import Denied, Refused, UnknownStore

TENANT_CLAIMANT = UUID(int=2)
"""Whom the keys of a tenant's staff and API keys belong to: a retry may come from any of them."""

CUSTOMER_CLAIMANT = UUID(int=1)
"""Whom the keys of customers belong to, signed in or not. Staff's keys are apart from them: a
customer must not be able to use up a key that a shop's program derives."""


class Role(Enum):
    CUSTOMER = "A registered customer of the chain. 会员"
    CASHIER = "Sells, receives and counts goods in their own stores. 店员"
    MANAGER = "Runs their own stores. 店长"
    PURCHASER = "Buys for head office and runs the warehouse. 采购/总仓"
    OWNER = "Owns the chain and may change everything. 老板"
    INTEGRATOR = "A program with an API key. 接口"


class Reach(Enum):
    OWN = "own stores"
    ALL = "all stores"


class Grant(NamedTuple):
    """A permission: the roles that have it, with their reach, and the scope that grants it.

    Public permissions need no sign-in.
    """

    meaning: str
    roles: Mapping[Role, Reach]
    scope: str | None = None
    anybody: bool = False

    @property
    def en(self) -> str:
        """The permission in English."""
        return self.meaning.rpartition(" ")[0].removesuffix(".")

    @property
    def zh(self) -> str:
        """The permission in Chinese."""
        return self.meaning.rpartition(" ")[2]


C, M, P, O = Role.CASHIER, Role.MANAGER, Role.PURCHASER, Role.OWNER  # noqa: E741 (read as columns)
OWN, ALL = Reach.OWN, Reach.ALL
STAFF = {C: OWN, M: OWN, P: ALL, O: ALL}
HEADS = {P: ALL, O: ALL}


@unique
class Can(Enum):
    """The permissions; each line names the roles that have it and the scope of API keys."""

    BROWSE = Grant("Browse a storefront without signing in. 浏览", {}, anybody=True)
    SIGN_IN = Grant("Sign in or refresh a session. 登录", {}, anybody=True)
    SEE_SELF = Grant("See your own account. 我是谁", {**STAFF, Role.CUSTOMER: OWN}, "viewer:read")
    MANAGE_SELF = Grant(
        "Manage your own sessions and password. 管理自己的登录", {**STAFF, Role.CUSTOMER: OWN}
    )
    CHANGE_PASSWORD = Grant("Change your own password. 修改密码", STAFF)
    SHOP = Grant("Use a customer account. 会员服务", {Role.CUSTOMER: OWN})
    CONNECT_MINI_APPS = Grant("Set the mini-programs of the chain. 对接小程序", {O: ALL})
    CONNECT_SMS = Grant("Set the SMS account of the chain. 对接短信", {O: ALL})
    SEE_CATALOG = Grant("See products and categories. 查看商品", STAFF, "catalog:read")
    EDIT_CATALOG = Grant(
        "Create and change products and categories. 管理商品", {M: OWN, **HEADS}, "catalog:write"
    )
    EDIT_RECIPES = Grant("Set recipes of products. 管理配方", {M: OWN, **HEADS}, "catalog:write")
    EDIT_CHANNELS = Grant(
        "Set the stock rules of channels. 渠道规则", {M: OWN, **HEADS}, "catalog:write"
    )
    CONNECT_CHANNELS = Grant(
        "Connect accounts of sales channels. 对接渠道店铺", {O: ALL}, "channel:write"
    )
    SELL_OUT = Grant(
        "Mark products as sold out today. 估清", {C: OWN, M: OWN, O: ALL}, "sale:write"
    )
    SET_THRESHOLDS = Grant("Set reorder points. 设置阈值", {M: OWN, **HEADS}, "catalog:write")
    SEE_STOCK = Grant("See exact quantities and movements. 查看库存", STAFF, "stock:read")
    SEE_COST = Grant("See costs and stock values. 查看成本", {M: OWN, **HEADS}, "cost:read")
    RECEIVE = Grant("Receive goods and record opening stock. 入库", STAFF, "receipt:write")
    SEE_SUPPLIERS = Grant(
        "See the list of suppliers. 查看供应商", {M: OWN, **HEADS}, "purchase:read"
    )
    EDIT_SUPPLIERS = Grant("Create and change suppliers. 管理供应商", HEADS, "purchase:write")
    SEE_PURCHASES = Grant("See purchase orders. 查看采购单", STAFF, "purchase:read")
    PURCHASE = Grant("Create and change purchase orders. 采购", {M: OWN, **HEADS}, "purchase:write")
    SELL = Grant("Sell at the counter. 销售", {C: OWN, M: OWN, O: ALL}, "sale:write")
    MANAGE_TILLS = Grant("Register and retire tills. 管理收银机", {M: OWN, O: ALL}, "sale:write")
    SET_PRICE = Grant(
        "Sell at another price or with a discount. 改价", {M: OWN, O: ALL}, "sale:write"
    )
    PLACE_ORDER = Grant("Place and follow orders without signing in. 下单", {}, anybody=True)
    SEE_ORDERS = Grant("See orders of customers. 查看订单", STAFF, "order:read")
    RUN_ORDERS = Grant(
        "Take payment for orders and hand them over. 处理订单",
        {C: OWN, M: OWN, O: ALL},
        "order:write",
    )
    SEE_TRANSFERS = Grant(
        "See replenishment requests and transfers. 查看调拨", STAFF, "transfer:read"
    )
    REQUEST_GOODS = Grant(
        "Request replenishment from head office. 申请补货",
        {C: OWN, M: OWN, O: ALL},
        "transfer:request",
    )
    RUN_TRANSFERS = Grant("Approve and ship transfers. 审批发货", HEADS, "transfer:ship")
    RECEIVE_TRANSFER = Grant("Receive goods of a transfer. 调拨收货", STAFF, "transfer:receive")
    SEE_ALERTS = Grant("See alerts of stores. 查看预警", STAFF, "alert:read")
    ACKNOWLEDGE_ALERT = Grant("Acknowledge an alert. 处理预警", {M: OWN, **HEADS})
    SET_ALERT_RULES = Grant("Set alert rules and who is notified. 设置预警", {M: OWN, **HEADS})
    RECEIVE_MESSAGES = Grant("Receive alerts by WeChat, Douyin or SMS. 接收消息", STAFF)
    MANAGE_WEBHOOKS = Grant("Create and delete webhooks. 管理 Webhook", {O: ALL}, "webhook:write")
    MANAGE_OPERATIONS = Grant(
        "Register documents of the chain. 登记可信查询", {O: ALL}, "operation:write"
    )
    SEE_PASSES = Grant("See prepaid passes. 查看次卡", STAFF, "pass:read")
    REDEEM = Grant("Redeem uses of a prepaid pass. 核销", {C: OWN, M: OWN, O: ALL}, "sale:write")
    REFUND_PASS = Grant("Refund a prepaid pass. 退卡", {M: OWN, O: ALL}, "return:write")
    RETURN_SALE = Grant(
        "Record a return of sold goods. 退货", {C: OWN, M: OWN, O: ALL}, "return:write"
    )
    SEE_WRITE_OFFS = Grant("See write-offs and their state. 查看报损", STAFF, "writeoff:read")
    REQUEST_WRITE_OFF = Grant("Request a write-off. 申请报损", STAFF)
    DECIDE_WRITE_OFF = Grant("Approve or reject write-offs of others. 审批报损", {M: OWN, **HEADS})
    LIMIT_WRITE_OFFS = Grant("Set the approval limits of roles. 设置报损额度", {O: ALL})
    SEE_APPROVALS = Grant("See movements that wait for a second person. 查看超额审批", STAFF)
    APPROVE_MOVEMENT = Grant(
        "Approve or reject movements of others above their limit. 超额审批", {M: OWN, **HEADS}
    )
    SEE_STOCKTAKES = Grant("See stocktakes and what was counted. 查看盘点", STAFF)
    COUNT = Grant("Count goods in a stocktake. 盘点录入", STAFF)
    RUN_STOCKTAKES = Grant(
        "Open, review, close and reverse stocktakes. 管理盘点", {M: OWN, **HEADS}
    )
    SET_STOCKTAKE_RULES = Grant("Set the rules of stocktakes. 设置盘点规则", {O: ALL})
    ADJUST = Grant("Correct a stock level by hand. 手工调整", {M: OWN, **HEADS})
    CONSUME = Grant("Record stock used in the store. 自用", {C: OWN, M: OWN, O: ALL})
    PRODUCE = Grant("Record goods made in the store. 自制", {C: OWN, M: OWN, O: ALL})
    RETURN_TO_SUPPLIER = Grant(
        "Return goods to a supplier. 退供应商", {M: OWN, **HEADS}, "receipt:write"
    )
    REVERSE = Grant("Reverse a movement. 冲销", {M: OWN, O: ALL})
    SEE_REPORTS = Grant("See the reports of stores. 查看报表", {M: OWN, **HEADS}, "report:read")
    MANAGE_STAFF = Grant("Invite, change and remove staff. 管理员工", {M: OWN, O: ALL})
    MANAGE_KEYS = Grant("Create and revoke API keys. 管理接口密钥", {O: ALL})
    MANAGE_STORES = Grant("Open and change stores. 管理门店", {O: ALL})
    SEE_CONTACTS = Grant(
        "See contacts of customers, with masked phone numbers. 查看顾客", {C: OWN, M: OWN, O: ALL}
    )
    REVEAL_CONTACTS = Grant("Read contacts of customers in full. 查看联系方式", {O: ALL})
    ERASE_CUSTOMERS = Grant("Erase contacts of customers. 删除顾客信息", {O: ALL})
    SEE_AUDIT = Grant("See the log of privileged acts. 查看操作记录", {M: OWN, **HEADS})
    SEE_HEALTH = Grant("See the state of the system. 系统状态", {O: ALL}, "health:read")


@unique
class ApiScope(Enum):
    """The scopes that an API key can have; each is granted by at least one `Can`."""

    ALERT_READ = "alert:read"
    CATALOG_READ = "catalog:read"
    CATALOG_WRITE = "catalog:write"
    CHANNEL_WRITE = "channel:write"
    COST_READ = "cost:read"
    HEALTH_READ = "health:read"
    OPERATION_WRITE = "operation:write"
    ORDER_READ = "order:read"
    ORDER_WRITE = "order:write"
    PASS_READ = "pass:read"
    PURCHASE_READ = "purchase:read"
    PURCHASE_WRITE = "purchase:write"
    RECEIPT_WRITE = "receipt:write"
    REPORT_READ = "report:read"
    RETURN_WRITE = "return:write"
    SALE_WRITE = "sale:write"
    STOCK_READ = "stock:read"
    TRANSFER_READ = "transfer:read"
    TRANSFER_RECEIVE = "transfer:receive"
    TRANSFER_REQUEST = "transfer:request"
    TRANSFER_SHIP = "transfer:ship"
    VIEWER_READ = "viewer:read"
    WEBHOOK_WRITE = "webhook:write"
    WRITEOFF_READ = "writeoff:read"


SCOPES = frozenset(scope.value for scope in ApiScope)


@dataclass(frozen=True, slots=True)
class Scope:
    """The rights behind an answer. Equal scopes may share an answer.

    `own` are the stores that a permission reaches when it reaches own stores only.
    """

    tenant: UUID
    role: Role
    scopes: frozenset[str] = frozenset()
    own: frozenset[UUID] = frozenset()

    def reach(self, can: Can) -> Reach | None:
        """The stores that this permission reaches, or None if it is not granted."""
        grant = can.value
        if self.role is Role.INTEGRATOR:
            return Reach.ALL if grant.scope in self.scopes or grant.anybody else None
        return Reach.ALL if grant.anybody else grant.roles.get(self.role)

    def sees(self, can: Can, stores: Collection[UUID | None] = ()) -> bool:
        """Whether the permission reaches a row of one of these stores, or of no store."""
        reach = self.reach(can)
        if reach is Reach.OWN and stores:
            return any(store in self.own for store in stores)
        return reach is not None


@dataclass(frozen=True, slots=True)
class Viewer:
    """A signed-in person, an API key, or a guest who has only the token of an order.

    `stores` are all stores of the tenant. `session` is their sign-in, None for an API key;
    `expires_at` is the token's end in Unix time. `address` is the IP address of the request.
    """

    scope: Scope
    actor: UUID
    name: str
    stores: frozenset[UUID]
    session: UUID | None = None
    expires_at: float | None = None
    address: str = field(default="", compare=False)

    def at(self, address: str) -> "Viewer":
        """The same viewer with the address of a request."""
        person = self.scope, self.actor, self.name, self.stores
        return Viewer(*person, self.session, self.expires_at, address)

    @property
    def tenant(self) -> UUID:
        return self.scope.tenant

    @property
    def claimant(self) -> UUID:
        """Whom the viewer's keys belong to (I5)."""
        return CUSTOMER_CLAIMANT if self.is_customer else TENANT_CLAIMANT

    @property
    def is_customer(self) -> bool:
        """Whether this is a customer: a member of the chain, or a guest."""
        return self.scope.role is Role.CUSTOMER

    @property
    def is_guest(self) -> bool:
        return self.actor == GUEST

    @property
    def is_member(self) -> bool:
        """Whether this is a customer with an account."""
        return self.is_customer and not self.is_guest


def guest(tenant: UUID, address: str = "") -> Viewer:
    """A customer without an account, at this IP address."""
    return Viewer(Scope(tenant, Role.CUSTOMER), GUEST, "", frozenset(), address=address)


def signed_out() -> Denied:
    """The error UNAUTHENTICATED, for a caller who has not signed in."""
    return Denied("UNAUTHENTICATED", "请先登录", "Sign in first.")


def require(viewer: Viewer | None, can: Can) -> None:
    """Check a permission. Raises Denied with UNAUTHENTICATED or FORBIDDEN."""
    if can.value.anybody:
        return
    if viewer is None:
        raise signed_out()
    if viewer.scope.reach(can) is None:
        raise Denied(
            "FORBIDDEN",
            f"您没有“{can.value.zh}”权限，请联系老板",
            f'You lack the permission "{can.value.en}". Ask the owner.',
        )


def within(viewer: Viewer, can: Can, requested: Collection[UUID] | None = None) -> list[UUID]:
    """The requested stores (all by default) that this permission reaches, sorted."""
    reach = viewer.scope.reach(can)
    allowed = (
        viewer.stores if reach is Reach.ALL else viewer.scope.own if reach else frozenset[UUID]()
    )
    return sorted(allowed if requested is None else allowed.intersection(requested))


def some(viewer: Viewer, can: Can, requested: Collection[UUID] | None) -> list[UUID]:
    """The same, but at least one store. Raises Refused(UnknownStore) if there is none."""
    stores = within(viewer, can, requested)
    if not stores:
        raise Refused(UnknownStore(", ".join(map(str, requested or ()))))
    return stores


def at(viewer: Viewer, can: Can, store: UUID) -> UUID:
    """The store, if the permission reaches it.

    Raises Refused(UnknownStore); a foreign store and an absent one look the same.
    """
    if not within(viewer, can, [store]):
        raise Refused(UnknownStore(str(store)))
    return store
