"""Roots of the tills topic."""

import strawberry
from strawberry.types import Info

from app.db import tables
from app.db import tills as rows
from app.domain import access
from app.domain.access import Can
from app.domain.people import tills
from app.resolvers.roots import root
from app.schema import tills as types
from app.schema.arguments import StoreIds


@strawberry.type
class TillsQuery:
    @root(
        Can.SEE_STOCK,
        list[types.Till],
        description="List the tills of your stores by device, retired ones too. 收银机列表",
    )
    async def tills(self, info: Info, store_ids: StoreIds = None) -> list[tables.Till]:
        viewer = info.context.viewer
        stores = access.within(viewer, Can.SEE_STOCK, store_ids)
        async with info.context.snapshot.read(viewer.tenant) as session:
            return list(await rows.tills_of(session, viewer.tenant, stores))


@strawberry.type
class TillsMutation:
    @root(
        Can.MANAGE_TILLS,
        types.RegisterTillResult,
        description="Register a till of a store. Registering its device again returns the same "
        "till, under the new name and in use again. 登记收银机",
    )
    async def register_till(self, info: Info, input: types.RegisterTillInput) -> tables.Till:
        db, viewer = info.context.app.gate.db, info.context.viewer
        what = input.key, input.store_id, input.device_id, input.name
        return await tills.register_till(db, viewer, *what)

    @root(
        Can.MANAGE_TILLS,
        types.RetireTillResult,
        description="Retire a till. Sales that it made before can still be uploaded. 停用收银机",
    )
    async def retire_till(self, info: Info, input: types.RetireTillInput) -> tables.Till:
        db, viewer = info.context.app.gate.db, info.context.viewer
        return await tills.retire_till(db, viewer, input.key, input.till_id)
