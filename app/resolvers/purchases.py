"""Roots of the purchases topic."""

from datetime import date
from uuid import UUID

import strawberry
from strawberry.types import Info

from app.db import purchases as rows
from app.db.purchases import PurchaseFilter, SupplierFilter
from app.db.tables import PurchaseOrder, Supplier
from app.domain import access
from app.domain.access import Can
from app.domain.documents import purchase_receipts, purchases
from app.domain.documents.purchases import Introduced, PurchaseRequest
from app.domain.errors import Refused
from app.domain.rules.texts import clean
from app.resolvers.roots import root
from app.schema import purchases as types
from app.schema.paging import Connection, connection, page


@strawberry.type
class PurchasesQuery:
    @root(Can.SEE_SUPPLIERS, types.Supplier | None, description="One supplier. 供应商")
    async def supplier(self, info: Info, id: UUID) -> Supplier | None:
        tenant = info.context.viewer.tenant
        async with info.context.app.db.read(tenant) as session:
            return next(iter(await rows.suppliers_by_id(session, tenant, [id])), None)

    @root(
        Can.SEE_SUPPLIERS,
        Connection[types.Supplier],
        description="Suppliers by name or pinyin initials: ly finds 粮油. 供应商列表",
    )
    async def suppliers(
        self,
        info: Info,
        search: str | None = None,
        archived: bool | None = None,
        first: int | None = None,
        after: str | None = None,
    ):
        tenant, wanted = info.context.viewer.tenant, page(first, after, str, UUID)
        chosen = SupplierFilter(clean(search, "search", 100), bool(archived))
        async with info.context.app.db.read(tenant) as session:
            found = await rows.suppliers(session, tenant, chosen, wanted.after, wanted.limit)
        return connection(found, wanted, lambda row: (row.pinyin, row.id))

    @root(Can.SEE_PURCHASES, types.PurchaseOrder | None, description="One order. 采购单")
    async def purchase_order(self, info: Info, id: UUID) -> PurchaseOrder | None:
        context = info.context
        try:
            return await purchases.reached_purchase(
                context.app.db, context.viewer, Can.SEE_PURCHASES, id
            )
        except Refused:
            return None

    @root(
        Can.SEE_PURCHASES,
        Connection[types.PurchaseOrder],
        description="Expected arrivals, the earliest first; after those that are open the others, "
        "the last that ended first. 采购单列表",
    )
    async def purchase_orders(
        self,
        info: Info,
        store_ids: list[UUID] | None = None,
        states: list[types.PurchaseOrderState] | None = None,
        supplier_id: UUID | None = None,
        expected_until: date | None = None,
        first: int | None = None,
        after: str | None = None,
    ):
        viewer, wanted = info.context.viewer, page(first, after, int, int, UUID)
        chosen = PurchaseFilter(
            access.within(viewer, Can.SEE_PURCHASES, store_ids),
            None if states is None else [state.name for state in states],
            supplier_id,
            expected_until,
        )
        async with info.context.app.db.read(viewer.tenant) as session:
            found = await rows.purchases(session, viewer.tenant, chosen, wanted.after, wanted.limit)
        keys = {row.id: (over, place, row.id) for row, over, place in found}
        return connection([each.row for each in found], wanted, lambda row: keys[row.id])


@strawberry.type
class PurchasesMutation:
    @root(Can.EDIT_SUPPLIERS, types.SupplierResult, description="Make a supplier. 新建供应商")
    async def create_supplier(self, info: Info, input: types.CreateSupplierInput) -> Supplier:
        context, said = info.context, introduced(input)
        return await purchases.create_supplier(context.app.db, context.viewer, input.key, said)

    @root(Can.EDIT_SUPPLIERS, types.SupplierResult, description="Change one. 修改供应商")
    async def update_supplier(self, info: Info, input: types.UpdateSupplierInput) -> Supplier:
        context, said = info.context, introduced(input)
        return await purchases.update_supplier(
            context.app.db, context.viewer, input.key, input.supplier_id, said
        )

    @root(Can.EDIT_SUPPLIERS, types.SupplierResult, description="Order of it no more. 停用供应商")
    async def archive_supplier(self, info: Info, input: types.ArchiveSupplierInput) -> Supplier:
        context, archived = info.context, input.archived is not False
        return await purchases.archive_supplier(
            context.app.db, context.viewer, input.key, input.supplier_id, archived
        )

    @root(
        Can.PURCHASE,
        types.CreatePurchaseOrderResult,
        description="Order goods of a supplier for a store. 采购下单",
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
        description="Change when the goods of an open order should come. 修改采购单",
    )
    async def update_purchase_order(
        self, info: Info, input: types.UpdatePurchaseOrderInput
    ) -> PurchaseOrder:
        db, viewer, id = info.context.app.db, info.context.viewer, input.purchase_order_id
        return await purchases.update(db, viewer, input.key, id, input.expected_on, input.note)

    @root(
        Can.PURCHASE,
        types.PurchaseOrderResult,
        description="Give an order up of which nothing came. 取消采购单",
    )
    async def cancel_purchase_order(
        self, info: Info, input: types.CancelPurchaseOrderInput
    ) -> PurchaseOrder:
        db, viewer, id = info.context.app.db, info.context.viewer, input.purchase_order_id
        return await purchases.cancel(db, viewer, input.key, id, input.reason)

    @root(
        Can.PURCHASE,
        types.PurchaseOrderResult,
        description="Give up what is still missing of an order that came in part. 关闭采购单",
    )
    async def close_purchase_order(
        self, info: Info, input: types.ClosePurchaseOrderInput
    ) -> PurchaseOrder:
        db, viewer, id = info.context.app.db, info.context.viewer, input.purchase_order_id
        return await purchases.close(db, viewer, input.key, id, input.reason)

    @root(
        Can.RECEIVE,
        types.ReceivePurchaseOrderResult,
        description="Book what came in for an order, any number of times. 采购收货",
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


def introduced(input: types.CreateSupplierInput | types.UpdateSupplierInput) -> Introduced:
    return Introduced(input.name, input.contact, input.phone, input.note, input.lead_days)
