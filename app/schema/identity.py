"""People, stores and API keys, and what one sends to sign in and to change them."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

import strawberry
from strawberry.types import Info

from app.db import tables
from app.domain import access
from app.domain.access import ApiScope, Can
from app.domain.access import Role as RoleValue
from app.domain.people import sessions, staff
from app.schema import problems
from app.schema.edges import edge
from app.schema.window import definition, window

strawberry.enum(Can, name="Permission", description="Something that a viewer may do. 权限")
for _value in definition(Can).values:
    _value.description = Can[_value.name].value.meaning

strawberry.enum(
    ApiScope, name="Scope", description="A part of the API that an API key may use. 权限范围"
)
for _value in definition(ApiScope).values:
    _granted = [can for can in Can if can.value.scope == ApiScope[_value.name].value]
    _value.description = f"Allows: {', '.join(can.name for can in _granted)}."

Role = strawberry.enum(RoleValue, name="Role", description="What somebody is here. 角色")
for _value in definition(Role).values:
    _value.description = RoleValue[_value.name].value


@window(tables.Tenant, description="A chain of stores. 商户")
class Tenant:
    name: str


@window(tables.Store, description="A store or warehouse. 门店/仓库")
class Store:
    id: UUID
    code: str = strawberry.field(description="Its public name in links and the storefront. 编码")
    name: str
    timezone: str = strawberry.field(description="Where its days begin: Asia/Shanghai. 时区")
    few_threshold: int = strawberry.field(
        description="Customers are told how few are left from this number down. 仅剩提示阈值"
    )
    hold_minutes: int = strawberry.field(
        description="How long an order waits to be paid for, unless it has a pick-up. 预占分钟数"
    )
    lead_days: int = strawberry.field(
        description="Days that goods take from head office to it. 补货在途天数"
    )
    scale_labels: list[str] = strawberry.field(
        description="Layouts of its scales' labels: see `updateStore`. 电子秤标签格式"
    )


@window(tables.Staff, tables.ApiKey, description="Who did something: staff or a program. 操作人")
class Actor:
    id: UUID
    name: str


@window(tables.Staff, description="Somebody who works here. 员工")
class Staff:
    id: UUID
    login: str = strawberry.field(description="What they sign in with. 账号")
    name: str
    stores: list[Store] = edge("staff_stores", "id", "Where they work. 所属门店")
    created_at: datetime
    removed_at: datetime | None = strawberry.field(description="Null: still here. 离职时间")

    @strawberry.field
    def role(self, root: strawberry.Parent[tables.Staff]) -> Role:  # pyright: ignore[reportInvalidTypeForm]
        return RoleValue[root.role]


@window(tables.ApiKey, description="The key of a program. 接口密钥")
class ApiKey:
    id: UUID
    name: str
    created_by: Actor | None = edge("actors", "created_by")
    created_at: datetime
    revoked_at: datetime | None = strawberry.field(description="Null: it works. 吊销时间")

    @strawberry.field(description="What the key may do. 权限范围")
    def scopes(self, root: strawberry.Parent[tables.ApiKey]) -> list[ApiScope]:
        return [ApiScope(scope) for scope in root.scopes]


@window(staff.NewApiKey, description="A new key, and its secret for the only time. 新密钥")
class NewApiKey:
    api_key: ApiKey
    secret: str | None = strawberry.field(
        description="Send it as `Authorization: Bearer <secret>`. Null when the request is a "
        "repeat: the secret was told before, and nobody keeps it. 密钥仅显示一次"
    )


@window(access.Viewer, description="Who asks. 当前用户")
class Viewer:
    name: str
    tenant: Tenant = edge("tenants", "tenant")

    @strawberry.field
    def role(self, root: strawberry.Parent[access.Viewer]) -> Role:  # pyright: ignore[reportInvalidTypeForm]
        return root.scope.role

    @strawberry.field(description="The stores they may see. 可见门店")
    async def stores(self, root: strawberry.Parent[access.Viewer], info: Info) -> list[Store]:
        found = await info.context.loaders.stores.load_many(access.within(root, Can.SEE_SELF))
        return sorted(found, key=lambda store: store.code)

    @strawberry.field(description="What the viewer may do in at least one store. 权限")
    def permissions(self, root: strawberry.Parent[access.Viewer]) -> list[Can]:
        return [can for can in Can if root.scope.reach(can)]


@window(sessions.SignedIn, description="A session: two tokens. 登录凭证")
class SignedIn:
    access_token: str = strawberry.field(
        description="Send it as `Authorization: Bearer <token>`; good for 15 minutes. 访问令牌"
    )
    refresh_token: str = strawberry.field(
        description="Swap it for new tokens with refreshSession; each is used once, within "
        "30 days. 刷新令牌"
    )
    expires_at: datetime = strawberry.field(description="When the access token ends. 过期时间")


SignInResult = Annotated[
    SignedIn | problems.SignInFailed | problems.TooManyAttempts, strawberry.union("SignInResult")
]
RefreshSessionResult = Annotated[
    SignedIn | problems.SessionEnded, strawberry.union("RefreshSessionResult")
]
InviteStaffResult = Annotated[
    Staff | problems.AlreadyTaken | problems.UnknownStore | problems.KeyReused,
    strawberry.union("InviteStaffResult"),
]
SetStaffRoleResult = Annotated[
    Staff
    | problems.UnknownStaff
    | problems.UnknownStore
    | problems.WrongState
    | problems.KeyReused,
    strawberry.union("SetStaffRoleResult"),
]
RemoveStaffResult = Annotated[
    Staff | problems.UnknownStaff | problems.WrongState | problems.KeyReused,
    strawberry.union("RemoveStaffResult"),
]
CreateApiKeyResult = Annotated[
    NewApiKey | problems.KeyReused, strawberry.union("CreateApiKeyResult")
]
RevokeApiKeyResult = Annotated[
    ApiKey | problems.UnknownApiKey | problems.KeyReused, strawberry.union("RevokeApiKeyResult")
]
CreateStoreResult = Annotated[
    Store | problems.AlreadyTaken | problems.KeyReused, strawberry.union("CreateStoreResult")
]
UpdateStoreResult = Annotated[
    Store | problems.UnknownStore | problems.KeyReused, strawberry.union("UpdateStoreResult")
]


@strawberry.input(description="Who signs in. 登录")
class SignInInput:
    login: str
    password: str


@strawberry.input(description="Stay signed in. 续期")
class RefreshSessionInput:
    refresh_token: str


@strawberry.input(description="Somebody new, who can sign in at once. 邀请员工")
class InviteStaffInput:
    key: UUID
    login: str = strawberry.field(
        description="At most 100 characters without spaces; case does not matter. 账号"
    )
    name: str
    password: str = strawberry.field(description="From 8 to 128 characters. 初始密码")
    role: Role = strawberry.field(  # pyright: ignore[reportInvalidTypeForm]
        description="CASHIER, MANAGER, PURCHASER or OWNER."
    )
    store_ids: list[UUID] = strawberry.field(
        description="Where they work; purchasers and owners see all stores anyway."
    )


@strawberry.input(description="Another role, other stores. 调整角色和门店")
class SetStaffRoleInput:
    key: UUID
    staff_id: UUID
    role: Role  # pyright: ignore[reportInvalidTypeForm]
    store_ids: list[UUID] = strawberry.field(description="All of them: they replace the former.")


@strawberry.input(description="Somebody leaves: their sessions end at once. 移除员工")
class RemoveStaffInput:
    key: UUID
    staff_id: UUID


@strawberry.input(description="A key for a program. 新建接口密钥")
class CreateApiKeyInput:
    key: UUID
    name: str
    scopes: list[ApiScope] = strawberry.field(description="One or more scopes. 权限范围")


@strawberry.input(description="Make a key worthless. 吊销接口密钥")
class RevokeApiKeyInput:
    key: UUID
    api_key_id: UUID


@strawberry.input(description="A new store. 新建门店")
class CreateStoreInput:
    key: UUID
    code: str = strawberry.field(
        description="2 to 32 letters a-z, digits and hyphens; public, and nobody else's. 编码"
    )
    name: str
    timezone: str | None = strawberry.field(default=None, description="Asia/Shanghai if not given.")
    few_threshold: int | None = strawberry.field(default=None, description="5 if not given.")


@strawberry.input(description="What is not given stays. 修改门店")
class UpdateStoreInput:
    key: UUID
    store_id: UUID
    name: str | None = None
    timezone: str | None = None
    few_threshold: int | None = None
    hold_minutes: int | None = strawberry.field(
        default=None, description="From 1 minute to a week. 预占分钟数"
    )
    lead_days: int | None = strawberry.field(
        default=None, description="From 0 to 90; suggestions look so far ahead. 补货在途天数"
    )
    scale_labels: list[str] | None = strawberry.field(
        default=None,
        description="Layouts of the labels its scales print, 13 or 18 characters each: the "
        "prefix in digits, P the PLU, W grams, A fen, C the check digit: 21PPPPPWWWWWC. "
        "The PLU is a barcode or sku of the product. 电子秤标签格式",
    )
