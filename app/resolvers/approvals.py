"""Roots of the approvals topic."""

from typing import Annotated
from uuid import UUID

import strawberry
from strawberry.types import Info

from app.db import approvals as rows
from app.db.approvals import ApprovalFilter
from app.db.tables import Approval
from app.domain import access
from app.domain.access import Can
from app.domain.documents import approvals
from app.domain.errors import Refused
from app.resolvers.pages import newest
from app.resolvers.roots import root
from app.schema import approvals as types
from app.schema.arguments import After, Before, First, Last, StoreIds
from app.schema.paging import Connection, PageArguments


@strawberry.type
class ApprovalsQuery:
    @root(
        Can.SEE_APPROVALS,
        types.Approval | None,
        description="Return one approval, or null if there is none. 超额申请",
    )
    async def approval(
        self,
        info: Info,
        id: Annotated[UUID, strawberry.argument(description="ID of the approval.")],
    ) -> Approval | None:
        arguments = info.context.snapshot, info.context.viewer, Can.SEE_APPROVALS, id
        try:
            return await approvals.get_approval(*arguments)
        except Refused:
            return None

    @root(
        Can.SEE_APPROVALS,
        Connection[types.Approval],
        description="List movements of your stores that wait, or waited, for a second person, the "
        "newest first. 超额申请列表",
    )
    async def approvals(
        self,
        info: Info,
        store_ids: StoreIds = None,
        state: Annotated[
            types.ApprovalState | None,
            strawberry.argument(description="Return only approvals in this state."),
        ] = None,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
    ):
        stores = access.within(info.context.viewer, Can.SEE_APPROVALS, store_ids)
        chosen = ApprovalFilter(stores, state and state.name)
        return await newest(
            info, rows.approvals, chosen, paging=PageArguments(first, after, last, before)
        )


@strawberry.type
class ApprovalsMutation:
    @root(
        Can.APPROVE_MOVEMENT,
        types.ApproveMovementResult,
        description="Approve a movement above a role's limit: it is recorded now, as of the time "
        "of its request. The requester cannot approve it; fails with OverLimit above the limit of "
        "your role. 批准超额",
    )
    async def approve_movement(self, info: Info, input: types.DecideMovementInput) -> Approval:
        books, viewer = info.context.app.books, info.context.viewer
        return await approvals.approve(books, viewer, input.key, input.approval_id, input.note)

    @root(
        Can.SEE_APPROVALS,
        types.RejectMovementResult,
        description="Reject a movement above a role's limit, or withdraw your own; nothing is "
        "recorded. Requests of others need APPROVE_MOVEMENT. 驳回/撤回超额",
    )
    async def reject_movement(self, info: Info, input: types.DecideMovementInput) -> Approval:
        db, viewer = info.context.app.db, info.context.viewer
        return await approvals.reject(db, viewer, input.key, input.approval_id, input.note)
