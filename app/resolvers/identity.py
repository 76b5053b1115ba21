"""Roots of the identity topic."""

import strawberry
from strawberry.types import Info

from app.db import identity as rows
from app.db import tables
from app.domain import access
from app.domain.access import Can
from app.domain.movements import horizon
from app.domain.people import management, staff, stores, timezones
from app.domain.people.stores import StoreChanges
from app.resolvers.pages import newest
from app.resolvers.roots import root
from app.schema import identity as types
from app.schema.arguments import After, Before, First, Last
from app.schema.paging import Connection, PageArguments


@strawberry.type
class IdentityQuery:
    @root(
        Can.SEE_SELF, types.Viewer, description="Return the signed-in account or API key. 当前用户"
    )
    async def viewer(self, info: Info) -> access.Viewer:
        return info.context.viewer

    @root(Can.SEE_SELF, list[types.Store], description="List your stores, sorted by code. 门店列表")
    async def stores(self, info: Info) -> list[tables.Store]:
        viewer = info.context.viewer
        async with info.context.snapshot.read(viewer.tenant) as session:
            reached = access.within(viewer, Can.SEE_SELF)
            return list(await rows.stores_by_id(session, viewer.tenant, reached))

    @root(
        Can.SEE_SELF,
        list[str],
        description="List the time zones that a store may have, sorted by name. 时区列表",
    )
    async def timezones(self, info: Info) -> list[str]:
        return await timezones.timezones(info.context.snapshot, info.context.viewer.tenant)

    @root(
        Can.MANAGE_STAFF,
        Connection[types.Staff],
        description="List the staff accounts that you manage, the newest first: owners those of "
        "the chain, managers the cashiers who work only in their stores. 员工列表",
    )
    async def staff(
        self,
        info: Info,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
    ):
        stores = management.managed_stores(info.context.viewer)
        return await newest(
            info, rows.staff, stores, paging=PageArguments(first, after, last, before)
        )

    @root(
        Can.MANAGE_KEYS,
        Connection[types.ApiKey],
        description="List the API keys of the chain, the newest first. 接口密钥列表",
    )
    async def api_keys(
        self,
        info: Info,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
    ):
        return await newest(info, rows.api_keys, paging=PageArguments(first, after, last, before))


@strawberry.type
class IdentityMutation:
    @root(
        Can.MANAGE_STAFF,
        types.InviteStaffResult,
        description="Create a staff account that can sign in at once. Managers create cashiers "
        "of their own stores. 邀请员工",
    )
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

    @root(
        Can.MANAGE_STAFF,
        types.SetStaffRoleResult,
        description="Set the role and the stores of a staff account. Managers change cashiers "
        "of their own stores. 调整权限",
    )
    async def set_staff_role(self, info: Info, input: types.SetStaffRoleInput) -> tables.Staff:
        gate, viewer, stores = info.context.app.gate, info.context.viewer, input.store_ids
        return await staff.set_staff_role(
            gate, viewer, input.key, input.staff_id, input.role, stores
        )

    @root(
        Can.MANAGE_STAFF,
        types.RemoveStaffResult,
        description="Deactivate an account and end its sessions. 移除员工",
    )
    async def remove_staff(self, info: Info, input: types.RemoveStaffInput) -> tables.Staff:
        gate, viewer = info.context.app.gate, info.context.viewer
        return await staff.remove_staff(gate, viewer, input.key, input.staff_id)

    @root(
        Can.MANAGE_KEYS,
        types.CreateApiKeyResult,
        description="Create an API key; the secret is shown once. 新建接口密钥",
    )
    async def create_api_key(self, info: Info, input: types.CreateApiKeyInput) -> staff.NewApiKey:
        gate, viewer = info.context.app.gate, info.context.viewer
        scopes = [scope.value for scope in input.scopes]
        return await staff.create_api_key(gate, viewer, input.key, input.name, scopes)

    @root(
        Can.MANAGE_KEYS,
        types.RevokeApiKeyResult,
        description="Revoke an API key; it stops working at once. 吊销接口密钥",
    )
    async def revoke_api_key(self, info: Info, input: types.RevokeApiKeyInput) -> tables.ApiKey:
        gate, viewer = info.context.app.gate, info.context.viewer
        return await staff.revoke_api_key(gate, viewer, input.key, input.api_key_id)

    @root(
        Can.MANAGE_STORES,
        types.SetBackdateDaysResult,
        description="Set how many days late movements may be recorded with `occurredAt`; 30 by "
        "default. Who may correct stock by hand (ADJUST) is not bound; for anyone else an earlier "
        "movement fails with WrongState TOO_LONG_AGO. 设置补录期限",
    )
    async def set_backdate_days(
        self, info: Info, input: types.SetBackdateDaysInput
    ) -> tables.Tenant:
        db, viewer = info.context.app.gate.db, info.context.viewer
        return await horizon.set_backdate_days(db, viewer, input.key, input.days)

    @root(
        Can.MANAGE_STORES,
        types.CreateStoreResult,
        description="Create a store in the chain. 新建门店",
    )
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

    @root(
        Can.MANAGE_STORES,
        types.UpdateStoreResult,
        description="Update a store; omitted fields stay unchanged. 修改门店",
    )
    async def update_store(self, info: Info, input: types.UpdateStoreInput) -> tables.Store:
        changes = StoreChanges(
            input.name,
            input.timezone,
            input.few_threshold,
            input.scale_labels,
            input.hold_minutes,
            input.lead_days,
            input.guest_share,
        )
        gate, viewer = info.context.app.gate, info.context.viewer
        return await stores.update_store(gate, viewer, input.key, input.store_id, changes)
