"""Write a table as a real .xlsx or .csv file. A program of its own: it takes CPU and memory that
sales must not wait for.

`python workbook.py FOLDER PARENT` reads `FOLDER/columns.json` (the format and the columns) and
`FOLDER/rows.jsonl` (one JSON array a row) while its parent process writes them, then
`FOLDER/table.json` (facts and charts), which is written last. The result is `FOLDER/file`. Rows are
never held in memory.
"""

import csv
import json
import os
import re
import sys
import time
import unicodedata
from collections.abc import Iterator
from datetime import date, datetime
from itertools import islice
from pathlib import Path
from typing import Any

import openpyxl
from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE, Cell, WriteOnlyCell
from openpyxl.chart import BarChart, LineChart, PieChart, Reference
from openpyxl.chart.label import DataLabelList
from openpyxl.chart.shapes import GraphicalProperties
from openpyxl.drawing.line import LineProperties
from openpyxl.styles import Alignment, Border, Font, PatternFill, Side
from openpyxl.utils import get_column_letter, quote_sheetname
from openpyxl.worksheet.properties import PageSetupProperties

PARENT, PAUSE_SECONDS = os.getppid(), 0.02
FORMATS = {
    "TEXT": "@",
    "DATE": "yyyy-mm-dd",
    "MOMENT": "yyyy-mm-dd hh:mm",
    "QUANTITY": "#,##0.######",
    "COUNT": "#,##0",
    "MONEY": "#,##0.00",
    "COST": "#,##0.00##",
    "PERCENT": "0.0%",
    "RATIO": "0.00",
}
CELL_TYPES = {"TEXT": "s", "DATE": "d", "MOMENT": "d"}
"""openpyxl's types of cells; all others are numbers, "n"."""
FORMULA = re.compile(r"[=+\-@\t\r\n＝＋－＠]")
"""A text that begins like this is a formula to a spreadsheet program."""
SAMPLE = 500
"""Rows that decide how wide the columns are."""
WIDTHS = 8, 50
TEXT_MAX, A4 = 32_767, "9"
BOLD, TITLE = Font(name="Calibri", size=11, bold=True), Font(name="Calibri", size=15, bold=True)
HEADER_FILL = PatternFill("solid", fgColor="DDE7F3")
SIDE = Side(style="thin", color="8EA9C8")
LINE, TOTAL_LINE = Border(bottom=SIDE), Border(top=SIDE)
TEXT_ALIGNMENT = Alignment(horizontal="left", vertical="center", indent=1)
NUMBER_ALIGNMENT = Alignment(vertical="center")
HEADING_ALIGNMENTS = {
    True: Alignment(horizontal="left", vertical="center", indent=1),
    False: Alignment(horizontal="right", vertical="center"),
}
BLUE, GREY = "4C78A8", "D9D9D9"
CHART_WIDTH, CHART_HEIGHT, TALL_CHART_HEIGHT = 18, 8, 12  # cm
ROW_POINTS = 18  # Chinese fonts are taller than those that Excel plans for.
ROW_HEIGHT, FEW_BARS = ROW_POINTS * 2.54 / 72, 10

Table = dict[str, Any]


def rows_of(folder: Path) -> Iterator[list[Any]]:
    """The rows, read one by one, until the last is written."""
    line, is_complete = b"", False
    with (folder / "rows.jsonl").open("rb") as lines:
        while True:
            line += lines.readline()
            if line.endswith(b"\n"):
                yield json.loads(line)
                line = b""
            elif is_complete:
                return
            else:
                # All rows are written before it; they are read to their end once more.
                is_complete = (folder / "table.json").exists()
                if not is_complete:
                    pause()


def content(file: Path) -> Any:
    """What is in a file of JSON, once it is there."""
    while not file.exists():
        pause()
    return json.loads(file.read_text("utf-8"))


def pause() -> None:
    """Wait for the parent process to write more. Ends this program if the parent was killed."""
    time.sleep(PAUSE_SECONDS)
    check_parent(PARENT)


