"""Reads spreadsheets (.xlsx, .csv) in a process with limits of memory and time."""

import asyncio
import json
import sys
from decimal import Decimal

from app.platforms.programs import run
from app.platforms.sheet_reader import column_name

SECONDS = 30
AT_ONCE = asyncio.Semaphore(2)
"""Files that one process reads at the same time."""

Cell = str | Decimal | bool
"""What a cell holds: an empty one an empty text, a date its ISO text."""

Merged = tuple[int, int]
"""A cell that is merged over several rows: its row and column, which count from 0."""

__all__ = ["Cell", "Merged", "Unreadable", "column_name", "read_cells"]


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
