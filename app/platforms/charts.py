"""Draws charts as SVG, in a program of its own."""

import asyncio
import os
import sys
from pathlib import Path
from typing import Any

import orjson

WRITER = Path(__file__).with_name("chart_writer.py")
AT_ONCE = asyncio.Semaphore(1)
"""Charts that one process draws at the same time."""
SECONDS = 20
THREADS = {"OPENBLAS_NUM_THREADS": "1"}
"""It adds up a few numbers: threads for that only take memory."""


class DrawingFailed(Exception):
    """The program that draws ended with an error, or took too long."""


async def draw(chart: dict[str, Any]) -> str:
    """The SVG of a chart as `chart_writer` takes it. Raises DrawingFailed."""
    async with AT_ONCE:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-I", str(WRITER)),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env=os.environ | THREADS,
        )
        try:
            async with asyncio.timeout(SECONDS):
                output, errors = await process.communicate(orjson.dumps(chart))
        except TimeoutError:
            raise DrawingFailed("it took too long") from None
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
    if process.returncode:
        raise DrawingFailed(errors.decode(errors="replace")[-2000:])
    return output.decode()