def check_parent(process: int) -> None:
    """End this program unless the process is its parent: no other waits for the file."""
    if os.getppid() != process:
        raise SystemExit("the parent process has ended")


def typed(value: Any, kind: str) -> Any:
    """A value of a row as Python's own type; None stays None."""
    if value is None or kind == "TEXT":
        return None if value is None else clean(value)
    if kind == "DATE":
        return date.fromisoformat(value)
    if kind == "MOMENT":
        return datetime.fromisoformat(value)
    return float(value)


def clean(text: str) -> str:
    """The text without characters that a workbook cannot hold."""
    return ILLEGAL_CHARACTERS_RE.sub("", text)[:TEXT_MAX]


def display_width(value: Any) -> int:
    """Columns that a value takes on the screen; Chinese characters take two."""
    return sum(2 if unicodedata.east_asian_width(each) in "WF" else 1 for each in str(value))


def shown_width(value: Any, kind: str) -> int:
    """Columns that a cell takes on the screen."""
    if value is None or kind == "PERCENT":
        return 0
    return display_width(f"{float(value):,.2f}" if kind == "MONEY" else value)


def write_csv(table: Table, folder: Path) -> None:
    """UTF-8 with a byte order mark, which Excel needs to read Chinese."""
    kinds = [column["kind"] for column in table["columns"]]
    with (folder / "file").open("w", encoding="utf-8-sig", newline="") as target:
        writer = csv.writer(target)
        writer.writerow([harmless(column["title"]) for column in table["columns"]])
        for row in rows_of(folder):
            writer.writerow(
                [
                    harmless(clean(value)) if kind == "TEXT" and value is not None else value
                    for value, kind in zip(row, kinds, strict=True)
                ]
            )


def harmless(text: str) -> str:
    """The text, with a quote before it if a spreadsheet program would take it for a formula."""
    return f"'{text}" if FORMULA.match(text) else text


def write_xlsx(table: Table, folder: Path) -> None:
    """A data sheet with totals, and a summary with facts and charts."""
    book = openpyxl.Workbook(write_only=True)
    book.properties.title = table["title"]
    book.properties.creator = "Kucun"
    last = write_data(book.create_sheet(table["data_sheet"]), table, folder)
    table |= content(folder / "table.json")
    write_summary(book.create_sheet(table["summary_sheet"]), table, last)
    book.save(folder / "file")


def write_data(page: Any, table: Table, folder: Path) -> int:
    """Write the rows with their totals. Returns the number of the last row of data."""
    columns = table["columns"]
    for place, width in enumerate(widths(columns, folder), start=1):
        page.column_dimensions[get_column_letter(place)].width = width
    lay_out(page, "landscape")
    page.freeze_panes, page.print_title_rows = "A2", "1:1"
    page.append([heading(page, column["title"], column["kind"]) for column in columns])
    cells = [Cells(page, place, column["kind"]) for place, column in enumerate(columns, start=1)]
    last = 1
    for row in rows_of(folder):
        page.append([cell.of(value) for cell, value in zip(cells, row, strict=True)])
        last += 1
    page.auto_filter.ref = f"A1:{get_column_letter(len(columns))}{last}"
    if last > 1 and any(column["total"] for column in columns):
        page.append(totals(page, table, last))
    return last


def widths(columns: list[Any], folder: Path) -> list[int]:
    """The width of each column in characters, by its title, the first rows and their total."""
    rows = list(islice(rows_of(folder), SAMPLE))
    more = 3 * (len(rows) == SAMPLE)
    most: list[int] = []
    for place, column in enumerate(columns):
        values = [row[place] for row in rows if row[place] is not None]
        shown = [shown_width(value, column["kind"]) for value in values]
        if column["total"]:
            shown.append(len(f"{sum(map(float, values)):,.2f}") + more)
        most.append(max([display_width(column["title"]) + 3, *shown]))
    return [min(max(width + 2, WIDTHS[0]), WIDTHS[1]) for width in most]


