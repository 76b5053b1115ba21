"""Roots of imports."""

import strawberry
from strawberry.types import Info

from app.domain.access import Can
from app.domain.imports import previews
from app.domain.imports.files import ImportRequest
from app.domain.imports.previews import Preview, own_headers
from app.resolvers.roots import root
from app.schema import imports as types


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
        app = info.context.app
        own = own_headers([(each.header, each.field.name) for each in columns or ()])
        request = ImportRequest(file_id, kind, store_id, own)
        return (await previews.preview(app.db, info.context.viewer, app.images, request))[0]
