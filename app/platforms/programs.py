"""Runs separate programs of Kucun for work that takes much memory or CPU."""

import asyncio
import os
from collections.abc import Mapping
from typing import NamedTuple


class Ended(NamedTuple):
    """How a program ended, and what it wrote."""

    code: int
    output: bytes
    errors: bytes


async def run(
    *command: str,
    content: bytes = b"",
    seconds: float | None = None,
    environment: Mapping[str, str] | None = None,
) -> Ended:
    """Run a program with `content` on its stdin; `environment` is added to that of this process.

    Raises TimeoutError if it takes longer than `seconds`. It never outlives the call.
    """
    process = await asyncio.create_subprocess_exec(
        *command,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env={**os.environ, **(environment or {})},
    )
    try:
        async with asyncio.timeout(seconds):
            output, errors = await process.communicate(content)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    return Ended(process.returncode or 0, output, errors)
