"""Roots of the identity topic."""

import strawberry
from strawberry.types import Info

from app.db import identity as rows
from app.db import tables
from app.domain import access
from app.domain.access import Can
from app.domain.people import sessions, staff, stores
from app.domain.people.sessions import SignedIn
from app.resolvers.pages import newest
from app.resolvers.roots import root
from app.schema import identity as types
from app.schema.paging import Connection


@strawberry.type
class IdentityQuery:
    @root(Can.SEE_SELF, types.Viewer, description="Who is signed in. 当前用户")
    async def viewer(self, info: Info) -> access.Viewer:
        return info.context.viewer

    @root(Can.SEE_SELF, list[types.Store], description="Your stores, by code. 门店列表")
    async def stores(self, info: Info) -> list[tables.Store]:
        viewer = info.context.viewer
        async with info.context.app.db.read(viewer.tenant) as session:
            reached = access.within(viewer, Can.SEE_SELF)
            return list(await rows.stores_by_id(session, viewer.tenant, reached))

    @root(Can.MANAGE_STAFF, Connection[types.Staff], description="Who works here. 员工列表")
    async def staff(self, info: Info, first: int | None = None, after: str | None = None):
        return await newest(info, rows.staff, first=first, after=after)

    @root(Can.MANAGE_KEYS, Connection[types.ApiKey], description="Newest first. 接口密钥列表")
    async def api_keys(self, info: Info, first: int | None = None, after: str | None = None):
        return await newest(info, rows.api_keys, first=first, after=after)


@strawberry.type
class IdentityMutation:
    @root(Can.SIGN_IN, types.SignInResult, description="Open a session. 登录")
    async def sign_in(self, info: Info, input: types.SignInInput) -> SignedIn:
        context = info.context
        return await sessions.sign_in(
            context.app.gate, input.login, input.password, context.address
        )

    @root(Can.SIGN_IN, types.RefreshSessionResult, description="Stay signed in. 续期")
    async def refresh_session(self, info: Info, input: types.RefreshSessionInput) -> SignedIn:
        return await sessions.refresh_session(info.context.app.gate, input.refresh_token)

    @root(Can.MANAGE_STAFF, types.InviteStaffResult, description="Add somebody. 邀请员工")
    async def invite_staff(self, info: Info, input: types.InviteStaffInput) -> tables.Staff:
        return await staff.invite_staff(
            info.context.app.gate,
            info.context.viewer,
            key=input.key,
            login=input.login,
            name=input.name,
            password=input.password,
            role=input.role,
            store_ids=input.store_ids,
        )

    @root(Can.MANAGE_STAFF, types.SetStaffRoleResult, description="Change rights. 调整权限")
    async def set_staff_role(self, info: Info, input: types.SetStaffRoleInput) -> tables.Staff:
        gate, viewer, stores = info.context.app.gate, info.context.viewer, input.store_ids
        return await staff.set_staff_role(
            gate, viewer, input.key, input.staff_id, input.role, stores
        )

    @root(Can.MANAGE_STAFF, types.RemoveStaffResult, description="Somebody leaves. 移除员工")
    async def remove_staff(self, info: Info, input: types.RemoveStaffInput) -> tables.Staff:
        gate, viewer = info.context.app.gate, info.context.viewer
        return await staff.remove_staff(gate, viewer, input.key, input.staff_id)

    @root(Can.MANAGE_KEYS, types.CreateApiKeyResult, description="Add a program. 新建接口密钥")
    async def create_api_key(self, info: Info, input: types.CreateApiKeyInput) -> staff.NewApiKey:
        gate, viewer = info.context.app.gate, info.context.viewer
        scopes = [scope.value for scope in input.scopes]
        return await staff.create_api_key(gate, viewer, input.key, input.name, scopes)

    @root(Can.MANAGE_KEYS, types.RevokeApiKeyResult, description="End an API key. 吊销接口密钥")
    async def revoke_api_key(self, info: Info, input: types.RevokeApiKeyInput) -> tables.ApiKey:
        gate, viewer = info.context.app.gate, info.context.viewer
        return await staff.revoke_api_key(gate, viewer, input.key, input.api_key_id)

    @root(Can.MANAGE_STORES, types.CreateStoreResult, description="Open a store. 新建门店")
    async def create_store(self, info: Info, input: types.CreateStoreInput) -> tables.Store:
        return await stores.create_store(
            info.context.app.gate,
            info.context.viewer,
            key=input.key,
            code=input.code,
            name=input.name,
            timezone=input.timezone,
            few_threshold=input.few_threshold,
        )

    @root(Can.MANAGE_STORES, types.UpdateStoreResult, description="Change a store. 修改门店")
    async def update_store(self, info: Info, input: types.UpdateStoreInput) -> tables.Store:
        return await stores.update_store(
            info.context.app.gate,
            info.context.viewer,
            key=input.key,
            store_id=input.store_id,
            name=input.name,
            timezone=input.timezone,
            few_threshold=input.few_threshold,
            scale_labels=input.scale_labels,
            hold_minutes=input.hold_minutes,
            lead_days=input.lead_days,
        )
