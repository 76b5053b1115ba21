"""Draws charts as SVG, in a program of its own."""

import asyncio
import sys
from pathlib import Path
from typing import Any

import orjson

from app.platforms.programs import run

WRITER = Path(__file__).with_name("chart_writer.py")
AT_ONCE = asyncio.Semaphore(1)
"""Charts that one process draws at the same time."""
SECONDS = 20
THREADS = {"OPENBLAS_NUM_THREADS": "1"}
"""Limits the threads of the numeric library, which only take memory here."""


class DrawingFailed(Exception):
    """The program that draws ended with an error, or took too long."""


async def draw(chart: dict[str, Any]) -> str:
    """The SVG of a chart as `chart_writer` takes it. Raises DrawingFailed."""
    async with AT_ONCE:
        command = sys.executable, "-I", str(WRITER)
        content = orjson.dumps(chart)
        try:
            ended = await run(*command, content=content, seconds=SECONDS, environment=THREADS)
        except TimeoutError:
            raise DrawingFailed("it took too long") from None
    if ended.code:
        raise DrawingFailed(ended.errors.decode(errors="replace")[-2000:])
    return ended.output.decode()
