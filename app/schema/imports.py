"""Imports of spreadsheets: previews of files, and errors of their rows."""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, NamedTuple
from uuid import UUID

import strawberry
from strawberry.types import Info

from app.db import imports as rows
from app.db import tables
from app.domain import import_errors
from app.domain.access import Can
from app.domain.errors import Text
from app.domain.import_errors import ImportFault
from app.domain.imports.annotated import annotated_token
from app.domain.imports.previews import MOST_ERRORS, Preview
from app.domain.imports.sheets import RowError, SheetRows
from app.domain.imports.templates import REQUIRED, template_name
from app.domain.rules.import_columns import ImportField, ImportKind
from app.schema import problems
from app.schema.arguments import at_most, request_key
from app.schema.edges import edge
from app.schema.identity import Actor
from app.schema.import_columns import IgnoredColumn, ImportColumn, ReadColumn, UnusedColumn
from app.schema.problems import Problem, as_sent, problem
from app.schema.topics import DocumentTopic
from app.schema.window import as_window, describe_values, window

strawberry.enum(
    ImportFault, name="ImportFault", description="Why a file cannot be imported. 无法导入的原因"
)
describe_values(
    ImportFault, {each.name: f"{each.value.en}. {each.value.zh}" for each in ImportFault}
)


@problem(
    import_errors.ImportRefused,
    words=Text("{reason.value.zh}", "{reason.value.en}."),
    description="The file cannot be imported; `reason` says why. 无法导入",
)
class ImportRefused(Problem):
    reason: ImportFault = strawberry.field(description="Why it cannot be imported. 原因")
    cell: str | None = strawberry.field(
        description="Cell that the reason is about, such as B7; null if it is about the file. "
        "单元格"
    )


@problem(
    import_errors.UnknownImport,
    words=Text(
        "没有这个文件，或预览已过期，请重新上传",
        "There is no such file, or its preview has expired: upload it again.",
    ),
    description="The chain has no such file or import, or its token has expired: upload or preview "
    "the file again. 没有这个文件",
)
class UnknownImport(Problem):
    asked: str = as_sent()


@dataclass(frozen=True, slots=True)
class FaultyCell:
    """An error of a row, and the sheet that it is in."""

    error: RowError
    sheet: SheetRows


@window(FaultyCell, description="An error in a row of a file. 错误")
class ImportRowError:
    @strawberry.field(description="Row of the sheet, counted from 1. 行号")
    def row(self, root: strawberry.Parent[FaultyCell]) -> int:
        return root.error.row

    @strawberry.field(
        description="Header of the column; null if the file has no such column, or the whole row "
        "is wrong. 列名"
    )
    def column(self, root: strawberry.Parent[FaultyCell]) -> str | None:
        return root.sheet.header(root.error)

    @strawberry.field(
        description="Cell, such as B7; null if the error is not in a single cell. 单元格"
    )
    def cell(self, root: strawberry.Parent[FaultyCell]) -> str | None:
        return root.sheet.cell(root.error)

    @strawberry.field(
        graphql_type=ImportField | None,
        description="Field that is wrong; null if the whole row is. 字段",
    )
    def field(self, root: strawberry.Parent[FaultyCell]) -> ImportField | None:
        name = root.error.field
        return None if name is None else ImportField[name]

    @strawberry.field(description="What is wrong and what to do, in your language. 说明")
    def message(self, root: strawberry.Parent[FaultyCell], info: Info) -> str:
        text = root.error.text
        return text.zh if info.context.language == "zh" else f"{text.en}."


