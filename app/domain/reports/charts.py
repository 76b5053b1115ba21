"""Charts of reports as SVG, for where no client draws: chat robots and e-mail."""

from collections.abc import Awaitable, Callable
from typing import NamedTuple

from app.db.core.snapshot import AnySession
from app.db.core.unit import Database
from app.domain import access
from app.domain.access import Viewer
from app.domain.errors import Malformed
from app.domain.reports.columns import Chart, ExportScope, scope_of
from app.domain.reports.export_documents import stocktakes, suppliers
from app.domain.reports.export_expiry import expiry_chart
from app.domain.reports.export_overview import channels_chart, overview_chart
from app.domain.reports.export_rights import sees_cost
from app.domain.reports.export_sales import losses, sales
from app.domain.reports.export_stock import levels_chart
from app.domain.reports.export_turnover import stock_value, turnover
from app.domain.reports.exports import Report, ReportChoice, check_choice
from app.platforms import charts

CHARTS: dict[Report, Callable[[AnySession, ExportScope], Awaitable[Chart]]] = {
    Report.SALES: sales.chart,
    Report.LOSSES: losses.chart,
    Report.LEVELS: levels_chart,
    Report.STOCK_VALUE: stock_value.chart,
    Report.TURNOVER: turnover.chart,
    Report.EXPIRY: expiry_chart,
    Report.SUPPLIERS: suppliers.chart,
    Report.STOCKTAKES: stocktakes.chart,
    Report.OVERVIEW: overview_chart,
    Report.CHANNELS: channels_chart,
}
EMPTY = "没有数据", "No data"


class Drawing(NamedTuple):
    """A chart: its title and its SVG."""

    title: str
    svg: str


async def chart_of(
    db: Database, viewer: Viewer, choice: ReportChoice, language: str
) -> Drawing | None:
    """The chart of a report, with what the viewer may see; None if it is of none of their stores.

    Raises Denied and Malformed.
    """
    check_choice(viewer, choice)
    points_of = CHARTS.get(choice.report)
    if points_of is None:
        names = ", ".join(report.name for report in CHARTS)
        raise Malformed("report", "该报表没有图表", f"These reports have a chart: {names}.")
    stores = access.within(viewer, choice.report.can, choice.store_ids)
    if not stores:
        return None
    with_cost = sees_cost(viewer, stores)
    # A snapshot of its own: no connection waits until the chart is drawn.
    async with db.snapshot() as snapshot, snapshot.read(viewer.tenant) as session:
        scope = await scope_of(session, viewer.tenant, stores, with_cost, language, choice.stored())
        chart = (await points_of(session, scope)).described(scope)
    return Drawing(chart["title"], await charts.draw({**chart, "empty": scope.text(EMPTY)}))
