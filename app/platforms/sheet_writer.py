"""A program that writes one workbook: a table on stdin as JSON, the .xlsx on stdout.

It is a process of its own with limits of memory and time. A table is an annotated sheet (`rows`)
or a template (`columns`).
"""

import io
import json
import os
import resource
import sys
from itertools import islice
from typing import Any

import openpyxl
from openpyxl.cell.cell import WriteOnlyCell
from openpyxl.comments import Comment
from openpyxl.styles import Font, PatternFill
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.datavalidation import DataValidation

from app.platforms.workbook import (
    BOLD,
    FORMULA,
    HEADER_FILL,
    SAMPLE,
    display_width,
    heading,
    text_cell,
)

MEMORY_BYTES = 1024**3
CPU_SECONDS = 60
RED = PatternFill("solid", fgColor="FF9999")
RED_TEXT = Font(color="C00000")
WIDTHS = 10, 60
LAST_ROW = 20_001
"""The last row that an import reads: validation ends there."""
FORMATS = {"TEXT": "@", "DATE": "yyyy-mm-dd"}

Table = dict[str, Any]


def annotated(table: Table) -> openpyxl.Workbook:
    """A copy of the sheet: cells of `red` are red, a last column has the messages of the rows."""
    book = openpyxl.Workbook(write_only=True)
    page = book.create_sheet()
    rows, width = table["rows"], max(map(len, table["rows"]))
    red = {(row, column) for row, column in table["red"]}
    _set_widths(page, [*islice(rows, SAMPLE)], width)
    page.column_dimensions[get_column_letter(width + 1)].width = WIDTHS[1]
    page.freeze_panes = f"A{table['header'] + 2}"
    last = get_column_letter(width + 1)
    page.auto_filter.ref = f"A{table['header'] + 1}:{last}{len(rows)}"
    for number, row in enumerate(rows):
        cells = [_cell(page, value, (number, place) in red) for place, value in enumerate(row)]
        cells += [_cell(page, "", (number, place) in red) for place in range(len(row), width)]
        if number == table["header"]:
            cells.append(heading(page, table["title"], "TEXT"))
        elif message := table["messages"].get(str(number)):
            cells.append(text_cell(page, message))
            cells[-1].font = RED_TEXT
        page.append(cells)
    return book


def _cell(page: Any, value: Any, is_red: bool) -> Any:
    cell = text_cell(page, value) if isinstance(value, str) else WriteOnlyCell(page, value)
    if isinstance(value, str):
        # A code stays a text when a person edits the cell.
        cell.number_format = FORMATS["TEXT"]
        cell.quotePrefix = bool(FORMULA.match(value))
    if is_red:
        cell.fill = RED
    return cell


def _set_widths(page: Any, rows: list[list[Any]], width: int) -> None:
    for place in range(width):
        longest = max(display_width(row[place]) if place < len(row) else 0 for row in rows)
        letter = get_column_letter(place + 1)
        page.column_dimensions[letter].width = min(max(longest + 2, WIDTHS[0]), WIDTHS[1])


def template(table: Table) -> openpyxl.Workbook:
    """A sheet with headers to fill in, and a second one with an example."""
    book = openpyxl.Workbook()
    page: Any = book.active
    page.title = table["sheet"]
    example: Any = book.create_sheet(table["example_sheet"])
    page.freeze_panes = "A2"
    for place, column in enumerate(table["columns"], 1):
        letter = get_column_letter(place)
        for sheet in (page, example):
            cell = sheet.cell(1, place)
            cell.value, cell.font, cell.fill = column["header"], BOLD, HEADER_FILL
            cell.comment = Comment(column["comment"], "Kucun", height=90, width=280)
            sheet.column_dimensions[letter].width = max(display_width(column["header"]) + 4, 16)
            sheet.column_dimensions[letter].number_format = FORMATS.get(column["kind"], "General")
        filled = example.cell(2, place, column["example"])
        filled.number_format = FORMATS.get(column["kind"], "General")
        if rule := column["rule"]:
            _validate(page, f"{letter}2:{letter}{LAST_ROW}", rule, column["comment"])
    return book


def _validate(page: Any, cells: str, rule: Table, message: str) -> None:
    """Warns of values that an import would refuse; a person may keep them."""
    validation = DataValidation(
        **rule, allow_blank=True, errorStyle="warning", showErrorMessage=True
    )
    validation.error = message[:220]
    page.add_data_validation(validation)
    validation.add(cells)


def main() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS))
    # Sales go first.
    os.nice(10)
    table = json.load(sys.stdin.buffer)
    book = template(table) if "columns" in table else annotated(table)
    buffer = io.BytesIO()
    book.save(buffer)
    sys.stdout.buffer.write(buffer.getvalue())


if __name__ == "__main__":
    main()
