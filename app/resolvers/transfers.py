"""Roots of the transfers topic."""

from typing import Annotated
from uuid import UUID

import strawberry
from strawberry.types import Info

from app.db import transfers as rows
from app.db.tables import Transfer
from app.db.transfers import TransferFilter
from app.domain import access
from app.domain.access import Can
from app.domain.documents import reversals, transfer_receipts, transfer_requests, transfers
from app.domain.errors import Refused
from app.resolvers.pages import newest
from app.resolvers.roots import root
from app.schema import transfers as types
from app.schema.arguments import After, Before, First, Last, StoreIds, at_most
from app.schema.paging import Connection, PageArguments
from app.schema.scalars import MOST_VALUES
from app.schema.stock_changes import ReverseInput


async def listed(
    info: Info,
    store_ids: list[UUID] | None,
    states: list[types.TransferState] | None,
    paging: PageArguments,
    **chosen: bool,
):
    """A page of transfers to or from these stores."""
    viewer = info.context.viewer
    filtered = TransferFilter(
        access.within(viewer, Can.SEE_TRANSFERS, store_ids),
        None if states is None else [state.name for state in states],
        **chosen,
    )
    return await newest(info, rows.transfers, filtered, paging=paging)


@strawberry.type
class TransfersQuery:
    @root(
        Can.SEE_TRANSFERS,
        types.Transfer | None,
        description="Return one transfer, or null if there is none. 调拨单",
    )
    async def transfer(
        self,
        info: Info,
        id: Annotated[UUID, strawberry.argument(description="ID of the transfer.")],
    ) -> Transfer | None:
        context, can = info.context, Can.SEE_TRANSFERS
        try:
            return await transfers.get_transfer(context.snapshot, context.viewer, can, id)
        except Refused:
            return None

    @root(
        Can.SEE_TRANSFERS,
        Connection[types.Transfer],
        description="List replenishment requests of your stores, the newest first. 补货申请",
    )
    async def replenishment_requests(
        self,
        info: Info,
        store_ids: StoreIds = None,
        states: Annotated[
            list[types.TransferState] | None,
            strawberry.argument(
                description="Return only requests in these states.", metadata=at_most(MOST_VALUES)
            ),
        ] = None,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
    ):
        return await listed(
            info, store_ids, states, PageArguments(first, after, last, before), requests=True
        )

    @root(
        Can.SEE_TRANSFERS,
        Connection[types.Transfer],
        description="List transfers to or from your stores that were approved or shipped, the "
        "newest first. 调拨列表",
    )
    async def transfers(
        self,
        info: Info,
        store_ids: StoreIds = None,
        states: Annotated[
            list[types.TransferState] | None,
            strawberry.argument(
                description="Return only transfers in these states.", metadata=at_most(MOST_VALUES)
            ),
        ] = None,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
    ):
        return await listed(
            info, store_ids, states, PageArguments(first, after, last, before), planned=True
        )

    @root(
        Can.SEE_TRANSFERS,
        list[types.ReplenishmentSuggestion],
        description="List what a store should request, the most urgent first, at most 200 "
        "products. 补货建议",
    )
    async def replenishment_suggestions(
        self,
        info: Info,
        store_id: Annotated[UUID, strawberry.argument(description="ID of the store.")],
    ):
        context = info.context
        if not access.within(context.viewer, Can.SEE_TRANSFERS, [store_id]):
            return []
        return await transfer_requests.suggestions(
            context.snapshot, context.viewer.tenant, store_id
        )


@strawberry.type
class TransfersMutation:
    @root(
        Can.REQUEST_GOODS,
        types.TransferResult,
        description="Request goods from head office; everything that is suggested by default. "
        "申请补货",
    )
    async def request_replenishment(
        self, info: Info, input: types.RequestReplenishmentInput
    ) -> Transfer:
        context, arguments = info.context, (input.key, input.store_id, input.lines, input.note)
        return await transfer_requests.request(context.app.db, context.viewer, *arguments)

    @root(
        Can.RUN_TRANSFERS,
        types.TransferResult,
        description="Approve a replenishment request, with the requested or other quantities. "
        "批准补货",
    )
    async def approve_replenishment(
        self, info: Info, input: types.ApproveReplenishmentInput
    ) -> Transfer:
        arguments = input.key, input.transfer_id, input.from_store_id, input.lines
        return await transfer_requests.approve(info.context.app.db, info.context.viewer, *arguments)

    @root(
        Can.RUN_TRANSFERS,
        types.TransferResult,
        description="Reject a replenishment request; a reason is required. 驳回补货",
    )
    async def reject_replenishment(
        self, info: Info, input: types.RejectReplenishmentInput
    ) -> Transfer:
        db, viewer, id = info.context.app.db, info.context.viewer, input.transfer_id
        return await transfer_requests.reject(db, viewer, input.key, id, input.reason)

    @root(
        Can.REQUEST_GOODS,
        types.TransferResult,
        description="Withdraw a replenishment request that is not approved yet. 撤回申请",
    )
    async def withdraw_replenishment(
        self, info: Info, input: types.WithdrawReplenishmentInput
    ) -> Transfer:
        db, viewer, id = info.context.app.db, info.context.viewer, input.transfer_id
        return await transfer_requests.withdraw(db, viewer, input.key, id, input.reason)

    @root(
        Can.RUN_TRANSFERS,
        types.TransferResult,
        description="Create an approved transfer without a request. 新建调拨",
    )
    async def create_transfer(self, info: Info, input: types.CreateTransferInput) -> Transfer:
        stores = input.from_store_id, input.to_store_id
        arguments = input.key, *stores, input.lines, input.note
        return await transfers.create(info.context.app.db, info.context.viewer, *arguments)

    @root(
        Can.RUN_TRANSFERS,
        types.TransferResult,
        description="Ship an approved transfer: goods move from the sender's shelf to transit. "
        "发货",
    )
    async def ship_transfer(self, info: Info, input: types.ShipTransferInput) -> Transfer:
        arguments = input.key, input.transfer_id, input.lines
        return await transfers.ship(info.context.app.db, info.context.viewer, *arguments)

    @root(
        Can.RECEIVE_TRANSFER,
        types.TransferResult,
        description="Record what arrived as received, damaged, lost or returned, in any number "
        "of parts. 收货",
    )
    async def receive_transfer(self, info: Info, input: types.ReceiveTransferInput) -> Transfer:
        arguments = input.key, input.transfer_id, input.lines, input.zone
        return await transfer_receipts.receive(info.context.app.db, info.context.viewer, *arguments)

    @root(
        Can.REVERSE,
        types.ReverseTransferReceiptResult,
        description="Reverse a receipt of a transfer once: its goods are in transit again. Goods "
        "that it sent back are a movement of their own; reversing it cancels their transfer. "
        "冲销调拨收货",
    )
    async def reverse_transfer_receipt(self, info: Info, input: ReverseInput) -> Transfer:
        what = input.key, input.movement_id, input.reason
        return await reversals.reverse_transfer_receipt(
            info.context.app.db, info.context.viewer, *what
        )

    @root(
        Can.RUN_TRANSFERS,
        types.TransferResult,
        description="Cancel an approved transfer, or recall a shipped one of which nothing was "
        "received. 取消调拨",
    )
    async def cancel_transfer(self, info: Info, input: types.CancelTransferInput) -> Transfer:
        db, viewer, id = info.context.app.db, info.context.viewer, input.transfer_id
        return await transfers.cancel(db, viewer, input.key, id, input.reason, input.zone)
