"""A file's rows: which column holds which field, and what each cell says of it."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import NamedTuple, cast
from uuid import UUID

from app.domain.errors import Refused, Text
from app.domain.import_errors import ImportFault, ImportRefused
from app.domain.rules.import_columns import ImportKind, columns_of, headers_of, is_no_row
from app.domain.rules.import_values import (
    InvalidCell,
    Measure,
    Parsed,
    read_cell,
    says_nothing,
    spelling,
    text,
)
from app.platforms.spreadsheets import Cell, Merged, Unreadable, column_name, read_cells

MOST_ROWS = 20_000
CHUNK = 200
OF_DISH = ("SKU", "DISH", "YIELDS")
"""Fields of a recipe that a shop writes once, in the first row of the dish."""


class RowError(NamedTuple):
    """What is wrong with a row, or with the cell of one of its fields; rows count from 1."""

    row: int
    field: str | None
    text: Text


@dataclass(frozen=True, slots=True)
class Row:
    """A row of the sheet, with the texts of its fields in the one spelling they are kept in."""

    number: int
    texts: Mapping[str, str]

    def value(self, field: str) -> Parsed:
        """What the row says of the field; None without it."""
        return read_cell(field, self.texts[field]) if field in self.texts else None

    def text(self, field: str) -> str | None:
        return self.texts.get(field)

    def number_of(self, field: str) -> Decimal | None:
        return cast(Decimal | None, self.value(field))

    def measure(self, field: str) -> Measure | None:
        return cast(Measure | None, self.value(field))


class SheetRows(NamedTuple):
    """A file as its columns are understood: its header row, the columns, and the rows below."""

    headers: tuple[str, ...]
    columns: dict[str, int]
    rows: list[Row]
    errors: list[RowError]
    cells: list[list[Cell]]
    place: int
    """The index of the last header row in `cells`, which has all rows of the sheet."""

    def cell(self, error: RowError) -> str | None:
        """The reference of the cell, such as B7; None when the file has no such column."""
        place = None if error.field is None else self.columns.get(error.field)
        return None if place is None else f"{column_name(place)}{error.row}"

    def header(self, error: RowError) -> str | None:
        place = None if error.field is None else self.columns.get(error.field)
        return None if place is None else self.headers[place]

    def unused(self) -> list[int]:
        """The places of columns that no field is read from, with a header or a value below it."""
        rows = [self.headers, *self.cells[self.place + 1 :]]
        filled = {place for row in rows for place, cell in enumerate(row) if text(cell)}
        return sorted(filled - set(self.columns.values()))


async def read_sheet(content: bytes, kind: ImportKind, own: Mapping[str, str]) -> SheetRows:
    """The sheet of a file. `own` are the shop's own headers with their fields.

    Raises Refused(ImportRefused).
    """
    try:
        cells, merged = await read_cells(content)
    except Unreadable as fault:
        raise Refused(ImportRefused(ImportFault[fault.code], fault.cell or None)) from fault
    top = headers_of(cells, kind, own)
    if top is None:
        raise Refused(ImportRefused(ImportFault.NO_HEADERS))
    headers, place = tuple(each[:100] for each in top.texts), top.last_row
    columns = columns_of(headers, kind, own)
    if not columns:
        raise Refused(ImportRefused(ImportFault.NO_HEADERS))
    _check_merged(merged, place, kind, columns)
    sheet = SheetRows(headers, columns, [], [], cells, place)
    for number, row in enumerate(cells[place + 1 :], place + 2):
        if not is_no_row(row) and _has_data(row, columns):
            _read_row(sheet, number, row)
            if kind is ImportKind.RECIPES:
                _continue_dish(sheet)
        if number % CHUNK == 0:
            # Sales of the same process have their turn.
            await asyncio.sleep(0)
    if len(sheet.rows) > MOST_ROWS:
        raise Refused(ImportRefused(ImportFault.TOO_MANY_ROWS))
    if not sheet.rows:
        raise Refused(ImportRefused(ImportFault.NO_ROWS))
    return sheet


def _has_data(row: Sequence[Cell], columns: Mapping[str, int]) -> bool:
    """Whether a column that is read has a value: sheets number their empty rows."""
    return any(place < len(row) and text(row[place]) for place in columns.values())


def _check_merged(
    merged: Sequence[Merged], header: int, kind: ImportKind, columns: Mapping[str, int]
) -> None:
    """Refuses cells below the header that are merged over several rows: only the first has the
    value. A dish may stand once beside its ingredients.

    Raises Refused(ImportRefused).
    """
    fields = OF_DISH if kind is ImportKind.RECIPES else ()
    free = [columns[field] for field in fields if field in columns]
    for top, left in merged:
        if top > header and left not in free:
            cell = f"{column_name(left)}{top + 1}"
            raise Refused(ImportRefused(ImportFault.MERGED, cell))


def _continue_dish(sheet: SheetRows) -> None:
    """The last row is of the dish above if it names none."""
    row = sheet.rows[-1]
    if len(sheet.rows) > 1 and not row.text("SKU") and not row.text("DISH"):
        above = sheet.rows[-2].texts
        dish = {field: above[field] for field in OF_DISH if field in above}
        sheet.rows[-1] = Row(row.number, {**dish, **row.texts})


def _read_row(sheet: SheetRows, number: int, cells: Sequence[Cell]) -> None:
    """Adds the row, and an error for each cell that cannot be read."""
    texts: dict[str, str] = {}
    for field, place in sheet.columns.items():
        if place >= len(cells) or says_nothing(field, cells[place]):
            continue
        try:
            spelled = spelling(field, cells[place])
        except InvalidCell as error:
            sheet.errors.append(RowError(number, field, Text(*error.text)))
            continue
        if spelled is not None:
            texts[field] = spelled
    sheet.rows.append(Row(number, texts))


class Planned(NamedTuple):
    """What importing a row would do: `action` is CREATED, CHANGED, UNCHANGED or FAULTY.

    `product_id` is the product that the row names, `changes` are the fields that would change.
    """

    row: Row
    action: str
    product_id: UUID | None
    changes: tuple[str, ...]
    errors: tuple[RowError, ...]
