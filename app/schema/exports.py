"""Exports of reports as files, and the input that requests one."""

from datetime import date, datetime
from enum import Enum
from typing import Annotated, Any
from uuid import UUID

import strawberry
from strawberry.types import Info

from app.db import exports as rows
from app.db import tables
from app.domain.access import Can
from app.domain.people.staff import MOST_STORES
from app.domain.reports.charts import Drawing
from app.domain.reports.export_failures import Failure
from app.domain.reports.exports import (
    WITHIN_DAYS,
    ExportGroupBy,
    Format,
    Report,
    file_name,
    link_of,
)
from app.schema import problems
from app.schema.arguments import at_most
from app.schema.sales_reports import GROUPS
from app.schema.topics import DocumentTopic
from app.schema.window import describe_values, window

strawberry.enum(Report, name="ExportReport", description="A report as a file or chart. 报表")
strawberry.enum(Format, name="ExportFormat", description="Format of an exported file. 文件格式")
strawberry.enum(ExportGroupBy, description="What the rows of an exported report stand for. 分组")
strawberry.enum(Failure, name="ExportFailure", description="Why an export failed. 失败原因")
describe_values(
    Report,
    {
        "SALES": "Sales less returns, as in `salesReport`. Needs SEE_REPORTS. 销售",
        "LOSSES": "Goods written off, missing or found in counts, as in `lossReport`. Needs "
        "SEE_COST. 损耗",
        "LEVELS": "The stock list: quantities, status and value of every level now. 库存",
        "MOVEMENTS": "Every line of the movements of a period, in the order of recording. 流水",
        "EXPIRY": "Batches in stock that have expired or expire soon, by days left. 临期",
        "STOCK_VALUE": "Stock value now, as in `stockValue`. Needs SEE_COST. 库存金额",
        "TURNOVER": "Stock turnover, as in `turnoverReport`. Needs SEE_COST. 周转",
        "SLOW_MOVERS": "Slow-moving goods, as in `slowMovers` with 30 and 90 days. Needs "
        "SEE_REPORTS. 滞销",
        "PRODUCTS": "The active products of the catalog, in columns that `previewImport` reads. "
        "Needs SEE_CATALOG. 商品资料",
        "REORDER_PLAN": "What to order now, as in `reorderPlan`, with the figures of each "
        "line. Needs SEE_REPORTS and SEE_SUPPLIERS. 补货计划",
        "SUPPLIERS": "Late and short deliveries, as in `supplierReport`. Needs SEE_COST and "
        "SEE_SUPPLIERS. 供应商",
        "STOCKTAKES": "Results of closed stocktakes, as in `stocktakeReport`, or the sheet of one: "
        "quantities expected and counted. Needs SEE_COST. 盘点",
        "OVERVIEW": "What each store holds, sold today and has waiting, as in `overview`. Needs "
        "SEE_REPORTS. 经营概览",
        "CHANNELS": "Orders and sales of each channel, as in `channelReport`. Needs SEE_REPORTS. "
        "渠道",
    },
)
describe_values(
    Format,
    {
        "XLSX": "A workbook of Excel, WPS or LibreOffice: data with totals, and a summary with "
        "charts. Excel 工作簿",
        "CSV": "Rows as text in UTF-8 with a byte order mark, for programs. CSV 文本",
        "JSONL": "One JSON object a line, for programs; only of `bulkQuery`. JSON Lines",
    },
)
describe_values(ExportGroupBy, {each.name: GROUPS[each.name] for each in ExportGroupBy})
describe_values(Failure, {each.name: f"{each.value[1]} {each.value[0]}" for each in Failure})


@strawberry.enum(description="State of an export. 导出状态")
class ExportState(Enum):
    QUEUED = strawberry.enum_value("QUEUED", description="Waits for a worker. 排队中")
    RUNNING = strawberry.enum_value("RUNNING", description="A worker is making the file. 导出中")
    READY = strawberry.enum_value("READY", description="Can be fetched at `url`. 可下载")
    FAILED = strawberry.enum_value("FAILED", description="Failed; `failure` says why. 失败")
    EXPIRED = strawberry.enum_value("EXPIRED", description="The file is deleted. 已过期")


