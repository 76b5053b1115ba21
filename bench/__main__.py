"""`python -m bench [FIGURE | GROUP ...]`: measures, prints a table, writes bench/results.json."""

import os
import shutil
import sys
import time

import uvloop

from bench import (
    alerts,
    exports,
    fanout,
    feeds,
    growth,
    history,
    http,
    imports,
    in_memory,
    kitchen,
    lane,
    live,
    night,
    orders,
    reports,
    start,
    stocktakes,
    tills,
)
from bench.measure import BARS, RESULTS, Figure, machine, save, show
from bench.stage import Stage, staged

GROUPS = {
    "lane": lane,
    "kitchen": kitchen,
    "http": http,
    "in_memory": in_memory,
    "orders": orders,
    "tills": tills,
    "imports": imports,
    "stocktakes": stocktakes,
    "history": history,
    "growth": growth,
    "live": live,
    "fanout": fanout,
    "feeds": feeds,
    "exports": exports,
    "alerts": alerts,
    "night": night,
    "reports": reports,
    "start": start,
}


def chosen(words: list[str]) -> dict[str, list[str]]:
    """The figures to measure, by group: all of them when none is named. Raises SystemExit."""
    known = {*GROUPS, *BARS}
    if unknown := [word for word in words if word not in known]:
        raise SystemExit(f"unknown: {', '.join(unknown)}; known: {', '.join(sorted(known))}")
    return {
        group: [name for name in module.FIGURES if not words or {group, name} & set(words)]
        for group, module in GROUPS.items()
    }


async def measure(stage: Stage, wanted: dict[str, list[str]], found: list[Figure]) -> None:
    for group, names in wanted.items():
        if names:
            async for figure in GROUPS[group].figures(stage, names):
                found.append(figure)
                show(figure)


def main() -> None:
    wanted, found = chosen(sys.argv[1:]), []
    started = time.monotonic()
    load = os.getloadavg()[0]
    print(f"{machine()}; load {load:.1f} before the first figure")
    try:
        with staged() as stage:
            uvloop.run(measure(stage, wanted, found))
    finally:
        save(found)
    missed = [figure.name for figure in found if not figure.met]
    print(f"{len(found)} figures in {time.monotonic() - started:.0f} s -> {RESULTS}")
    if absent := [figure.name for figure in found if figure.value is None]:
        line = f" NOT MEASURED: {', '.join(absent)} "
        print(line.center(shutil.get_terminal_size().columns, "!"))
    if missed:
        print(f"missed: {', '.join(missed)}")


if __name__ == "__main__":
    main()
