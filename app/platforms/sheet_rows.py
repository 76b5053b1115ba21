"""The rows of a sheet as XML, written into a workbook that openpyxl made without them.

openpyxl makes an object and an XML element of each cell: 100,000 rows of 18 columns take it 20 s.
Here a cell is one text, and they take 2 s. The workbook has a row of samples in the place of the
rows, and a second one of texts that look like formulas: they give the style of each column.
"""

import re
import shutil
from collections.abc import Callable, Iterable
from datetime import date, datetime
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape
from zipfile import ZIP_DEFLATED, ZipFile

from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE

SHEET = "xl/worksheets/sheet1.xml"
SAMPLES, QUOTED, TOTALS = 2, 3, 4
"""Rows of the sheet as openpyxl wrote it."""
FORMULA = re.compile(r"[=+\-@\t\r\n＝＋－＠]")
"""A text that begins like this is a formula to a spreadsheet program."""
TEXT_MAX = 32_767
EPOCH = date(1899, 12, 30)
DAY_SECONDS = 86_400
STYLE = re.compile(r'<c r="[A-Z]+(\d)"[^>]*? s="(\d+)"')

Cell = Callable[[int, str], str]
"""The XML of a column's cell in the row of this number, with this value."""


def insert_rows(
    source: Path, target: Path, kinds: list[str], letters: list[str], rows: Iterable[list[Any]]
) -> None:
    """Write the workbook again, with the rows in the place of the samples."""
    with ZipFile(source) as frame, ZipFile(target, "w", ZIP_DEFLATED) as book:
        for part in frame.infolist():
            with frame.open(part) as old, book.open(part.filename, "w", force_zip64=True) as new:
                if part.filename != SHEET:
                    shutil.copyfileobj(old, new)
                    continue
                sheet = old.read().decode()
                head, rest = sheet[: row_start(sheet, SAMPLES)], sheet[row_start(sheet, SAMPLES) :]
                styles = styles_of(rest)
                cells = [
                    cell_of(kind, letter, *each)
                    for kind, letter, each in zip(kinds, letters, styles, strict=True)
                ]
                new.write(head.encode())
                number = SAMPLES
                for row in rows:
                    new.write(row_xml(cells, number, row))
                    number += 1
                end = rest.index("</sheetData>")
                if TOTALS in numbers_of(rest):
                    new.write(moved(rest[row_start(rest, TOTALS) : end], number).encode())
                new.write(rest[end:].encode())


def row_start(sheet: str, number: int) -> int:
    return sheet.index(f'<row r="{number}"')


def numbers_of(sheet: str) -> set[int]:
    """The rows that the XML has."""
    return set(map(int, re.findall(r'<row r="(\d+)"', sheet)))


def styles_of(sheet: str) -> list[tuple[str, str]]:
    """The style of each column, and that of its texts that look like formulas."""
    styles: dict[int, list[str]] = {SAMPLES: [], QUOTED: []}
    for row, style in STYLE.findall(sheet):
        if int(row) in styles:
            styles[int(row)].append(style)
    return list(zip(styles[SAMPLES], styles[QUOTED], strict=True))


def moved(row: str, number: int) -> str:
    """The totals as the row of this number; their formulas name it already."""
    row = re.sub(r'<c r="([A-Z]+)\d+"', rf'<c r="\g<1>{number}"', row)
    return re.sub(r'<row r="\d+"', f'<row r="{number}"', row)


def row_xml(cells: list[Cell], number: int, row: list[Any]) -> bytes:
    content = "".join(
        cell(number, value) for cell, value in zip(cells, row, strict=True) if value is not None
    )
    return f'<row r="{number}">{content}</row>'.encode()


def cell_of(kind: str, letter: str, plain: str, quoted: str) -> Cell:
    """How the cells of a column are written."""
    number_of = {"DATE": day_number, "MOMENT": moment_number}.get(kind, str)

    def text(row: int, value: str) -> str:
        content = clean(value)
        style = quoted if FORMULA.match(content) else plain
        return (
            f'<c r="{letter}{row}" t="inlineStr" s="{style}">'
            f'<is><t xml:space="preserve">{escape(content)}</t></is></c>'
        )

    def number(row: int, value: str) -> str:
        return f'<c r="{letter}{row}" t="n" s="{plain}"><v>{number_of(value)}</v></c>'

    return text if kind == "TEXT" else number


def clean(text: str) -> str:
    """The text without characters that a workbook cannot hold."""
    return ILLEGAL_CHARACTERS_RE.sub("", text)[:TEXT_MAX]


def day_number(value: str) -> str:
    """A date as the days since the epoch of spreadsheets."""
    return str((date.fromisoformat(value) - EPOCH).days)


def moment_number(value: str) -> str:
    """A moment without a time zone as days since the epoch."""
    moment = datetime.fromisoformat(value)
    seconds = moment.hour * 3600 + moment.minute * 60 + moment.second
    return f"{(moment.date() - EPOCH).days + seconds / DAY_SECONDS:.10f}"
