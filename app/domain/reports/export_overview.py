"""Exports of the owner's overview, and of what the channels did."""

from collections import Counter
from collections.abc import AsyncIterator
from typing import Any

from app.db.core.snapshot import AnySession
from app.db.reports import ChannelFilter
from app.domain.reports.channels import Figures, channel_figures
from app.domain.reports.columns import Chart, Column, ExportScope, ExportTable, Row, fen, yuan
from app.domain.reports.export_groups import CHANNELS, KEYS, SHAPES
from app.domain.reports.export_stock import PAGE
from app.domain.reports.overview import StoreOverview, overview_of

REVENUE = "销售额（元）", "Revenue (CNY)"
OVERVIEW = [
    *KEYS["STORE"],
    Column("revenue", ("今日销售额", "Revenue today"), "MONEY", total=True),
    Column("usual", ("同期平均销售额", "Usual revenue"), "MONEY", total=True),
    Column("value", ("库存金额", "Stock value"), "MONEY", total=True, cost=True),
    Column("at_risk", ("临期金额", "Value at risk"), "MONEY", total=True, cost=True),
    Column("products", ("在库商品数", "Products in stock"), "COUNT", total=True),
    Column("low", ("低库存数", "Low"), "COUNT", total=True),
    Column("out", ("断货数", "Out of stock"), "COUNT", total=True),
    Column("alerts", ("未处理预警", "Open alerts"), "COUNT", total=True),
    Column("write_offs", ("待审批报损", "Write-offs to decide"), "COUNT", total=True),
    Column("transfers", ("待收货调拨", "Transfers to receive"), "COUNT", total=True),
    Column("purchase_orders", ("待收货采购单", "Purchase orders"), "COUNT", total=True),
    Column("orders", ("待处理订单", "Orders"), "COUNT", total=True),
]
OF_CHANNELS = [
    Column("channel", ("渠道", "Channel")),
    Column("placed", ("下单数", "Orders placed"), "COUNT", total=True),
    Column("paid", ("付款数", "Paid"), "COUNT", total=True),
    Column("fulfilled", ("完成数", "Fulfilled"), "COUNT", total=True),
    Column("cancelled", ("取消数", "Cancelled"), "COUNT", total=True),
    Column("expired", ("超时数", "Expired"), "COUNT", total=True),
    Column("revenue", ("销售额", "Revenue"), "MONEY", total=True),
    Column("cost", ("成本", "Cost"), "MONEY", total=True, cost=True),
    Column("margin", ("毛利", "Margin"), "MONEY", total=True, cost=True),
]


async def overview(session: AnySession, scope: ExportScope) -> ExportTable:
    """What each store holds, sold today and has waiting, as in `overview`."""
    stores = (await overview_of(session, scope.tenant, scope.stores)).stores
    rows = [_store(scope, each) for each in stores]
    return _table(scope.columns(OVERVIEW), rows, _today(scope, stores))


async def overview_chart(session: AnySession, scope: ExportScope) -> Chart:
    """What each store sold today."""
    return _today(scope, (await overview_of(session, scope.tenant, scope.stores)).stores)


def _today(scope: ExportScope, stores: list[StoreOverview]) -> Chart:
    title = "今日销售额（元）", "Revenue today (CNY)"
    points = [(scope.names[each.store_id].name, each.sales.revenue * 100) for each in stores]
    return Chart("BAR", title, (("门店", "Store"), REVENUE), scope.largest(points))


def _store(scope: ExportScope, each: StoreOverview) -> dict[str, Any]:
    store = scope.names[each.store_id]
    assert each.waiting is not None, "the overview is of now"
    counts = {**each.stock._asdict(), **each.waiting._asdict()}
    return {
        **{name: str(count) for name, count in counts.items()},
        "code": store.code,
        "key": store.name,
        "revenue": fen(each.sales.revenue),
        "usual": fen(each.usual),
        "value": yuan(each.stock.value),
        "at_risk": yuan(each.at_risk),
    }


async def channels(session: AnySession, scope: ExportScope) -> ExportTable:
    """The orders and sales of each channel, grouped like `channelReport`."""
    group = scope.group_by or "STORE"
    figures = await channel_figures(session, scope.tenant, _filter(scope))
    columns = [*(KEYS[group] if group != "CHANNEL" else []), *OF_CHANNELS]
    rows = [_channel(scope, each) for each in figures]
    return _table(scope.columns(columns), rows, _chart(scope, figures))


async def channels_chart(session: AnySession, scope: ExportScope) -> Chart:
    """What each channel sold in the period."""
    return _chart(scope, await channel_figures(session, scope.tenant, _filter(scope)))


def _filter(scope: ExportScope) -> ChannelFilter:
    return ChannelFilter(scope.stores, *scope.period, scope.group_by or "STORE")


def _channel(scope: ExportScope, each: Figures) -> dict[str, Any]:
    store = scope.names[each.store_id] if each.store_id else None
    return {
        **{name: str(count) for name, count in each.ordered._asdict().items()},
        "code": store and store.code,
        "key": store.name if store else str(each.day),
        "channel": scope.text(CHANNELS[each.key.channel]),
        "revenue": fen(each.revenue),
        "cost": yuan(each.cost),
        "margin": yuan(each.revenue * 100 - each.cost),
    }


def _chart(scope: ExportScope, figures: list[Figures]) -> Chart:
    sold: Counter[str] = Counter()
    for each in figures:
        sold[scope.text(CHANNELS[each.key.channel])] += each.revenue * 100
    title = "各渠道销售额（元）", "Revenue by channel (CNY)"
    return Chart(SHAPES["CHANNEL"], title, (("渠道", "Channel"), REVENUE), [*sold.items()])


def _table(columns: list[Column], rows: list[dict[str, Any]], chart: Chart) -> ExportTable:
    async def pages() -> AsyncIterator[list[Row]]:
        for start in range(0, len(rows), PAGE):
            part = rows[start : start + PAGE]
            yield [[row[column.name] for column in columns] for row in part]

    return ExportTable(columns, pages(), lambda: [chart], len(rows))
