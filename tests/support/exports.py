"""Exports in tests: requested, made by the worker's own code, fetched and reopened."""

import io
from typing import Any
from uuid import UUID, uuid4

import openpyxl

from app.db.core.unit import Database
from app.domain.reports.export_run import run_exports
from app.domain.reports.exports import ExportFiles
from tests.support.api import Desk

EXPORT = """
  id report format state progress rows size fileName url expiresAt finishedAt failure failureText
"""
REQUEST = f"""
mutation($input: RequestExportInput!) {{ requestExport(input: $input) {{
  ... on Export {{ {EXPORT} }} ... on Problem {{ code message }}
}} }}
"""
READ = f"query($id: UUID!) {{ export(id: $id) {{ {EXPORT} }} }}"


async def request_export(desk: Desk, by: str | None = None, **input: Any) -> Any:
    values = {"key": str(uuid4()), **input}
    return await desk.asking(REQUEST, by or desk.owner, input=values)


async def read_export(desk: Desk, id: str, by: str | None = None) -> Any:
    return await desk.asking(READ, by or desk.owner, id=id)


def tenant_of(desk: Desk) -> UUID:
    return desk.chain.founded.store.tenant_id


async def exported(
    desk: Desk, db: Database, files: ExportFiles, by: str | None = None, **input: Any
) -> Any:
    """The export, once a worker has finished it."""
    export = await request_export(desk, by, **input)
    assert "id" in export, export
    await run_exports(db, files, tenant_of(desk))
    return await read_export(desk, export["id"], by)


async def content_of(desk: Desk, export: Any) -> bytes:
    response = await desk.asking.http.get(export["url"])
    assert response.status_code == 200, response.text
    assert len(response.content) == export["size"]
    return response.content


async def workbook_of(desk: Desk, export: Any) -> Any:
    return openpyxl.load_workbook(io.BytesIO(await content_of(desk, export)))


def rows_of(page: Any) -> list[dict[str, Any]]:
    """The rows of the data sheet by title, with the totals as the last."""
    titles, *rows = page.iter_rows(values_only=True)
    return [dict(zip(titles, row, strict=True)) for row in rows]
