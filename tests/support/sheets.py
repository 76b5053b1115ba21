"""Spreadsheets as shops have them, and their way through `POST /imports` and a preview."""

from collections.abc import Sequence
from io import BytesIO
from typing import Any
from uuid import uuid4

from openpyxl import Workbook

from app.domain.imports.commits import run_imports
from app.domain.movements.record import Books
from tests.support.api import Desk

PREVIEW = """
query($file: UUID!, $kind: ImportKind!, $store: UUID, $columns: [ImportColumnInput!]) {
  previewImport(fileId: $file, kind: $kind, storeId: $store, columns: $columns) {
    ... on ImportPreview {
      token rows created changed unchanged faulty columns { header field }
      unusedColumns { header letter kinds }
      errors { row column cell field message }
    }
    ... on ImportRefused { code reason cell message } ... on Problem { code }
  }
}
"""


def workbook(*rows: Sequence[Any]) -> bytes:
    """An .xlsx with these rows."""
    book = Workbook()
    sheet = book.active
    assert sheet is not None
    for row in rows:
        sheet.append(list(row))
    return saved(book)


def saved(book: Workbook) -> bytes:
    buffer = BytesIO()
    book.save(buffer)
    return buffer.getvalue()


def csv(*rows: Sequence[Any], encoding: str = "utf-8") -> bytes:
    return "\r\n".join(",".join(map(str, row)) for row in rows).encode(encoding)


async def upload(desk: Desk, content: bytes, token: str | None = None) -> Any:
    """The answer of `POST /imports`."""
    headers = {"authorization": f"Bearer {desk.owner if token is None else token}"}
    files = {"file": ("商品.xlsx", content)}
    return await desk.asking.http.post("/imports", files=files, headers=headers)


async def preview(
    desk: Desk, content: bytes, kind: str = "PRODUCTS", language: str = "zh", **more: Any
) -> Any:
    file = (await upload(desk, content)).json()["fileId"]
    return await desk.ask(PREVIEW, file=file, kind=kind, **more)


COMMIT = """
mutation($input: CommitImportInput!) { commitImport(input: $input) {
  ... on Import { id rows done } ... on ImportRefused { code reason } ... on Problem { code }
} }
"""
PROGRESS = """
query($id: UUID!) { import(id: $id) {
  ... on Import { kind rows done created changed unchanged finishedAt failures { row message } }
  ... on Problem { code }
} }
"""


async def commit(desk: Desk, token: str, **more: Any) -> Any:
    input = {"key": str(uuid4()), "token": token, "goodRowsOnly": True, **more}
    return await desk.ask(COMMIT, input=input)


async def finished(books: Books, desk: Desk, token: str, **more: Any) -> Any:
    """The import of the token when its last row is done."""
    committed = await commit(desk, token, **more)
    assert "id" in committed, committed
    await run_imports(books, desk.chain.founded.tenant.tenant_id)
    progress = await desk.ask(PROGRESS, id=committed["id"])
    assert progress["finishedAt"], progress
    return progress


def counts(progress: Any) -> tuple[int, ...]:
    done = (progress[name] for name in ("created", "changed", "unchanged"))
    return (*done, len(progress["failures"]))


async def imported(
    books: Books, desk: Desk, content: bytes, kind: str = "PRODUCTS", **more: Any
) -> Any:
    return await finished(books, desk, (await preview(desk, content, kind, **more))["token"])