@window(
    tables.Export,
    needs=Can.SEE_STOCK,
    stores=(),
    description="A report or a bulk query as a file; only its requester sees it. 导出",
)
class Export:
    id: UUID = strawberry.field(description="ID of the export.")
    progress: int = strawberry.field(description="Progress in percent, from 0 to 100. 进度")
    rows: int | None = strawberry.field(
        description="Number of rows; null until the file is ready. 行数"
    )
    size: int | None = strawberry.field(
        description="Size of the file in bytes; null until it is ready. 文件大小"
    )
    requested_at: datetime = strawberry.field(description="Time of the request. 申请时间")
    finished_at: datetime | None = strawberry.field(
        description="Time when it became ready or failed; null until then. 完成时间"
    )
    expires_at: datetime | None = strawberry.field(
        description="Time when `url` expires, an hour after the file is ready; null until then. "
        "过期时间"
    )

    @strawberry.field(description="Report in the file. 报表")
    def report(self, root: strawberry.Parent[tables.Export]) -> Report:
        return Report[root.report]

    @strawberry.field(description="Format of the file. 文件格式")
    def format(self, root: strawberry.Parent[tables.Export]) -> Format:
        return Format[root.format]

    @strawberry.field(description="State of the export. 状态")
    def state(self, root: strawberry.Parent[tables.Export]) -> ExportState:
        return ExportState[root.state]

    @strawberry.field(description="Name under which a browser saves the file. 文件名")
    def file_name(self, root: strawberry.Parent[tables.Export]) -> str:
        return file_name(root)

    @strawberry.field(
        description="Signed link to the file; anyone who has it can fetch the file until "
        "`expiresAt`. Null unless the export is READY. 下载链接"
    )
    def url(self, root: strawberry.Parent[tables.Export], info: Info) -> str | None:
        return link_of(info.context.app.exports, root, info.context.now)

    @strawberry.field(description="Why the export failed; null unless FAILED. 失败原因")
    def failure(self, root: strawberry.Parent[tables.Export]) -> Failure | None:
        return Failure[root.failure] if root.failure else None

    @strawberry.field(
        description="What went wrong and what to do, for people; null unless FAILED. 说明"
    )
    def failure_text(self, root: strawberry.Parent[tables.Export], info: Info) -> str | None:
        return Failure[root.failure].value[info.context.language == "en"] if root.failure else None


@window(
    Drawing,
    needs=Can.SEE_STOCK,
    stores=(),
    description="A report as an image, for chat robots and e-mail, which cannot draw one. 图表",
)
class Chart:
    title: str = strawberry.field(description="Title of the chart, with its unit. 标题")
    svg: str = strawberry.field(
        description="SVG document of 576 × 288 points, higher with many bars. Texts are outlines: "
        "it needs no Chinese font. 图片"
    )


EXPORTS = DocumentTopic(
    name="exports",
    type=Export,
    by_id=rows.exports_by_id,
    open=rows.open_exports,
    event="ExportChange",
    can=Can.SEE_STOCK,
    title="Exports",
    chinese="导出",
)
"""The feed of one export. Store feeds leave it out: only the person who requested it may see it."""


def export_key() -> Any:
    """The idempotency key of a request of a file."""
    return strawberry.field(
        description="UUID that you generate for this request. A retry by you with the same key "
        "and input returns the same export; any other use of the key fails with KeyReused. Keys "
        "are kept for 90 days. 幂等键"
    )


@strawberry.input(description="Input of `requestExport`. 导出")
class RequestExportInput:
    key: UUID = export_key()
    report: Report = strawberry.field(description="Report to export. 报表")
    format: Format = strawberry.field(
        default=Format.XLSX, description="XLSX or CSV; XLSX by default. 文件格式"
    )
    store_ids: list[UUID] | None = strawberry.field(
        default=None,
        description="Export only these stores; all your stores by default. Stores that you may "
        "not see are left out. 门店",
        metadata=at_most(MOST_STORES),
    )
    since: date | None = strawberry.field(
        default=None,
        description="First day of the period; required for SALES, LOSSES, MOVEMENTS, TURNOVER, "
        "SUPPLIERS and CHANNELS, and for STOCKTAKES without `stocktakeId`. The other reports are "
        "as of now and ignore it. 开始日期",
    )
    until: date | None = strawberry.field(
        default=None,
        description="Last day of the period, included; the period has at most 366 days. 结束日期",
    )
    group_by: ExportGroupBy | None = strawberry.field(
        default=None,
        description="What the rows stand for. SALES: any but REASON and PERSON, DAY by default. "
        "LOSSES: any but HOUR and CHANNEL, REASON by default. STOCK_VALUE: STORE, CATEGORY or "
        "PRODUCT, STORE by default. TURNOVER: also DAY, WEEK or MONTH. SUPPLIERS: as TURNOVER or "
        "SUPPLIER, the default. STOCKTAKES: as TURNOVER or STOCKTAKE, the default. CHANNELS: "
        "STORE, CHANNEL, DAY, WEEK or MONTH, STORE by default. Other reports are not grouped. 分组",
    )
    category_id: UUID | None = strawberry.field(
        default=None,
        description="Export only products of this category and of those below it. 分类",
    )
    stocktake_id: UUID | None = strawberry.field(
        default=None,
        description="STOCKTAKES: export only this stocktake; by PRODUCT it is its sheet. Other "
        "reports ignore it. 盘点",
    )
    within_days: int = strawberry.field(
        default=WITHIN_DAYS,
        description="EXPIRY: export expired batches and those that expire within this number of "
        "days, from 0 to 3650; 30 by default. Other reports ignore it. 到期天数",
    )


RequestExportResult = Annotated[
    Export | problems.UnknownStore | problems.KeyReused,
    strawberry.union(
        "RequestExportResult", description="The export, or the problem that prevented it."
    ),
]
