"""A program that reads one spreadsheet from stdin, and writes its cells to stdout as JSON.

It is a separate process with limits of memory and time, so that a file that expands without end, or
makes a reader crash, ends this process only. A number is a JSON number, a date its ISO text.
"""

import csv
import io
import json
import re
import resource
import sys
import zipfile
from datetime import date, datetime, time, timedelta
from typing import Any

MEMORY_BYTES = 512 * 1024**2
CPU_SECONDS = 10
ENTRIES_MAX = 1000
EXPANDED_MAX = 50 * 1024 * 1024
RATIO_MAX = 100
SMALL_PART = 1024 * 1024
"""A part of an archive may expand to this size at any ratio."""
ROWS_MAX = 20_010
COLUMNS_MAX = 100
TEXT_MAX = 2000
MERGED_MAX = 1000
ENCODINGS = ["gb18030", "big5"]
WIDE_ENCODINGS = ["utf_16_le", "utf_16_be"]
UNCOMPUTED = re.compile(
    rb'<c r="([A-Z]{1,3}[0-9]{1,7})"[^>]*><f[^>]*?(?:/>|>[^<]*</f>)(?:<v ?/>|<v></v>)?</c>'
)
"""A formula without a value: the program that wrote the file did not compute it."""


class Fault(Exception):
    """The reason why the file is refused: a code, and the cell that it is about."""

    def __init__(self, code: str, cell: str = "") -> None:
        super().__init__(code)
        self.code, self.cell = code, cell


Sheet = tuple[list[list[Any]], list[tuple[int, int]]]
"""The rows of a sheet, and its cells that are merged over rows (row and column from 0)."""


def read(content: bytes) -> Sheet:
    """The first sheet, or a CSV. Raises Fault."""
    if content.startswith(b"PK\x03\x04"):
        return _workbook(content)
    if content.startswith(b"\xd0\xcf\x11\xe0"):
        raise Fault("OLD_FORMAT")
    return _csv(content), []


def _workbook(content: bytes) -> Sheet:
    # The web processes use other parts of this module, without its libraries.
    import python_calamine

    _check_archive(content)
    try:
        book = python_calamine.CalamineWorkbook.from_filelike(io.BytesIO(content))
        sheet = book.get_sheet_by_index(0)
        if sheet.height > ROWS_MAX:
            raise Fault("TOO_MANY_ROWS")
        if sheet.width > COLUMNS_MAX:
            raise Fault("TOO_MANY_COLUMNS")
        rows = sheet.to_python(skip_empty_area=False, nrows=ROWS_MAX)
        merged = _merged(sheet.merged_cell_ranges or [], rows)
    except (python_calamine.CalamineError, IndexError, ValueError) as error:
        raise Fault("FORMAT") from error
    return [[_cell(value) for value in row] for row in rows], merged


def _check_archive(content: bytes) -> None:
    """Refuses a file that is not a workbook, has macros, or expands to more than a spreadsheet can
    have."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            parts = archive.infolist()
            if len(parts) > ENTRIES_MAX or sum(part.file_size for part in parts) > EXPANDED_MAX:
                raise Fault("TOO_LARGE")
            if any(
                part.file_size > max(SMALL_PART, RATIO_MAX * part.compress_size) for part in parts
            ):
                raise Fault("TOO_LARGE")
            names = {part.filename for part in parts}
            if "xl/workbook.xml" not in names:
                raise Fault("FORMAT")
            if "xl/vbaProject.bin" in names:
                raise Fault("MACROS")
            for part in parts:
                if part.filename.startswith("xl/worksheets/sheet"):
                    # zipfile stops at the size that the header names; a larger part fails here.
                    if uncomputed := UNCOMPUTED.search(archive.read(part)):
                        raise Fault("FORMULA", uncomputed[1].decode())
                    break
    except (zipfile.BadZipFile, RuntimeError, NotImplementedError, EOFError, OSError) as error:
        raise Fault("FORMAT") from error


def _merged(ranges: list[Any], rows: list[list[Any]]) -> list[tuple[int, int]]:
    """The cells that are merged over several rows: the others below them are empty."""
    return [(top, left) for (top, left), (bottom, _) in ranges if bottom > top and top < len(rows)][
        :MERGED_MAX
    ]


def column_name(index: int) -> str:
    """The letters of a column, which counts from 0: A, B, …, Z, AA."""
    name = ""
    while index >= 0:
        index, letter = divmod(index, 26)
        name, index = chr(65 + letter) + name, index - 1
    return name


def _cell(value: Any) -> Any:
    if isinstance(value, datetime) and value.time() == time():
        return value.date().isoformat()
    if isinstance(value, date | datetime | time):
        return value.isoformat()
    if isinstance(value, timedelta):
        return str(value)
    if isinstance(value, str):
        return value[:TEXT_MAX]
    return value


def _csv(content: bytes) -> list[list[Any]]:
    text = _decoded(content)
    if "\0" in text:
        raise Fault("FORMAT")
    first = next((line for line in text.splitlines() if line.strip()), "")
    delimiter = max(",\t;|", key=first.count)
    rows: list[list[Any]] = []
    try:
        for row in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter):
            if len(row) > COLUMNS_MAX:
                raise Fault("TOO_MANY_COLUMNS")
            if len(rows) == ROWS_MAX and any(row):
                raise Fault("TOO_MANY_ROWS")
            if len(rows) < ROWS_MAX:
                rows.append([_unquoted(value)[:TEXT_MAX] for value in row])
    except csv.Error as error:
        raise Fault("FORMAT") from error
    return rows


def _decoded(content: bytes) -> str:
    """The text, decoded as UTF-8 or UTF-16 if it has a byte order mark, otherwise in the detected
    encoding."""
    for mark, encoding in ((b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16")):
        if content.startswith(mark):
            return _strictly(content, encoding)
    wide = b"\0" in content[:4096]
    if not wide:
        try:
            return content.decode("utf-8-sig")
        except UnicodeDecodeError:
            pass
    import charset_normalizer

    candidates = WIDE_ENCODINGS if wide else ENCODINGS
    best = charset_normalizer.from_bytes(content, cp_isolation=candidates).best()
    # The detection fails on short texts; GBK, which is common in China, is then assumed.
    encoding = best.encoding if best else candidates[0]
    return _strictly(content, encoding)


def _strictly(content: bytes, encoding: str) -> str:
    try:
        return content.decode(encoding)
    except UnicodeDecodeError as error:
        raise Fault("ENCODING") from error


def _unquoted(value: str) -> str:
    """The text of a cell that was written as a formula, ="0017", to keep its zeros."""
    return value[2:-1] if value.startswith('="') and value.endswith('"') else value


def main() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS))
    try:
        rows, merged = read(sys.stdin.buffer.read())
        answer: dict[str, Any] = {"rows": rows, "merged": merged}
    except Fault as fault:
        answer = {"fault": fault.code, "cell": fault.cell}
    except (MemoryError, zipfile.LargeZipFile):
        answer = {"fault": "TOO_LARGE", "cell": ""}
    json.dump(answer, sys.stdout)


if __name__ == "__main__":
    main()