def lay_out(page: Any, orientation: str) -> None:
    """Print on A4, as wide as one page, with page numbers; all rows have one height."""
    page.sheet_format.defaultRowHeight, page.sheet_format.customHeight = ROW_POINTS, True
    page.page_setup.paperSize = A4
    page.page_setup.orientation = orientation
    page.page_setup.fitToWidth = 1
    page.page_setup.fitToHeight = 0
    page.sheet_properties.pageSetUpPr = PageSetupProperties(fitToPage=True)
    page.oddFooter.center.text = "&P / &N"
    page.oddHeader.left.text = "&A"


def heading(page: Any, text: str, kind: str) -> Any:
    """A title over values of this kind: above numbers it is on the right like them."""
    cell = text_cell(page, text)
    cell.font = BOLD
    cell.fill = HEADER_FILL
    cell.border = LINE
    cell.alignment = HEADING_ALIGNMENTS[kind == "TEXT"]
    return cell


def text_cell(page: Any, text: str) -> Any:
    """A cell that holds the text as it is, also one that looks like a formula or a number."""
    cell = WriteOnlyCell(page, clean(text))
    cell.data_type = "s"
    return cell


class ColumnCell(Cell):
    """The cell of one column, with its style. A row is written as it is appended, so that one cell
    serves all rows; looking its style and letter up again for each took half of the CPU."""

    __slots__ = ("_letter", "_style_id")

    def __init__(self, page: Any, place: int, kind: str, is_quoted: bool = False) -> None:
        super().__init__(page, row=1, column=place)
        self.number_format = FORMATS[kind]
        self.alignment = TEXT_ALIGNMENT if kind == "TEXT" else NUMBER_ALIGNMENT
        # It stays a text when a person edits the cell.
        self.quotePrefix = is_quoted
        self._style_id = super().style_id
        self._letter = get_column_letter(place)

    @property
    def style_id(self) -> int:
        return self._style_id

    @property
    def has_style(self) -> bool:
        return True

    @property
    def coordinate(self) -> str:
        return f"{self._letter}{self.row}"

    def __repr__(self) -> str:
        # openpyxl formats each cell into the message of an error that it catches.
        return f"<ColumnCell {self._letter}>"

    def holding(self, content: Any, type: str) -> "ColumnCell":
        """This cell with another content; `type` is openpyxl's letter of its type."""
        self._value = content
        self.data_type = type
        return self


class Cells:
    """The cells of a column, at its place from 1."""

    def __init__(self, page: Any, place: int, kind: str) -> None:
        self._kind = kind
        self._plain = ColumnCell(page, place, kind)
        self._quoted = ColumnCell(page, place, kind, is_quoted=True)

    def of(self, value: Any) -> ColumnCell | None:
        """The cell with this value."""
        if value is None:
            return None
        content = typed(value, self._kind)
        cell = self._plain
        if self._kind == "TEXT" and FORMULA.match(content):
            cell = self._quoted
        return cell.holding(content, CELL_TYPES.get(self._kind, "n"))


def totals(page: Any, table: Table, last: int) -> list[Any]:
    """The row below the data: sums of what the filter shows, and shares of sums."""
    cells: list[Any] = []
    for place, column in enumerate(table["columns"], start=1):
        letter = get_column_letter(place)
        cell = WriteOnlyCell(page)
        cell.alignment = NUMBER_ALIGNMENT
        if column["total"]:
            cell.value = f"=SUBTOTAL(109,{letter}2:{letter}{last})"
        elif ratio := column["ratio"]:
            part, whole = (f"{get_column_letter(each + 1)}{last + 1}" for each in ratio)
            cell.value = f'=IF({whole}>0,{part}/{whole},"")'
        elif place == 1:
            cell = text_cell(page, table["total_label"])
            cell.alignment = TEXT_ALIGNMENT
        cell.number_format = FORMATS[column["kind"]]
        cell.font = BOLD
        cell.border = TOTAL_LINE
        cells.append(cell)
    return cells


