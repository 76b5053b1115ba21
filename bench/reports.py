"""Reports of 200 stores over two years of roll-ups, and pages of a million levels."""

import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from app.db import stock as levels
from app.db.analytics import Choice
from app.db.core.paging import Span
from app.db.core.unit import Database
from app.db.flow_reports import FlowFilter
from app.db.reports import ChannelFilter
from app.db.stock import LevelFilter
from app.db.stock_values import KEYS, StockFilter
from app.domain.reports import documents, flows, stock
from app.domain.reports.analytics import analytics
from app.domain.reports.channels import channel_figures
from app.domain.reports.overview import overview_of
from app.domain.reports.reorders import reorder_plan
from app.domain.rules.metrics import Dimension, Metric
from app.domain.rules.periods import Comparison, Period
from app.domain.rules.reordering import COVER_DAYS
from bench.measure import Figure, median
from bench.report_data import Chain, keep_all_sums, kept_chain
from bench.stage import Stage, unheard

FIGURES = (
    "overview_ms",
    "month_report_ms",
    "slow_movers_ms",
    "reorder_plan_ms",
    "analytics_ms",
    "level_page_ms",
    "levels_since_ms",
)
ROUNDS = 5
FIRST = 50
Read = Callable[[Any], Awaitable[Any]]


async def figures(stage: Stage, wanted: Sequence[str]) -> AsyncIterator[Figure]:
    """The slowest question of each kind; every figure is the median of some rounds."""
    async with kept_chain() as (urls, chain):
        db = Database(urls.database, unheard)
        await keep_all_sums(urls, db, chain)
        for name, questions in of(chain).items():
            if name in wanted:
                took = {each: await timed(db, chain, read) for each, read in questions.items()}
                slowest = max(took.values())
                text = ", ".join(f"{each} {ms:.3g}" for each, ms in took.items())
                yield Figure(name, slowest, f"{len(chain.stores)} stores, ms: {text}")
        await db.close()


async def timed(db: Database, chain: Chain, read: Read) -> float:
    """Milliseconds of a question, the first of which is not counted."""
    took = []
    for _ in range(ROUNDS + 1):
        async with db.read(chain.tenant) as session:
            started = time.perf_counter()
            await read(session)
            took.append((time.perf_counter() - started) * 1e3)
    return median(took[1:])


def of(chain: Chain) -> dict[str, dict[str, Read]]:
    """The questions of each figure, about a whole month of all stores."""
    tenant, stores = chain.tenant, chain.stores
    month = Period(chain.last_day - timedelta(days=30), chain.last_day - timedelta(days=1))
    sums, goods = FlowFilter(stores, month), StockFilter(stores)
    year = Comparison.PREVIOUS_YEAR

    def sales(group: str, compare: Comparison | None = None) -> Read:
        return lambda db: flows.sales_report(db, tenant, sums, group, compare, FIRST)

    def losses(group: str) -> Read:
        return lambda db: flows.loss_report(db, tenant, sums, group, None, FIRST)

    def turnover(group: str) -> Read:
        return lambda db: stock.turnover_report(db, tenant, goods, month, group, None, FIRST)

    def values(group: str) -> Read:
        return lambda db: stock.stock_value(db, tenant, goods, group, None, None, FIRST)

    def expiring(group: str) -> Read:
        return lambda db: stock.expiry_report(db, tenant, goods, 30, group, FIRST)

    reports = {f"sales by {group.name}": sales(group.name) for group in flows.GroupBy}
    reports["sales by DAY against last year"] = sales("DAY", year)
    reports["sales by PRODUCT against last year"] = sales("PRODUCT", year)
    reports |= {f"losses by {group.name}": losses(group.name) for group in flows.LossGroupBy}
    reports |= {f"turnover by {group.name}": turnover(group.name) for group in stock.StockGroupBy}
    reports |= {f"value by {group}": values(group) for group in KEYS}
    reports |= {f"expiry by {group.name}": expiring(group.name) for group in stock.ExpiryGroupBy}
    reports["channels"] = lambda db: channel_figures(db, tenant, ChannelFilter(stores, *month))
    reports["suppliers"] = lambda db: documents.supplier_report(
        db, tenant, stores, month, "SUPPLIER", None, None, FIRST
    )
    reports["stocktakes"] = lambda db: documents.stocktake_report(
        db, tenant, stores, month, None, "PRODUCT", None, FIRST
    )
    return {
        "overview_ms": {"overview": lambda db: overview_of(db, tenant, stores)},
        "month_report_ms": reports,
        "slow_movers_ms": {
            "slow movers": lambda db: stock.slow_movers(
                db, tenant, goods, stock.USUAL_DAYS, stock.USUAL_COVER, FIRST
            )
        },
        "reorder_plan_ms": {
            "reorder plan": lambda db: reorder_plan(db, tenant, goods, None, COVER_DAYS, FIRST)
        },
        "analytics_ms": analytics_of(chain, month),
        "level_page_ms": pages_of(chain),
        "levels_since_ms": since_of(chain),
    }


def analytics_of(chain: Chain, month: Period) -> dict[str, Read]:
    metrics = [Metric.REVENUE, Metric.MARGIN_PERCENT, Metric.LOSS]
    every = Choice(chain.stores, month, None)

    def asked(*dimensions: Dimension) -> Read:
        return lambda db: analytics(db, chain.tenant, every, metrics, dimensions, None, FIRST)

    return {
        "by STORE and WEEKDAY": asked(Dimension.STORE, Dimension.WEEKDAY),
        "by CATEGORY and DAY": asked(Dimension.CATEGORY, Dimension.DAY),
        "by PRODUCT": asked(Dimension.PRODUCT),
    }


def pages_of(chain: Chain) -> dict[str, Read]:
    def page(sort: str = "NAME", stores: Any = None, **filter: Any) -> Read:
        chosen = LevelFilter(stores or chain.stores, **filter)
        return lambda db: levels.levels(db, chain.tenant, chosen, sort, True, Span(FIRST))

    return {
        "all": page(),
        "LOW": page(status="LOW"),
        "OVERSTOCKED": page(status="OVERSTOCKED"),
        "searched": page(search="sku-4321"),
        "archived": page(archived=True),
        "of one store": page(stores=chain.stores[:1]),
        "LOW of one store": page(stores=chain.stores[:1], status="LOW"),
        "one store by AVAILABLE": page("AVAILABLE", chain.stores[:1]),
        "by AVAILABLE": page("AVAILABLE"),
    }


def since_of(chain: Chain) -> dict[str, Read]:
    def page(since: datetime) -> Read:
        chosen = LevelFilter(chain.stores, updated_since=since, archived=None)
        return lambda db: levels.levels(db, chain.tenant, chosen, "NAME", True, Span(FIRST))

    now = datetime.now(UTC)
    return {
        "a minute ago": page(now - timedelta(minutes=1)),
        "a day ago": page(now - timedelta(days=1)),
        "two weeks ago": page(now - timedelta(days=14)),
    }
