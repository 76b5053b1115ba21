"""Roots of the purchases topic."""

from datetime import date
from operator import attrgetter
from typing import Annotated
from uuid import UUID

import strawberry
from strawberry.types import Info

from app.db import purchases as rows
from app.db.purchases import PurchaseFilter, SupplierFilter
from app.db.tables import PurchaseOrder, Supplier
from app.domain import access
from app.domain.access import Can
from app.domain.documents import purchase_receipts, purchases, reversals
from app.domain.documents.purchases import Introduced, PurchaseRequest
from app.domain.errors import Refused
from app.domain.rules.texts import search_words
from app.resolvers.pages import listed
from app.resolvers.roots import root
from app.schema import purchases as types
from app.schema.arguments import After, Before, First, Last, StoreIds, at_most, emptied, value_of
from app.schema.paging import Connection, PageArguments, page
from app.schema.scalars import MOST_VALUES
from app.schema.stock_changes import ReverseInput


def purchase_key(ranked: rows.Listed) -> tuple[object, ...]:
    """What the cursor of a purchase order holds."""
    return *ranked[1:], ranked.row.id


@strawberry.type
class PurchasesQuery:
    @root(
        Can.SEE_SUPPLIERS,
        types.Supplier | None,
        description="Return one supplier, or null if there is none. 供应商",
    )
    async def supplier(
        self,
        info: Info,
        id: Annotated[UUID, strawberry.argument(description="ID of the supplier.")],
    ) -> Supplier | None:
        tenant = info.context.viewer.tenant
        async with info.context.snapshot.read(tenant) as session:
            return next(iter(await rows.suppliers_by_id(session, tenant, [id])), None)

    @root(
        Can.SEE_SUPPLIERS,
        Connection[types.Supplier],
        description="Search suppliers by name or pinyin initials; `ly` finds 粮油. 供应商列表",
    )
    async def suppliers(
        self,
        info: Info,
        search: Annotated[
            str | None,
            strawberry.argument(
                description="Text to search for, at most 100 characters; all suppliers by default."
            ),
        ] = None,
        archived: Annotated[
            bool | None,
            strawberry.argument(
                description="Pass true to list archived suppliers instead of active ones; false "
                "by default."
            ),
        ] = None,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
    ):
        paging = page(PageArguments(first, after, last, before), str, UUID)
        chosen = SupplierFilter(search_words(search), bool(archived))
        return await listed(
            info, paging, rows.suppliers, chosen, key=lambda row: (row.pinyin, row.id)
        )

    @root(
        Can.SEE_PURCHASES,
        types.PurchaseOrder | None,
        description="Return one purchase order, or null if there is none. 采购单",
    )
    async def purchase_order(
        self,
        info: Info,
        id: Annotated[UUID, strawberry.argument(description="ID of the purchase order.")],
    ) -> PurchaseOrder | None:
        context = info.context
        try:
            return await purchases.reached_purchase(
                context.snapshot, context.viewer, Can.SEE_PURCHASES, id
            )
        except Refused:
            return None

    @root(
        Can.SEE_PURCHASES,
        Connection[types.PurchaseOrder],
        description="List purchase orders: open ones by expected date, then the others, the last "
        "ended first. 采购单列表",
    )
    async def purchase_orders(
        self,
        info: Info,
        store_ids: StoreIds = None,
        states: Annotated[
            list[types.PurchaseOrderState] | None,
            strawberry.argument(
                description="Return only orders in these states.", metadata=at_most(MOST_VALUES)
            ),
        ] = None,
        supplier_id: Annotated[
            UUID | None, strawberry.argument(description="Return only orders from this supplier.")
        ] = None,
        expected_until: Annotated[
            date | None,
            strawberry.argument(description="Return only orders expected on or before this date."),
        ] = None,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
    ):
        viewer = info.context.viewer
        paging = page(PageArguments(first, after, last, before), int, int, UUID)
        chosen = PurchaseFilter(
            access.within(viewer, Can.SEE_PURCHASES, store_ids),
            None if states is None else [state.name for state in states],
            supplier_id,
            expected_until,
        )
        key = purchase_key
        return await listed(info, paging, rows.purchases, chosen, key=key, node=attrgetter("row"))


