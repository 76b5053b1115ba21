"""`python -m bench.compare`: Kucun beside Vendure in one run, as a table in Markdown.

Both use PostgreSQL of the same build and settings. Requests are measured in turn: ours, theirs.
"""

import sys
import time
from collections.abc import AsyncIterator

import asyncpg
import uvloop

from bench import http, orders, vendure
from bench.asking import Talk, hold
from bench.measure import MIB, Figure, machine, pss
from bench.orders import BUYERS, UNITS
from bench.stage import Stage, staged
from bench.vendure import Vendure

CPU = {
    "barcode_vs_vendure": "Product by code, with its stock",
    "list50_vs_vendure": "List of 50 products with their stock, for staff",
    "storefront_vs_vendure": "List of 50 products with what is available, for customers",
    "sell_vs_vendure": "Sale of one line; theirs: a change of one stock number",
    "order_vs_vendure": "Order of 3 lines; theirs: an order of 1 line, six requests to paid",
}
AT_ONCE = 64
RESET = """
UPDATE stock_level SET "stockOnHand" = CASE WHEN "stockLocationId" = 1 THEN {units} ELSE 0 END,
    "stockAllocated" = 0
WHERE "productVariantId" = {variant}
"""
ALLOCATED = """
SELECT coalesce(sum(quantity), 0) FROM stock_movement
WHERE type = 'ALLOCATION' AND "productVariantId" = $1
"""


async def compare(stage: Stage) -> list[str]:
    """The rows of the table."""
    rows = [row(figure) async for figure in figures(stage)]
    rows.append(await rushes(stage))
    return [*rows, await resting(stage)]


async def figures(stage: Stage) -> AsyncIterator[Figure]:
    async for figure in http.figures(stage, [name for name in CPU if name in http.FIGURES]):
        yield figure
    async for figure in orders.figures(stage, ["order_vs_vendure"]):
        yield figure


def row(figure: Figure) -> str:
    ratio = "not measured" if figure.value is None else f"{figure.value:.1f} x less CPU"
    return f"| {CPU[figure.name]} | {ratio} | {figure.baseline} |"


async def rushes(stage: Stage) -> str:
    """Buyers at once of too few units: how many got one, and how many were promised."""
    ours = await orders.oversell(stage)
    async with vendure.running() as peer:
        placed, promised = await rush(peer)
    return (
        f"| {BUYERS} buyers of {UNITS} units | {ours.value:.0f} sold | Vendure, {AT_ONCE} at once: "
        f"{placed} orders paid, {promised} units promised |"
    )


async def rush(peer: Vendure, variant: int = vendure.PRODUCTS) -> tuple[int, int]:
    """Vendure's orders of one variant that were paid, and the units that it promised."""
    raw = await asyncpg.connect(peer.owner)
    await raw.execute(RESET.format(units=UNITS, variant=variant))
    before = await raw.fetchval(ALLOCATED, variant)
    paid: list[bool] = []
    buyers = iter(range(BUYERS))

    def line() -> Talk:
        for _ in buyers:
            paid.append((yield from vendure.buy(peer, variant)))

    await hold(((peer.port, line()) for _ in range(AT_ONCE)), 300)
    promised = await raw.fetchval(ALLOCATED, variant) - before
    await raw.execute(RESET.format(units=1_000_000, variant=variant))
    await raw.close()
    return sum(paid), promised


async def resting(stage: Stage) -> str:
    """Memory after the first request, and the seconds of a start."""
    shop = await stage.shop(orders.PRODUCTS)
    began = time.monotonic()
    with stage.serving() as [server]:
        took = time.monotonic() - began
        await shop.token(server.port)
        ours = pss([server.pid]) / MIB
    began = time.monotonic()
    async with vendure.running() as peer:
        theirs_took, theirs = time.monotonic() - began, pss([peer.app]) / MIB
    return (
        f"| Memory and start | {ours:.0f} MiB, {took:.1f} s | Vendure's server: {theirs:.0f} MiB, "
        f"{theirs_took:.1f} s with its PostgreSQL and worker |"
    )


def main() -> None:
    with staged() as stage:
        rows = uvloop.run(compare(stage))
    print(f"{machine()}, Vendure {vendure.VERSION}\n")
    print("| | ratio | measured |\n| --- | --- | --- |", *rows, sep="\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
