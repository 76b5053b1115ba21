"""People, stores and API keys, and the inputs that change them."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

import strawberry
from strawberry.types import Info

from app.db import tables
from app.domain import access
from app.domain.access import ApiScope, Can, Role
from app.domain.ledger.guests import MOST_OPEN
from app.domain.movements.role_limits import limit_of
from app.domain.people import staff
from app.domain.people.staff import MOST_STORES
from app.domain.people.stores import MOST_LAYOUTS
from app.schema import boundary, problems
from app.schema.arguments import at_most, request_key
from app.schema.edges import edge
from app.schema.scalars import Money, money
from app.schema.window import definition, window

strawberry.enum(Can, name="Permission", description="A permission that a viewer may have. 权限")
for _value in definition(Can).values:
    _value.description = Can[_value.name].value.meaning

strawberry.enum(
    ApiScope, name="Scope", description="A part of the API that an API key may use. 权限范围"
)
for _value in definition(ApiScope).values:
    _granted = [can for can in Can if can.value.scope == ApiScope[_value.name].value]
    _names, _terms = [can.name for can in _granted], [can.value.zh for can in _granted]
    _value.description = f"Grants the permissions: {', '.join(_names)}. {'、'.join(_terms)}"

strawberry.enum(Role, name="Role", description="Role of an account. 角色")
for _value in definition(Role).values:
    _value.description = Role[_value.name].value


@window(tables.Tenant, description="A chain of stores. 商户")
class Tenant:
    code: str = strawberry.field(
        description="Public code of the chain; staff give it at sign-in when another chain on "
        "the same server uses their login. 商户编码"
    )
    name: str = strawberry.field(description="Name of the chain. 商户名称")
    backdate_days: int = strawberry.field(
        description="Number of days within which a movement can be recorded late; an older one "
        "needs the permission ADJUST. 补录期限"
    )


@window(
    tables.Store,
    stores=("id",),
    public=("id", "code", "name", "timezone"),
    description="A store or warehouse. 门店/仓库",
)
class Store:
    id: UUID = strawberry.field(description="ID of the store.")
    code: str = strawberry.field(
        description="Public code of the store in links and the storefront. 门店编码"
    )
    name: str = strawberry.field(description="Name of the store. 门店名称")
    timezone: str = strawberry.field(
        description="Time zone in which the store's days begin, such as Asia/Shanghai. 时区"
    )
    few_threshold: int | None = strawberry.field(
        description="Customers see the exact quantity at or below this number of units. "
        "仅剩提示阈值",
        directives=boundary.needs(Can.SEE_SELF),
    )
    hold_minutes: int | None = strawberry.field(
        description="Minutes until an unpaid order without pickup time expires. 预占分钟数",
        directives=boundary.needs(Can.SEE_SELF),
    )
    lead_days: int | None = strawberry.field(
        description="Days that goods take from head office to this store. 补货在途天数",
        directives=boundary.needs(Can.SEE_SELF),
    )
    guest_share: int | None = strawberry.field(
        description="Share of a product's available stock, in percent, that unpaid orders of "
        "guests may hold together. 未登录预订比例",
        directives=boundary.needs(Can.SEE_SELF),
    )
    zones: list[str] = strawberry.field(
        description="Areas of the store that counts and lines of movements may name; see "
        "`setZones`. 区域",
        directives=boundary.needs(Can.SEE_SELF),
    )
    scale_labels: list[str] = strawberry.field(
        description="Layouts of the labels that the store's scales print; see `updateStore`. "
        "电子秤标签格式",
        directives=boundary.needs(Can.SEE_SELF),
    )


@window(
    tables.Staff, tables.ApiKey, description="Member of staff or API key that did something. 操作人"
)
class Actor:
    id: UUID = strawberry.field(description="ID of the staff account or API key.")
    name: str = strawberry.field(description="Name of the member of staff or API key. 名称")


@window(tables.Staff, needs=Can.MANAGE_STAFF, stores=(), description="A staff account. 员工")
class Staff:
    id: UUID = strawberry.field(description="ID of the staff account.")
    login: str = strawberry.field(description="Login name of the account. 账号")
    name: str = strawberry.field(description="Name of the member of staff. 姓名")
    stores: list[Store] = edge(
        "staff_stores", "id", "Stores where the member of staff works. 所属门店"
    )
    created_at: datetime = strawberry.field(
        description="Time when the account was created. 创建时间"
    )
    removed_at: datetime | None = strawberry.field(
        description="Time when the account was deactivated; null while it is active. 离职时间"
    )

    @strawberry.field(description="Role of the account. 角色")
    def role(self, root: strawberry.Parent[tables.Staff]) -> Role:
        return Role[root.role]


@window(tables.ApiKey, description="An API key of a program. 接口密钥")
class ApiKey:
    id: UUID = strawberry.field(description="ID of the API key.")
    name: str = strawberry.field(description="Name of the API key. 名称")
    created_by: Actor | None = edge("actors", "created_by", "Owner who created the key. 创建人")
    created_at: datetime = strawberry.field(description="Time when the key was created. 创建时间")
    revoked_at: datetime | None = strawberry.field(
        description="Time when the key was revoked; null while it works. 吊销时间"
    )

    @strawberry.field(description="Parts of the API that the key may use. 权限范围")
    def scopes(self, root: strawberry.Parent[tables.ApiKey]) -> list[ApiScope]:
        return [ApiScope(scope) for scope in root.scopes]


@window(staff.NewApiKey, description="A new API key with its secret. 新密钥")
class NewApiKey:
    api_key: ApiKey = strawberry.field(description="The API key that was created. 接口密钥")
    secret: str | None = strawberry.field(
        description="Secret to send as `Authorization: Bearer <secret>`. It is shown once and not "
        "stored; null when the request is a retry. 密钥仅显示一次"
    )


@strawberry.type(description="Limits of what the viewer may do. 额度")
class ViewerLimits:
    viewer: strawberry.Private[access.Viewer]

    @strawberry.field(
        description="Highest cost in CNY of a write-off that the viewer may approve, and of an "
        "adjustment, own use, production or shortage that they may book alone or approve; null "
        "means no limit. 金额上限"
    )
    async def amount(self, info: Info) -> Money | None:
        limit = await limit_of(info.context.snapshot, self.viewer)
        return None if limit is None else money(limit)

    @strawberry.field(
        description="Unpaid orders that a customer may have in a store; null for staff and API "
        "keys, which have no limit. 未付款订单上限"
    )
    def unpaid_orders(self) -> int | None:
        return MOST_OPEN["placed_by"] if self.viewer.scope.role is Role.CUSTOMER else None


@window(access.Viewer, description="The signed-in account or API key. 当前用户")
class Viewer:
    name: str = strawberry.field(description="Name of the account or API key. 名称")
    tenant: Tenant = edge("tenants", "tenant", "Chain that the viewer belongs to. 商户")

    @strawberry.field(description="Role of the viewer. 角色")
    def role(self, root: strawberry.Parent[access.Viewer]) -> Role:
        return root.scope.role

    @strawberry.field(description="Stores that the viewer may see, sorted by code. 可见门店")
    async def stores(self, root: strawberry.Parent[access.Viewer], info: Info) -> list[Store]:
        stores = await info.context.loaders_of(root).stores.load_many(
            access.within(root, Can.SEE_SELF)
        )
        return sorted(stores, key=lambda store: store.code)

    @strawberry.field(description="Limits of what the viewer may do. 额度")
    def limits(self, root: strawberry.Parent[access.Viewer]) -> "ViewerLimits":
        return ViewerLimits(viewer=root)

    @strawberry.field(description="Permissions that the viewer has in at least one store. 权限")
    def permissions(self, root: strawberry.Parent[access.Viewer]) -> list[Can]:
        return [can for can in Can if root.scope.reach(can)]


InviteStaffResult = Annotated[
    Staff | problems.AlreadyTaken | problems.UnknownStore | problems.KeyReused,
    strawberry.union(
        "InviteStaffResult",
        description="The staff account, or the problem that prevented its creation.",
    ),
]
SetStaffRoleResult = Annotated[
    Staff
    | problems.UnknownStaff
    | problems.UnknownStore
    | problems.WrongState
    | problems.KeyReused,
    strawberry.union(
        "SetStaffRoleResult",
        description="The staff account as it is now, or the problem that prevented the change.",
    ),
]
RemoveStaffResult = Annotated[
    Staff | problems.UnknownStaff | problems.WrongState | problems.KeyReused,
    strawberry.union(
        "RemoveStaffResult",
        description="The deactivated account, or the problem that prevented the change.",
    ),
]
CreateApiKeyResult = Annotated[
    NewApiKey | problems.KeyReused,
    strawberry.union(
        "CreateApiKeyResult",
        description="The API key with its secret, or the problem that prevented its creation.",
    ),
]
RevokeApiKeyResult = Annotated[
    ApiKey | problems.UnknownApiKey | problems.KeyReused,
    strawberry.union(
        "RevokeApiKeyResult",
        description="The revoked API key, or the problem that prevented the change.",
    ),
]
CreateStoreResult = Annotated[
    Store | problems.AlreadyTaken | problems.KeyReused,
    strawberry.union(
        "CreateStoreResult", description="The store, or the problem that prevented its creation."
    ),
]
SetBackdateDaysResult = Annotated[
    Tenant | problems.KeyReused,
    strawberry.union(
        "SetBackdateDaysResult",
        description="The chain as it is now, or the problem that prevented the change.",
    ),
]

UpdateStoreResult = Annotated[
    Store | problems.UnknownStore | problems.KeyReused,
    strawberry.union(
        "UpdateStoreResult",
        description="The store as it is now, or the problem that prevented the change.",
    ),
]


@strawberry.input(description="Input of `inviteStaff`. 邀请员工")
class InviteStaffInput:
    key: UUID = request_key()
    login: str = strawberry.field(
        description="Login name, unique in the chain: at most 100 characters without spaces; "
        "case does not matter. 账号"
    )
    name: str = strawberry.field(description="Name of the member of staff. 姓名")
    password: str = strawberry.field(
        description="Initial password, from 10 to 128 characters and hard to guess. 初始密码"
    )
    role: Role = strawberry.field(
        description="Role of the account: CASHIER, MANAGER, PURCHASER or OWNER. 角色"
    )
    store_ids: list[UUID] = strawberry.field(
        description="IDs of the stores where the member of staff works. Purchasers and owners "
        "see all stores. 所属门店",
        metadata=at_most(MOST_STORES),
    )


@strawberry.input(description="Input of `setStaffRole`. 调整角色和门店")
class SetStaffRoleInput:
    key: UUID = request_key()
    staff_id: UUID = strawberry.field(description="ID of the staff account to change.")
    role: Role = strawberry.field(description="New role of the account. 角色")
    store_ids: list[UUID] = strawberry.field(
        description="IDs of all stores where the member of staff works; they replace the "
        "previous ones. 所属门店",
        metadata=at_most(MOST_STORES),
    )


@strawberry.input(description="Input of `removeStaff`. 移除员工")
class RemoveStaffInput:
    key: UUID = request_key()
    staff_id: UUID = strawberry.field(description="ID of the staff account to deactivate.")


@strawberry.input(description="Input of `createApiKey`. 新建接口密钥")
class CreateApiKeyInput:
    key: UUID = request_key()
    name: str = strawberry.field(description="Name of the key, for your own lists. 名称")
    scopes: list[ApiScope] = strawberry.field(description="One or more scopes. 权限范围")


@strawberry.input(description="Input of `revokeApiKey`. 吊销接口密钥")
class RevokeApiKeyInput:
    key: UUID = request_key()
    api_key_id: UUID = strawberry.field(description="ID of the API key to revoke.")


@strawberry.input(description="Input of `createStore`. 新建门店")
class CreateStoreInput:
    key: UUID = request_key()
    code: str = strawberry.field(
        description="Public code, unique across all chains: 2 to 32 letters a-z, digits and "
        "hyphens. 门店编码"
    )
    name: str = strawberry.field(description="Name of the store. 门店名称")
    timezone: str | None = strawberry.field(
        default=None,
        description="Time zone in which the store's days begin, one that `timezones` lists; "
        "Asia/Shanghai by default. 时区",
    )
    few_threshold: int | None = strawberry.field(
        default=None,
        description="Customers see the exact quantity at or below this number of units; 5 by "
        "default. 仅剩提示阈值",
    )


@strawberry.input(description="Input of `setBackdateDays`. 设置补录期限")
class SetBackdateDaysInput:
    key: UUID = request_key()
    days: int = strawberry.field(description="Number of days, from 1 to 3650. 天数")


@strawberry.input(description="Input of `updateStore`; omitted fields stay unchanged. 修改门店")
class UpdateStoreInput:
    key: UUID = request_key()
    store_id: UUID = strawberry.field(description="ID of the store to change.")
    name: str | None = strawberry.field(default=None, description="New name of the store. 门店名称")
    timezone: str | None = strawberry.field(
        default=None,
        description="Time zone in which the store's days begin, one that `timezones` lists. 时区",
    )
    few_threshold: int | None = strawberry.field(
        default=None,
        description="Customers see the exact quantity at or below this number of units. "
        "仅剩提示阈值",
    )
    hold_minutes: int | None = strawberry.field(
        default=None,
        description="Minutes until an unpaid order expires, from 1 to 10080. 预占分钟数",
    )
    lead_days: int | None = strawberry.field(
        default=None,
        description="Days that goods take from head office to this store, from 0 to 90. "
        "补货在途天数",
    )
    guest_share: int | None = strawberry.field(
        default=None,
        description="Share of a product's available stock that unpaid orders of guests may hold "
        "together, from 0 to 100 percent; 50 by default. Rounded up to a whole unit where the "
        "product is counted. 未登录预订比例",
    )
    scale_labels: list[str] | None = strawberry.field(
        default=None,
        description="Layouts of the labels that the store's scales print, 13 or 18 characters "
        "each, such as 21PPPPPWWWWWC: digits are the prefix, P the PLU, W grams, A "
        "fen, C the check digit. The PLU is a barcode or SKU of the product. "
        "电子秤标签格式",
        metadata=at_most(MOST_LAYOUTS),
    )
