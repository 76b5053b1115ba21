"""Roots of the transfers topic."""

from uuid import UUID

import strawberry
from strawberry.types import Info

from app.db import transfers as rows
from app.db.tables import Transfer
from app.db.transfers import TransferFilter
from app.domain import access
from app.domain.access import Can
from app.domain.documents import transfer_receipts, transfer_requests, transfers
from app.domain.errors import Refused
from app.resolvers.pages import newest
from app.resolvers.roots import root
from app.schema import transfers as types
from app.schema.paging import Connection


async def listed(
    info: Info,
    store_ids: list[UUID] | None,
    states: list[types.TransferState] | None,
    first: int | None,
    after: str | None,
    **chosen: bool,
):
    """A page of transfers to or from these stores."""
    viewer = info.context.viewer
    filtered = TransferFilter(
        access.within(viewer, Can.SEE_TRANSFERS, store_ids),
        None if states is None else [state.name for state in states],
        **chosen,
    )
    return await newest(info, rows.transfers, filtered, first=first, after=after)


@strawberry.type
class TransfersQuery:
    @root(Can.SEE_TRANSFERS, types.Transfer | None, description="One of them. 调拨单")
    async def transfer(self, info: Info, id: UUID) -> Transfer | None:
        context, can = info.context, Can.SEE_TRANSFERS
        try:
            return await transfers.get_transfer(context.app.db, context.viewer, can, id)
        except Refused:
            return None

    @root(
        Can.SEE_TRANSFERS,
        Connection[types.Transfer],
        description="What stores asked for, the newest first. 补货申请",
    )
    async def replenishment_requests(
        self,
        info: Info,
        store_ids: list[UUID] | None = None,
        states: list[types.TransferState] | None = None,
        first: int | None = None,
        after: str | None = None,
    ):
        return await listed(info, store_ids, states, first, after, asked=True)

    @root(
        Can.SEE_TRANSFERS,
        Connection[types.Transfer],
        description="What is or was shipped to or from these stores, the newest first. 调拨列表",
    )
    async def transfers(
        self,
        info: Info,
        store_ids: list[UUID] | None = None,
        states: list[types.TransferState] | None = None,
        first: int | None = None,
        after: str | None = None,
    ):
        return await listed(info, store_ids, states, first, after, planned=True)

    @root(
        Can.SEE_TRANSFERS,
        list[types.ReplenishmentSuggestion],
        description="What a store should ask for, the most urgent first, at most 200. 补货建议",
    )
    async def replenishment_suggestions(self, info: Info, store_id: UUID):
        viewer = info.context.viewer
        if not access.within(viewer, Can.SEE_TRANSFERS, [store_id]):
            return []
        return await transfer_requests.suggestions(info.context.app.db, viewer.tenant, store_id)


@strawberry.type
class TransfersMutation:
    @root(
        Can.REQUEST_GOODS,
        types.TransferResult,
        description="Ask head office for goods, or for all that is suggested. 申请补货",
    )
    async def request_replenishment(
        self, info: Info, input: types.RequestReplenishmentInput
    ) -> Transfer:
        context, asked = info.context, (input.key, input.store_id, input.lines, input.note)
        return await transfer_requests.request(context.app.db, context.viewer, *asked)

    @root(
        Can.RUN_TRANSFERS,
        types.TransferResult,
        description="Send what was asked for, or other quantities, from a store. 批准补货",
    )
    async def approve_replenishment(
        self, info: Info, input: types.ApproveReplenishmentInput
    ) -> Transfer:
        asked = input.key, input.transfer_id, input.from_store_id, input.lines
        return await transfer_requests.approve(info.context.app.db, info.context.viewer, *asked)

    @root(Can.RUN_TRANSFERS, types.TransferResult, description="Send nothing. 驳回补货")
    async def reject_replenishment(
        self, info: Info, input: types.RejectReplenishmentInput
    ) -> Transfer:
        db, viewer, id = info.context.app.db, info.context.viewer, input.transfer_id
        return await transfer_requests.reject(db, viewer, input.key, id, input.reason)

    @root(Can.REQUEST_GOODS, types.TransferResult, description="Ask no longer. 撤回申请")
    async def withdraw_replenishment(
        self, info: Info, input: types.WithdrawReplenishmentInput
    ) -> Transfer:
        db, viewer, id = info.context.app.db, info.context.viewer, input.transfer_id
        return await transfer_requests.withdraw(db, viewer, input.key, id, input.reason)

    @root(
        Can.RUN_TRANSFERS,
        types.TransferResult,
        description="A transfer that nobody asked for, to be shipped. 新建调拨",
    )
    async def create_transfer(self, info: Info, input: types.CreateTransferInput) -> Transfer:
        stores = input.from_store_id, input.to_store_id
        asked = input.key, *stores, input.lines, input.note
        return await transfers.create(info.context.app.db, info.context.viewer, *asked)

    @root(
        Can.RUN_TRANSFERS,
        types.TransferResult,
        description="Put what was approved on its way: shelf to transit. 发货",
    )
    async def ship_transfer(self, info: Info, input: types.ShipTransferInput) -> Transfer:
        asked = input.key, input.transfer_id, input.lines
        return await transfers.ship(info.context.app.db, info.context.viewer, *asked)

    @root(
        Can.RECEIVE_TRANSFER,
        types.TransferResult,
        description="Account for what arrived: received, damaged, lost or returned, any number of "
        "times. 收货",
    )
    async def receive_transfer(self, info: Info, input: types.ReceiveTransferInput) -> Transfer:
        asked = input.key, input.transfer_id, input.lines
        return await transfer_receipts.receive(info.context.app.db, info.context.viewer, *asked)

    @root(
        Can.RUN_TRANSFERS,
        types.TransferResult,
        description="Give up what was approved, or call back what nobody received yet. 取消调拨",
    )
    async def cancel_transfer(self, info: Info, input: types.CancelTransferInput) -> Transfer:
        db, viewer, id = info.context.app.db, info.context.viewer, input.transfer_id
        return await transfers.cancel(db, viewer, input.key, id, input.reason)
