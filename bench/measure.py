"""Figures: what is measured, the bar each must meet, CPU and memory of processes, the results."""

import json
import platform
import statistics
import subprocess
import sys
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import psutil

RESULTS = Path(__file__).parent / "results.json"
MIB = 1024 * 1024


@dataclass(frozen=True)
class Bar:
    """`sign` says how a figure must compare with `value`: by default at most equal to it."""

    value: float
    unit: str
    sign: str = "<="

    def met(self, value: float) -> bool:
        return {"<=": value <= self.value, ">=": value >= self.value, "=": value == self.value}[
            self.sign
        ]


BARS = {
    "lane_1": Bar(0.45, "x", ">="),
    "lane_32": Bar(1.0, "x", ">="),
    "lane_256": Bar(2.0, "x", ">="),
    "lane_cpu_us": Bar(150, "µs"),
    "lane_cpu_vs_pgbench": Bar(0.6, "x"),
    "lane_hot_64": Bar(15, "x", ">="),
    "fefo_1": Bar(2, "x"),
    "fefo_100": Bar(2.5, "x"),
    "dish_8": Bar(3, "x"),
    "dish_hot": Bar(5, "x", ">="),
    "menu_ms": Bar(20, "ms"),
    "menu_unwatched": Bar(1.1, "x"),
    "sell_vs_lane": Bar(1.6, "x"),
    "order_vs_lane": Bar(1.6, "x"),
    "sell_vs_vendure": Bar(40, "x", ">="),
    "barcode_vs_bare": Bar(1.3, "x"),
    "barcode_vs_vendure": Bar(20, "x", ">="),
    "list50_vs_vendure": Bar(40, "x", ">="),
    "storefront_vs_vendure": Bar(300, "x", ">="),
    "tiny_vs_bare": Bar(1.15, "x"),
    "list50x8_vs_bare": Bar(0.6, "x"),
    "mutation_vs_bare": Bar(1.5, "x"),
    "order_vs_vendure": Bar(150, "x", ">="),
    "order_vs_saleor": Bar(300, "x", ">="),
    "oversell": Bar(100, "holds", "="),
    "sync_1000_s": Bar(2, "s"),
    "import_preview_s": Bar(5, "s"),
    "import_commit_s": Bar(20, "s"),
    "expire_10k_ms": Bar(50, "ms"),
    "stocktake_open": Bar(8, "x"),
    "stocktake_open_20k": Bar(1, "s"),
    "count_vs_unit": Bar(1, "x"),
    "count_p99_ms": Bar(300, "ms"),
    "close_vs_lane": Bar(8, "x"),
    "close_5000_s": Bar(3, "s"),
    "close_delay_ms": Bar(50, "ms"),
    "as_of_vs_levels": Bar(3, "x"),
    "as_of_level_ms": Bar(2, "ms"),
    "as_of_store_ms": Bar(50, "ms"),
    "as_of_tenant_s": Bar(3, "s"),
    "growth_sale_x": Bar(1.2, "x"),
    "growth_read_x": Bar(1.2, "x"),
    "deliver_vs_bare": Bar(0.8, "x"),
    "deliver_1000_vs_bare": Bar(0.8, "x"),
    "deliver_5000_vs_bare": Bar(0.8, "x"),
    "live_p99_ms": Bar(150, "ms"),
    "live_max_ms": Bar(1000, "ms"),
    "fanout_10k_ms": Bar(500, "ms"),
    "fanout_10k_http_ms": Bar(100, "ms"),
    "feeds_p99_ms": Bar(150, "ms"),
    "export_100k_s": Bar(15, "s"),
    "export_100k_mib": Bar(200, "MiB"),
    "export_sale_x": Bar(1.1, "x"),
    "overview_ms": Bar(100, "ms"),
    "month_report_ms": Bar(300, "ms"),
    "slow_movers_ms": Bar(300, "ms"),
    "reorder_plan_ms": Bar(300, "ms"),
    "analytics_ms": Bar(500, "ms"),
    "level_page_ms": Bar(5, "ms"),
    "levels_since_ms": Bar(5, "ms"),
    "alert_sale_x": Bar(1.15, "x"),
    "alert_raising_sale_x": Bar(1.15, "x"),
    "rollup_sale_x": Bar(1.05, "x"),
    "alert_frame_p99_ms": Bar(150, "ms"),
    "alert_provider_s": Bar(5, "s"),
    "deliver_10k_s": Bar(60, "s"),
    "scan_1m_s": Bar(60, "s"),
    "scan_1m_mib": Bar(300, "MiB"),
    "scan_sale_x": Bar(1.1, "x"),
    "idle_mib": Bar(120, "MiB"),
    "subscriber_kib": Bar(28, "KiB"),
    "soak_mib": Bar(2, "MiB"),
    "start_warm_s": Bar(2, "s"),
}