@strawberry.type
class PurchasesMutation:
    @root(
        Can.EDIT_SUPPLIERS,
        types.SupplierResult,
        description="Create a supplier. Fails with AlreadyTaken if the name exists. 新建供应商",
    )
    async def create_supplier(self, info: Info, input: types.CreateSupplierInput) -> Supplier:
        context = info.context
        described = Introduced(input.name, input.contact, input.phone, input.note, input.lead_days)
        return await purchases.create_supplier(context.app.db, context.viewer, input.key, described)

    @root(
        Can.EDIT_SUPPLIERS,
        types.SupplierResult,
        description="Update a supplier; omitted fields stay unchanged. 修改供应商",
    )
    async def update_supplier(self, info: Info, input: types.UpdateSupplierInput) -> Supplier:
        context, described = info.context, reintroduced(input)
        return await purchases.update_supplier(
            context.app.db, context.viewer, input.key, input.supplier_id, described
        )

    @root(
        Can.EDIT_SUPPLIERS,
        types.SupplierResult,
        description="Archive a supplier; no new purchase orders can be created. 停用供应商",
    )
    async def archive_supplier(self, info: Info, input: types.ArchiveSupplierInput) -> Supplier:
        context, archived = info.context, input.archived is not False
        return await purchases.archive_supplier(
            context.app.db, context.viewer, input.key, input.supplier_id, archived
        )

    @root(
        Can.PURCHASE,
        types.CreatePurchaseOrderResult,
        description="Create a purchase order of goods from a supplier for one store. 采购下单",
    )
    async def create_purchase_order(
        self, info: Info, input: types.CreatePurchaseOrderInput
    ) -> PurchaseOrder:
        request = PurchaseRequest(
            key=input.key,
            supplier_id=input.supplier_id,
            store_id=input.store_id,
            number=input.number,
            expected_on=input.expected_on,
            note=input.note,
        )
        db, viewer = info.context.app.db, info.context.viewer
        return await purchases.create(db, viewer, request, input.lines)

    @root(
        Can.PURCHASE,
        types.PurchaseOrderResult,
        description="Update the expected date or the note of an open purchase order. 修改采购单",
    )
    async def update_purchase_order(
        self, info: Info, input: types.UpdatePurchaseOrderInput
    ) -> PurchaseOrder:
        db, viewer, id = info.context.app.db, info.context.viewer, input.purchase_order_id
        note, cleared = value_of(input.note), bool(emptied(note=input.note))
        return await purchases.update(
            db, viewer, input.key, id, input.expected_on, note, without_note=cleared
        )

    @root(
        Can.PURCHASE,
        types.PurchaseOrderResult,
        description="Cancel a purchase order of which nothing was received. 取消采购单",
    )
    async def cancel_purchase_order(
        self, info: Info, input: types.CancelPurchaseOrderInput
    ) -> PurchaseOrder:
        db, viewer, id = info.context.app.db, info.context.viewer, input.purchase_order_id
        return await purchases.cancel(db, viewer, input.key, id, input.reason)

    @root(
        Can.PURCHASE,
        types.PurchaseOrderResult,
        description="Close a partly received purchase order; missing goods are no longer "
        "expected. 关闭采购单",
    )
    async def close_purchase_order(
        self, info: Info, input: types.ClosePurchaseOrderInput
    ) -> PurchaseOrder:
        db, viewer, id = info.context.app.db, info.context.viewer, input.purchase_order_id
        return await purchases.close(db, viewer, input.key, id, input.reason)

    @root(
        Can.RECEIVE,
        types.ReceivePurchaseOrderResult,
        description="Receive goods of a purchase order, in any number of deliveries. Fails with "
        "DeliveryExceedsOrder unless `acceptOver` is true. 采购收货",
    )
    async def receive_purchase_order(
        self, info: Info, input: types.ReceivePurchaseOrderInput
    ) -> PurchaseOrder:
        return await purchase_receipts.receive(
            info.context.app.books,
            info.context.viewer,
            input.purchase_order_id,
            input.lines,
            bool(input.accept_over),
            input.document,
            input,
        )

    @root(
        Can.REVERSE,
        types.ReversePurchaseReceiptResult,
        description="Reverse a receipt of a purchase order once: its goods leave, and the order "
        "waits for them again. 冲销采购收货",
    )
    async def reverse_purchase_receipt(self, info: Info, input: ReverseInput) -> PurchaseOrder:
        what = input.key, input.movement_id, input.reason
        return await reversals.reverse_purchase_receipt(
            info.context.app.db, info.context.viewer, *what
        )


def reintroduced(input: types.UpdateSupplierInput) -> Introduced:
    return Introduced(
        input.name,
        value_of(input.contact),
        value_of(input.phone),
        value_of(input.note),
        input.lead_days,
        emptied(contact=input.contact, phone=input.phone, note=input.note),
    )
