"""Roots of imports."""

from collections.abc import AsyncIterable
from typing import Annotated
from uuid import UUID

import strawberry
from strawberry.types import Info

from app.db import tables
from app.domain.access import Can
from app.domain.errors import Malformed, Refused
from app.domain.imports import commits, previews
from app.domain.imports.files import ImportRequest
from app.domain.imports.previews import Preview, own_headers
from app.domain.imports.undo import reverse_import
from app.domain.imports.upserts import upsert_products
from app.domain.rules.import_columns import ImportKind
from app.resolvers.roots import root
from app.schema import imports as types
from app.schema import upserts as upsert_types
from app.schema.feed import document_change
from app.schema.window import as_window


@strawberry.type
class ImportsQuery:
    @root(
        Can.EDIT_CATALOG,
        types.PreviewImportResult,
        description="Read an uploaded file and return what importing it would do, with the errors "
        "of every row; nothing is written. Columns are recognised by their headers. 预览导入",
    )
    async def preview_import(
        self,
        info: Info,
        file_id: types.FileId,
        kind: types.Kind,
        store_id: types.Store = None,
        columns: types.Columns = None,
    ) -> Preview:
        context = info.context
        own = own_headers([(each.header, each.field.name) for each in columns or ()])
        request = ImportRequest(file_id, kind, store_id, own)
        shown = previews.preview(context.snapshot, context.viewer, context.app.images, request)
        return (await shown)[0]

    @root(
        Can.EDIT_CATALOG,
        list[types.ImportTemplate],
        description="List the templates of imports: a workbook to fill in for each kind. 导入模板",
    )
    async def import_templates(self, info: Info) -> list[types.Template]:
        return [types.Template(kind) for kind in ImportKind]

    @root(
        Can.EDIT_CATALOG,
        types.ImportResult,
        name="import",
        description="Return an import with its progress. 导入进度",
    )
    async def import_(self, info: Info, id: types.ImportId) -> tables.Import:
        return await commits.get_import(info.context.snapshot, info.context.viewer, id)


@strawberry.type
class ImportsMutation:
    @root(
        Can.EDIT_CATALOG,
        types.CommitImportResult,
        description="Import the file of a preview in the background; follow it with `import`. Rows "
        "that are in the catalog or the ledger already change nothing. 确认导入",
    )
    async def commit_import(self, info: Info, input: types.CommitImportInput) -> tables.Import:
        app, viewer = info.context.app, info.context.viewer
        return await commits.commit_import(
            app.db, viewer, app.images, input.token, input.key, bool(input.good_rows_only)
        )

    @root(
        Can.EDIT_CATALOG,
        upsert_types.UpsertProductsResult,
        description="Create or change up to 500 products by SKU or barcode, by the rules of an "
        "imported file. Products with errors are left out, the others are saved. 批量保存商品",
    )
    async def upsert_products(
        self, info: Info, input: upsert_types.UpsertInput, key: upsert_types.UpsertKey = None
    ) -> upsert_types.UpsertedProducts:
        products = [each.values() for each in input]
        done = await upsert_products(info.context.app.db, info.context.viewer, key, products)
        results = [upsert_types.result_of(place, each) for place, each in enumerate(done)]
        return upsert_types.UpsertedProducts(results=as_window(results))

    @root(
        Can.REVERSE,
        types.ReverseImportResult,
        description="Undo an import of opening stock on the day on which it was written: all its "
        "movements are reversed, or none. Fails with OutOfStock if goods of it are gone. 撤销导入",
    )
    async def reverse_import(self, info: Info, input: types.ReverseImportInput) -> tables.Import:
        books, viewer = info.context.app.books, info.context.viewer
        return await reverse_import(books, viewer, input.key, input.import_id, input.reason)


@strawberry.type
class ImportsSubscription:
    @root(
        Can.EDIT_CATALOG,
        document_change(types.IMPORTS),
        subscription=True,
        description="Follow an import: its progress now, then each change. 导入进度",
    )
    async def import_feed(
        self,
        info: Info,
        import_id: Annotated[UUID, strawberry.argument(description="ID of the import. 导入")],
    ) -> AsyncIterable[object]:
        viewer, hub = info.context.viewer, info.context.app.hub
        try:
            row = await commits.get_import(info.context.snapshot, viewer, import_id)
        except Refused:
            raise Malformed("importId", "没有这个导入", "No import has this id.") from None
        store = row.feed_store or min(viewer.stores)
        return hub.follow_documents(types.IMPORTS, viewer.tenant, [store], row.id)