@window(Preview, description="Preview of an import: what it would do. Nothing is written. 导入预览")
class ImportPreview:
    token: str = strawberry.field(
        description="Token for this file, kind, store and columns, valid for 24 hours. 预览令牌"
    )

    @strawberry.field(description="Columns of the file, from left to right. 各列")
    def columns(self, root: strawberry.Parent[Preview]) -> list[ImportColumn]:
        fields = {place: field for field, place in root.sheet.columns.items()}
        headers = enumerate(root.sheet.headers)
        return [as_window(ReadColumn(text, fields.get(place))) for place, text in headers]

    @strawberry.field(
        description="Columns with a header or data that no field is read from. 未使用的列"
    )
    def unused_columns(self, root: strawberry.Parent[Preview]) -> list[UnusedColumn]:
        sheet, kind = root.sheet, root.request.kind
        texts = dict(enumerate(sheet.headers))
        return as_window(
            [IgnoredColumn(texts.get(place, ""), place, kind) for place in sheet.unused()]
        )

    @strawberry.field(
        description="Signed link to a copy of the sheet as .xlsx, valid for an hour: cells with "
        "errors are red, and a last column has the messages of each row. Null without errors. "
        "错误标注文件"
    )
    def annotated_url(self, root: strawberry.Parent[Preview], info: Info) -> str | None:
        context = info.context
        if not root.errors:
            return None
        what = context.viewer, root.request, context.language, context.now
        return (
            f"{context.origin}/imports/annotated?token={annotated_token(context.app.images, *what)}"
        )

    @strawberry.field(description="Number of rows with data. 数据行数")
    def rows(self, root: strawberry.Parent[Preview]) -> int:
        return len(root.sheet.rows)

    @strawberry.field(description="Number of rows that would create something. 新增")
    def created(self, root: strawberry.Parent[Preview]) -> int:
        return root.counts["CREATED"]

    @strawberry.field(description="Number of rows that would change something. 修改")
    def changed(self, root: strawberry.Parent[Preview]) -> int:
        return root.counts["CHANGED"]

    @strawberry.field(description="Number of rows that would change nothing. 无变化")
    def unchanged(self, root: strawberry.Parent[Preview]) -> int:
        return root.counts["UNCHANGED"]

    @strawberry.field(description="Number of rows with errors. 错误行数")
    def faulty(self, root: strawberry.Parent[Preview]) -> int:
        return root.counts["FAULTY"]

    @strawberry.field(
        description=f"What is wrong, by row; the first {MOST_ERRORS} errors. 错误列表"
    )
    def errors(self, root: strawberry.Parent[Preview]) -> list[ImportRowError]:
        return [as_window(FaultyCell(each, root.sheet)) for each in root.errors[:MOST_ERRORS]]


PreviewImportResult = Annotated[
    ImportPreview | ImportRefused | UnknownImport | problems.UnknownStore,
    strawberry.union(
        "PreviewImportResult",
        description="What importing the file would do, or the problem that prevents it.",
    ),
]


@strawberry.input(description="A column of the file, and the field that it holds. 列的含义")
class ImportColumnInput:
    header: str = strawberry.field(
        description="Header of the column as in the file, at most 100 characters. 表头"
    )
    field: ImportField = strawberry.field(description="Field that the column holds. 字段")


FileId = Annotated[UUID, strawberry.argument(description="ID that `POST /imports` returned. 文件")]
Kind = Annotated[ImportKind, strawberry.argument(description="What the file holds. 导入类型")]
Store = Annotated[
    UUID | None,
    strawberry.argument(
        description="ID of the store for OPENING_STOCK or THRESHOLDS. If omitted, THRESHOLDS "
        "apply to all stores without their own. 门店"
    ),
]
Columns = Annotated[
    list[ImportColumnInput] | None,
    strawberry.argument(
        description="Fields of columns whose headers are not recognised, or are recognised "
        "wrongly. 各列含义",
        metadata=at_most(100),
    ),
]


@dataclass(frozen=True, slots=True)
class Unwritten:
    """A row that could not be written."""

    row: int
    text: Text


@window(Unwritten, description="A row that could not be written. 失败行")
class ImportFailure:
    row: int = strawberry.field(description="Row of the sheet, counted from 1. 行号")

    @strawberry.field(description="Why it was not written, in your language. 说明")
    def message(self, root: strawberry.Parent[Unwritten], info: Info) -> str:
        return root.text.zh if info.context.language == "zh" else f"{root.text.en}."