@dataclass(frozen=True)
class Figure:
    """One measured value; None when it could not be measured, and `baseline` says why."""

    name: str
    value: float | None
    baseline: str

    @property
    def met(self) -> bool:
        return self.value is not None and BARS[self.name].met(self.value)

    def row(self) -> dict[str, object]:
        bar = BARS[self.name]
        return {
            "name": self.name,
            "value": None if self.value is None else round(self.value, 3),
            "unit": bar.unit,
            "bar": f"{bar.sign} {bar.value:g}",
            "met": self.met,
            "baseline": self.baseline,
            "command": f"make bench ARGS={self.name}",
            "machine": machine(),
            "at": datetime.now(UTC).isoformat(timespec="seconds"),
        }


def machine() -> str:
    model = next(
        (
            line.split(":")[1].strip()
            for line in Path("/proc/cpuinfo").read_text().splitlines()
            if line.startswith("model name")
        ),
        platform.machine(),
    )
    memory = psutil.virtual_memory().total / MIB / 1024
    return (
        f"{psutil.cpu_count()} x {model}, {memory:.0f} GiB, Linux {platform.release()}, "
        f"CPython {platform.python_version()}"
    )


def save(figures: Iterable[Figure]) -> None:
    """Puts these figures in place of earlier ones of the same name."""
    kept = {row["name"]: row for row in json.loads(RESULTS.read_text())} if has_results() else {}
    kept |= {figure.name: figure.row() for figure in figures}
    rows = [kept[name] for name in BARS if name in kept]
    RESULTS.write_text(json.dumps(rows, ensure_ascii=False, indent=1) + "\n")


def has_results() -> bool:
    return RESULTS.exists()


def show(figure: Figure) -> None:
    row = figure.row()
    value = "NOT MEASURED" if figure.value is None else f"{figure.value:,.3g} {row['unit']}"
    verdict = "met" if figure.met else "MISSED"
    print(f"{figure.name:<18} {value:>14}  {row['bar']!s:>8}  {verdict:<6}  {figure.baseline}")
    sys.stdout.flush()


def tree(pids: Iterable[int]) -> list[psutil.Process]:
    found: list[psutil.Process] = []
    for pid in pids:
        root = psutil.Process(pid)
        found += [root, *root.children(recursive=True)]
    return found


def cpu(pids: Iterable[int]) -> float:
    """CPU seconds of these processes, their descendants, and those already reaped."""
    total = 0.0
    for process in tree(pids):
        with suppress(psutil.NoSuchProcess):
            total += sum(process.cpu_times()[:4])
    return total


def pss(pids: Iterable[int]) -> float:
    """Proportional set size in bytes: shared pages are split among those who share them."""
    return sum(process.memory_full_info().pss for process in tree(pids))


def rss(pid: int) -> int:
    return psutil.Process(pid).memory_info().rss


def median(values: Iterable[float]) -> float:
    return statistics.median(values)


def run(*command: str, **more) -> str:
    """Runs a program to its end and gives what it printed. Raises with what went wrong."""
    done = subprocess.run(command, capture_output=True, text=True, check=False, **more)
    if done.returncode:
        raise RuntimeError(f"{command[0]} failed:\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
    return done.stdout