def write_summary(page: Any, table: Table, last: int) -> None:
    """Title, facts and totals, then each chart beside the numbers that it shows."""
    lay_out(page, "portrait")
    for letter, width in (("A", 28), ("B", 18), ("C", 3)):
        page.column_dimensions[letter].width = width
    title = text_cell(page, table["title"])
    title.font = TITLE
    page.append([title])
    head = [[text_cell(page, name), text_cell(page, value)] for name, value in table["facts"]]
    head += grand_totals(page, table, last)
    for cells in head:
        page.append(cells)
    written = 1 + len(head)
    for chart in table["charts"]:
        page.append([])
        titles = zip(chart["columns"], ("TEXT", chart["kind"]), strict=True)
        page.append([heading(page, text, kind) for text, kind in titles])
        top, label, number = written + 2, Cells(page, 1, "TEXT"), Cells(page, 2, chart["kind"])
        for name, value in chart["points"]:
            page.append([label.of(name), number.of(value)])
        written = top + len(chart["points"])
        drawing = drawn(page, chart, top, written)
        page.add_chart(drawing, f"D{top}")
        while written < top + int(drawing.height / ROW_HEIGHT) + 2:
            page.append([])
            written += 1


def grand_totals(page: Any, table: Table, last: int) -> list[list[Any]]:
    """The totals of all rows of the data sheet: formulas that its filter does not change."""
    lines: list[list[Any]] = []
    for place, column in enumerate(table["columns"], start=1):
        if column["total"] and last > 1:
            letter = get_column_letter(place)
            cells = f"{quote_sheetname(table['data_sheet'])}!{letter}2:{letter}{last}"
            total = WriteOnlyCell(page, f"=SUM({cells})")
            total.number_format, total.font = FORMATS[column["kind"]], BOLD
            lines.append([text_cell(page, column["title"]), total])
    return lines


def drawn(page: Any, chart: Table, head: int, last: int) -> Any:
    """The native chart over the numbers in the rows from `head` to `last`."""
    drawing = empty_chart(chart)
    drawing.title = chart["title"]
    drawing.add_data(Reference(page, min_col=2, min_row=head, max_row=last), titles_from_data=True)
    drawing.set_categories(Reference(page, min_col=1, min_row=head + 1, max_row=last))
    is_tall = len(chart["points"]) > FEW_BARS and chart["shape"] == "BAR"
    drawing.width, drawing.height = CHART_WIDTH, TALL_CHART_HEIGHT if is_tall else CHART_HEIGHT
    if isinstance(drawing, PieChart):
        drawing.dataLabels = DataLabelList(
            showPercent=True, showVal=False, showCatName=False, showSerName=False
        )
        return drawing
    drawing.legend = None
    drawing.x_axis.delete = drawing.y_axis.delete = False  # Excel would draw no axes.
    drawing.y_axis.numFmt = FORMATS["COUNT"]
    drawing.y_axis.majorGridlines.spPr = GraphicalProperties(ln=LineProperties(solidFill=GREY))
    look = drawing.series[0].graphicalProperties
    if isinstance(drawing, LineChart):
        look.line.solidFill = BLUE
        drawing.series[0].smooth = False
    else:
        look.solidFill = BLUE
    return drawing


def empty_chart(chart: Table) -> Any:
    """A chart of the shape; shares of a whole are drawn as bars if one is below zero."""
    if chart["shape"] == "LINE":
        return LineChart()
    if chart["shape"] == "PIE" and all(float(value) >= 0 for _, value in chart["points"]):
        return PieChart()
    bars = BarChart()
    bars.type, bars.gapWidth = "bar", 50
    # The first row on top, and the axis of amounts below.
    bars.x_axis.scaling.orientation = "maxMin"
    bars.y_axis.crosses = "max"
    return bars


def main(folder: Path, parent: int) -> None:
    """Write the file that `columns.json` and `table.json` describe; `parent` writes them."""
    check_parent(parent)
    # Sales go first.
    os.nice(19)
    table = content(folder / "columns.json")
    write = write_xlsx if table["format"] == "XLSX" else write_csv
    write(table, folder)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
