"""Roots of the write-offs topic."""

from typing import Annotated
from uuid import UUID

import strawberry
from strawberry.types import Info

from app.db import writeoffs as rows
from app.db.tables import WriteOff, WriteOffLimit
from app.db.writeoffs import WriteOffFilter
from app.domain import access
from app.domain.access import Can
from app.domain.documents import writeoffs
from app.domain.documents.writeoffs import WriteOffRequest
from app.domain.errors import Refused
from app.resolvers.pages import newest
from app.resolvers.roots import root
from app.schema import writeoffs as types
from app.schema.arguments import After, Before, First, Last, StoreIds
from app.schema.paging import Connection, PageArguments


@strawberry.type
class WriteOffsQuery:
    @root(
        Can.SEE_WRITE_OFFS,
        types.WriteOff | None,
        description="Return one write-off, or null if there is none. 报损单",
    )
    async def write_off(
        self,
        info: Info,
        id: Annotated[UUID, strawberry.argument(description="ID of the write-off.")],
    ) -> WriteOff | None:
        arguments = info.context.snapshot, info.context.viewer, Can.SEE_WRITE_OFFS, id
        try:
            return await writeoffs.get_write_off(*arguments)
        except Refused:
            return None

    @root(
        Can.SEE_WRITE_OFFS,
        Connection[types.WriteOff],
        description="List write-offs of your stores, the newest first. 报损列表",
    )
    async def write_offs(
        self,
        info: Info,
        store_ids: StoreIds = None,
        state: Annotated[
            types.WriteOffState | None,
            strawberry.argument(description="Return only write-offs in this state."),
        ] = None,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
    ):
        viewer = info.context.viewer
        stores = access.within(viewer, Can.SEE_WRITE_OFFS, store_ids)
        chosen = WriteOffFilter(stores, state and state.name)
        return await newest(
            info, rows.write_offs, chosen, paging=PageArguments(first, after, last, before)
        )

    @root(
        Can.DECIDE_WRITE_OFF,
        list[types.WriteOffLimit],
        description="List the approval limit of each role; owners have no limit. 报损审批额度",
    )
    async def write_off_limits(self, info: Info) -> list[WriteOffLimit]:
        return await writeoffs.limits(info.context.snapshot, info.context.viewer)


@strawberry.type
class WriteOffsMutation:
    @root(
        Can.REQUEST_WRITE_OFF,
        types.RequestWriteOffResult,
        description="Request a write-off and move the goods to quarantine at once, all lines or "
        "none. Expired goods are allowed. 申请报损",
    )
    async def request_write_off(self, info: Info, input: types.RequestWriteOffInput) -> WriteOff:
        request = WriteOffRequest(
            input.key, input.store_id, input.reason, input.note, input.photo_urls or ()
        )
        context = info.context
        return await writeoffs.request(context.app.books, context.viewer, request, input.lines)

    @root(
        Can.DECIDE_WRITE_OFF,
        types.ApproveWriteOffResult,
        description="Approve a write-off at its cost. The requester cannot approve it; fails with "
        "OverLimit above the limit of your role. 批准报损",
    )
    async def approve_write_off(self, info: Info, input: types.DecideWriteOffInput) -> WriteOff:
        db, viewer = info.context.app.db, info.context.viewer
        return await writeoffs.approve(db, viewer, input.key, input.write_off_id, input.note)

    @root(
        Can.REQUEST_WRITE_OFF,
        types.RejectWriteOffResult,
        description="Reject a write-off, or withdraw your own. Goods from the shelf go back "
        "there unless they have expired. 驳回/撤回报损",
    )
    async def reject_write_off(self, info: Info, input: types.DecideWriteOffInput) -> WriteOff:
        db, viewer = info.context.app.db, info.context.viewer
        return await writeoffs.reject(db, viewer, input.key, input.write_off_id, input.note)

    @root(
        Can.LIMIT_WRITE_OFFS,
        types.SetWriteOffLimitResult,
        description="Set the highest value of a write-off that a role may approve, and of an "
        "adjustment, own use, production or shortage that it may book alone or approve. Without a "
        "limit a role may do what its permissions allow. 设置额度",
    )
    async def set_write_off_limit(
        self, info: Info, input: types.SetWriteOffLimitInput
    ) -> WriteOffLimit:
        db, viewer = info.context.app.db, info.context.viewer
        return await writeoffs.set_limit(db, viewer, input.key, input.role, input.amount)
