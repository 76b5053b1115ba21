"""Reads and writes spreadsheets (.xlsx, .csv) in processes with limits of memory and time."""

import asyncio
import json
import sys
from decimal import Decimal
from typing import Any

import orjson

from app.platforms.programs import run
from app.platforms.sheet_reader import column_name

SECONDS = 30
AT_ONCE = asyncio.Semaphore(2)
"""Files that one process reads at the same time."""

Cell = str | Decimal | bool
"""What a cell holds: an empty one an empty text, a date its ISO text."""

Merged = tuple[int, int]
"""A cell that is merged over several rows: its row and column, which count from 0."""

__all__ = [
    "Cell",
    "Merged",
    "Unreadable",
    "WritingFailed",
    "column_name",
    "read_cells",
    "write_sheet",
]


class Unreadable(Exception):
    """The file is refused: `code` is of `sheet_reader.Fault`, `cell` like B7, or empty."""

    def __init__(self, code: str, cell: str = "") -> None:
        super().__init__(code)
        self.code, self.cell = code, cell


async def read_cells(content: bytes) -> tuple[list[list[Cell]], list[Merged]]:
    """The rows of the first sheet, and its cells that are merged over rows. Raises Unreadable."""
    async with AT_ONCE:
        command = sys.executable, "-m", "app.platforms.sheet_reader"
        try:
            ended = await run(*command, content=content, seconds=SECONDS)
        except TimeoutError:
            raise Unreadable("TOO_LARGE") from None
    if ended.code:
        # It ran into its limit of memory or time.
        raise Unreadable("TOO_LARGE")
    answer = json.loads(ended.output, parse_float=Decimal, parse_int=Decimal)
    if fault := answer.get("fault"):
        raise Unreadable(fault, answer["cell"])
    return answer["rows"], [(int(top), int(left)) for top, left in answer["merged"]]


WRITING_SECONDS = 60
WRITTEN_AT_ONCE = asyncio.Semaphore(1)
"""Files that one process writes at the same time."""


class WritingFailed(Exception):
    """The program that writes a file ended with an error, or took too long."""


async def write_sheet(table: dict[str, Any]) -> bytes:
    """The .xlsx of a table as `sheet_writer` takes it. Raises WritingFailed."""
    async with WRITTEN_AT_ONCE:
        command = sys.executable, "-m", "app.platforms.sheet_writer"
        content = orjson.dumps(table, default=float)
        try:
            ended = await run(*command, content=content, seconds=WRITING_SECONDS)
        except TimeoutError:
            raise WritingFailed("it took too long") from None
    if ended.code:
        raise WritingFailed(ended.errors.decode(errors="replace")[-2000:])
    return ended.output