@window(
    tables.Import,
    needs=Can.EDIT_CATALOG,
    stores=(),
    description="An import whose rows are written in the background. 导入",
)
class Import:
    id: UUID = strawberry.field(description="ID of the import.")
    rows: int = strawberry.field(description="Number of rows to write. 总行数")
    done: int = strawberry.field(description="Number of rows that are done. 已完成行数")
    created: int = strawberry.field(description="Number of rows that created something. 新增")
    changed: int = strawberry.field(description="Number of rows that changed something. 修改")
    unchanged: int = strawberry.field(description="Number of rows that changed nothing. 无变化")
    requested_at: datetime = strawberry.field(description="Time when it was committed. 提交时间")
    finished_at: datetime | None = strawberry.field(
        description="Time when the last row was done; null until then. 完成时间"
    )
    requested_by: Actor | None = edge(
        "actors", "requested_by", "Member of staff or API key that committed it. 提交人"
    )
    reversed_at: datetime | None = strawberry.field(
        description="Time when it was reversed; null if it was not. 撤销时间"
    )

    @strawberry.field(graphql_type=ImportKind, description="What the file holds. 导入类型")
    def kind(self, root: strawberry.Parent[tables.Import]) -> ImportKind:
        return ImportKind[root.kind]

    @strawberry.field(description="Rows that could not be written; the first 1000. 失败行")
    def failures(self, root: strawberry.Parent[tables.Import]) -> list[ImportFailure]:
        return [as_window(Unwritten(row, Text(zh, en))) for row, _, zh, en in root.failures]


IMPORTS = DocumentTopic(
    name="imports",
    type=Import,
    by_id=rows.imports_by_id,
    open=rows.open_imports,
    event="ImportChange",
    can=Can.EDIT_CATALOG,
    title="Imports",
    chinese="导入",
)
"""The feed of one import. Store feeds leave it out."""


@strawberry.input(description="Input of `reverseImport`. 撤销导入")
class ReverseImportInput:
    key: UUID = request_key()
    import_id: UUID = strawberry.field(description="ID of the import. 导入")
    reason: str | None = strawberry.field(
        default=None, description="Why, at most 200 characters. 原因"
    )


ReverseImportResult = Annotated[
    Import
    | UnknownImport
    | problems.OutOfStock
    | problems.WrongState
    | problems.UnknownProduct
    | problems.UnknownBatch
    | problems.KeyReused,
    strawberry.union(
        "ReverseImportResult", description="The import, or the problem that prevented it."
    ),
]
CommitImportResult = Annotated[
    Import | ImportRefused | UnknownImport | problems.UnknownStore | problems.KeyReused,
    strawberry.union(
        "CommitImportResult", description="The import, or the problem that prevented it."
    ),
]
ImportResult = Annotated[
    Import | UnknownImport,
    strawberry.union("ImportResult", description="The import, or UnknownImport."),
]


@strawberry.input(description="Input of `commitImport`. 确认导入")
class CommitImportInput:
    key: UUID = request_key()
    token: str = strawberry.field(description="Token of a preview. 预览令牌")
    good_rows_only: bool | None = strawberry.field(
        default=None,
        description="Pass true to leave out rows with errors; otherwise a file with errors fails "
        "with ImportRefused, HAS_ERRORS. 只导入正确的行",
    )


ImportId = Annotated[UUID, strawberry.argument(description="ID of the import.")]


class Template(NamedTuple):
    """The template of a kind of import."""

    kind: ImportKind


@window(
    Template,
    needs=Can.EDIT_CATALOG,
    stores=(),
    description="A workbook to fill in for an import. 导入模板",
)
class ImportTemplate:
    kind: ImportKind = strawberry.field(description="What the file holds. 导入类型")

    @strawberry.field(description="Name under which a browser saves the template. 文件名")
    def file_name(self, root: strawberry.Parent[Template], info: Info) -> str:
        return template_name(root.kind, info.context.language)

    @strawberry.field(
        description="Link to the .xlsx in your language; it never expires. Fill in its first "
        "sheet; the second one has an example. 下载链接"
    )
    def url(self, root: strawberry.Parent[Template], info: Info) -> str:
        path = f"imports/templates/{info.context.language}/{root.kind.name}.xlsx"
        return f"{info.context.origin}/{path}"

    @strawberry.field(
        graphql_type=list[ImportField], description="Columns, from left to right. 各列"
    )
    def fields(self, root: strawberry.Parent[Template]) -> list[ImportField]:
        return [ImportField[name] for name in root.kind.fields]

    @strawberry.field(
        graphql_type=list[ImportField],
        description="Columns that a new row needs, besides a code or name of the product. 必填列",
    )
    def required_fields(self, root: strawberry.Parent[Template]) -> list[ImportField]:
        return [ImportField[name] for name in REQUIRED[root.kind]]
