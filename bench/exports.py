"""Exports: how long 100,000 rows take, in which memory, and how much they delay sales."""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from typing import Any
from uuid import uuid4

from bench.asking import Wrong, ask
from bench.measure import MIB, Figure, median, tree
from bench.stage import Served, Shop, Stage
from bench.tills import SALES_PER_SECOND, paced, selling, slowness

FIGURES = ("export_100k_s", "export_100k_mib", "export_sale_x")
ROWS = 100_000
ROUNDS = 3
SAMPLE_SECONDS = 0.05

REQUEST = """
mutation($input: RequestExportInput!) { requestExport(input: $input) {
  ... on Export { id } ... on Problem { message } } }
"""
READ = "query($id: UUID!) { export(id: $id) { state rows size failureText } }"


async def figures(stage: Stage, wanted: Sequence[str]) -> AsyncIterator[Figure]:
    """The stock list of 100,000 products as a workbook, made by the worker beside the requests."""
    shop = await stage.shop(ROWS)
    with stage.serving() as [server]:
        token = await shop.token(server.port)
        # A worker looks for exports every second.
        await exported(server, token)
        took, memory = [], []
        for _ in range(ROUNDS):
            seconds, peak = await measured(server, token)
            took.append(seconds)
            memory.append(peak / MIB)
        during, without = await delays(server, shop, token)
    text = f"{ROWS:,} levels as .xlsx, from the request to READY, {ROUNDS} rounds: "
    if "export_100k_s" in wanted:
        text += f"{min(took):.1f} to {max(took):.1f} s"
        yield Figure("export_100k_s", median(took), text)
    if "export_100k_mib" in wanted:
        text = "what the worker grows by and the program that writes the file, at their peak"
        yield Figure("export_100k_mib", max(memory), text)
    if "export_sale_x" in wanted:
        text = (
            f"median of {SALES_PER_SECOND} sales/s while it is made: {slowness([during])}; "
            f"without: {slowness([without])}"
        )
        yield Figure("export_sale_x", median(during) / median(without), text)


async def exported(server: Served, token: str) -> None:
    """Request the file and wait until it is READY. Raises Wrong."""
    input = {"key": str(uuid4()), "report": "LEVELS"}
    answer = await said(server, token, REQUEST, input=input)
    while True:
        export = await said(server, token, READ, id=answer["requestExport"]["id"])
        state = export["export"]["state"]
        if state == "READY" and export["export"]["rows"] == ROWS:
            return
        if state not in ("QUEUED", "RUNNING"):
            raise Wrong(str(export))
        await asyncio.sleep(0.1)


async def said(server: Served, token: str, query: str, **variables: Any) -> Any:
    return await ask(server.port, "/graphql", query, variables, token)


async def measured(server: Served, token: str) -> tuple[float, float]:
    """Seconds until it is READY, and the memory that it takes at its peak, in bytes."""
    rest = memory_of(server)
    peak = rest
    started = time.perf_counter()
    making = asyncio.ensure_future(exported(server, token))
    while not making.done():
        peak = max(peak, memory_of(server))
        await asyncio.sleep(SAMPLE_SECONDS)
    await making
    return time.perf_counter() - started, peak - rest


def memory_of(server: Served) -> int:
    assert server.worker is not None
    pids = [server.pid, server.worker.pid]
    return sum(process.memory_info().rss for process in tree(pids))


async def delays(server: Served, shop: Shop, token: str) -> tuple[list[float], list[float]]:
    """The seconds that sales take while the file is made, and afterwards."""
    sales = selling(server.port, shop, token)
    started = time.perf_counter()
    during = await paced(server.port, sales, exported(server, token))
    lasted = time.perf_counter() - started
    return during, await paced(server.port, sales, asyncio.sleep(lasted))
