"""Roots of scan sessions."""

from collections.abc import AsyncIterable
from typing import Annotated
from uuid import UUID

import strawberry
from strawberry.types import Info

from app.db import scans as rows
from app.db.scans import ScanSessionFilter
from app.db.tables import ScanSession
from app.domain import access
from app.domain.access import Can
from app.domain.documents import scan_commits, scans
from app.domain.errors import Malformed, Refused
from app.resolvers.pages import newest
from app.resolvers.roots import root
from app.schema import scans as types
from app.schema.arguments import After, Before, First, Last, StoreIds
from app.schema.feed import document_change
from app.schema.paging import Connection, PageArguments

SessionId = Annotated[UUID, strawberry.argument(description="ID of the session.")]


@strawberry.type
class ScansQuery:
    @root(
        Can.RECEIVE,
        types.ScanSession | None,
        description="Return one scan session, or null if there is none. 扫码单",
    )
    async def scan_session(self, info: Info, id: SessionId) -> ScanSession | None:
        try:
            return await scans.get_session(info.context.snapshot, info.context.viewer, id)
        except Refused:
            return None

    @root(
        Can.RECEIVE,
        Connection[types.ScanSession],
        description="List scan sessions of your stores, the newest first. 扫码单列表",
    )
    async def scan_sessions(
        self,
        info: Info,
        store_ids: StoreIds = None,
        state: Annotated[
            types.ScanSessionState | None,
            strawberry.argument(description="Return only sessions in this state."),
        ] = None,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
    ):
        stores = access.within(info.context.viewer, Can.RECEIVE, store_ids)
        chosen = ScanSessionFilter(stores, state and state.name)
        paging = PageArguments(first, after, last, before)
        return await newest(info, rows.sessions, chosen, paging=paging)


@strawberry.type
class ScansMutation:
    @root(
        Can.RECEIVE,
        types.ScanSessionResult,
        description="Open a scan session: several phones add codes and quantities to it, and it "
        "becomes one receipt or opening stock. 新建扫码单",
    )
    async def open_scan_session(self, info: Info, input: types.OpenScanSessionInput) -> ScanSession:
        db, viewer = info.context.app.db, info.context.viewer
        given = input.key, input.store_id, input.purpose, input.note
        return await scans.open_session(db, viewer, *given)

    @root(
        Can.RECEIVE,
        types.ScanSessionResult,
        description="Add scans to an open session, all or none. A code that names no product is "
        "kept and listed in `unknown`. 添加扫码",
    )
    async def add_scans(self, info: Info, input: types.AddScansInput) -> ScanSession:
        db, viewer = info.context.app.db, info.context.viewer
        return await scans.add_scans(db, viewer, input.key, input.scan_session_id, input.scans)

    @root(
        Can.RECEIVE,
        types.ScanSessionResult,
        description="Set the quantity of a scan of an open session. 更正扫码",
    )
    async def correct_scan(self, info: Info, input: types.CorrectScanInput) -> ScanSession:
        db, viewer = info.context.app.db, info.context.viewer
        return await scans.correct_scan(db, viewer, input.key, input.scan_id, input.quantity)

    @root(
        Can.RECEIVE,
        types.ScanSessionResult,
        description="Remove a scan from an open session; it stays listed as removed. 移除扫码",
    )
    async def remove_scan(self, info: Info, input: types.RemoveScanInput) -> ScanSession:
        db, viewer = info.context.app.db, info.context.viewer
        return await scans.correct_scan(db, viewer, input.key, input.scan_id, None)

    @root(
        Can.RECEIVE,
        types.CommitScanSessionResult,
        description="Post the scans of a session as its receipt or opening stock, all together and "
        "once. Of two people who commit it at the same time, one gets WrongState. 提交扫码单",
    )
    async def commit_scan_session(
        self, info: Info, input: types.CommitScanSessionInput
    ) -> ScanSession:
        books, viewer = info.context.app.books, info.context.viewer
        given = input.key, input.scan_session_id, bool(input.known_only), input.document
        return await scan_commits.commit_session(books, viewer, *given)

    @root(
        Can.RECEIVE,
        types.ScanSessionResult,
        description="Cancel an open scan session; nothing is posted. 取消扫码单",
    )
    async def cancel_scan_session(
        self, info: Info, input: types.CancelScanSessionInput
    ) -> ScanSession:
        db, viewer = info.context.app.db, info.context.viewer
        return await scans.cancel_session(db, viewer, input.key, input.scan_session_id)


@strawberry.type
class ScansSubscription:
    @root(
        Can.RECEIVE,
        document_change(types.SCAN_SESSIONS),
        subscription=True,
        description="Follow a scan session, for the phones that scan: its scans now, then after "
        "each change. 扫码单变动",
    )
    async def scan_session_feed(
        self,
        info: Info,
        scan_session_id: Annotated[UUID, strawberry.argument(description="ID of the session.")],
    ) -> AsyncIterable[object]:
        viewer, hub = info.context.viewer, info.context.app.hub
        try:
            row = await scans.get_session(info.context.snapshot, viewer, scan_session_id)
        except Refused:
            raise Malformed("scanSessionId", "没有这张扫码单", "No such scan session.") from None
        return hub.follow_documents(types.SCAN_SESSIONS, viewer.tenant, [row.store_id], row.id)
