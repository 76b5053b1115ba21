"""Refusals of files that are imported."""

from dataclasses import dataclass
from enum import Enum
from uuid import UUID

from app.domain.errors import Refusal, Text


class ImportFault(Enum):
    """Why a file cannot be imported."""

    FORMAT = Text(
        "文件无法读取，请另存为 .xlsx 或 .csv", "The file cannot be read: save it as .xlsx or .csv"
    )
    OLD_FORMAT = Text(
        "不支持旧版 .xls 或加密文件，请另存为未加密的 .xlsx",
        "Old .xls files and encrypted files cannot be read: save it as .xlsx without a password",
    )
    MACROS = Text("文件含有宏，请另存为 .xlsx", "The file has macros: save it as .xlsx")
    FORMULA = Text(
        "单元格含有未计算的公式，请用 Excel 打开并保存，或改为数值",
        "A cell has a formula without a value: open and save the file in Excel, or paste values",
    )
    MERGED = Text(
        "单元格跨行合并，请取消合并并逐行填写",
        "Cells are merged over several rows: unmerge them and fill in each row",
    )
    ENCODING = Text(
        "文字编码无法识别，请另存为 UTF-8 或 GBK",
        "The encoding is not known: save the file as UTF-8 or GBK",
    )
    TOO_LARGE = Text(
        "文件展开后过大，请拆分后上传", "The file is too large when unpacked: split it"
    )
    TOO_MANY_ROWS = Text(
        "最多 20000 行，请拆分后上传", "At most 20,000 rows are imported: split the file"
    )
    TOO_MANY_COLUMNS = Text(
        "最多 100 列，请删除多余的列", "At most 100 columns are read: delete some"
    )
    NO_HEADERS = Text(
        "没有认出的表头，请检查首行，或指定各列的含义",
        "No header is known: check the first row, or pass what each column holds",
    )
    NO_ROWS = Text("文件没有数据行", "The file has no rows")
    HAS_ERRORS = Text(
        "文件有错误行，请改正，或选择只导入正确的行",
        "The file has rows with errors: correct them, or import the good rows only",
    )


@dataclass(frozen=True, slots=True)
class ImportRefused(Refusal):
    """The file, or the cell of it, cannot be imported."""

    reason: ImportFault
    cell: str | None = None


@dataclass(frozen=True, slots=True)
class UnknownImport(Refusal):
    """The chain has no such file or import, or the token has expired."""

    asked: UUID | str
