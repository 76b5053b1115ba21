"""Subscriptions to monthly reports, and the inputs that create and end them."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

import strawberry

from app.domain.access import Can
from app.domain.people.staff import MOST_STORES
from app.domain.reports.exports import WITHIN_DAYS, ExportGroupBy, Format, Report
from app.domain.reports.monthly import Subscribed
from app.schema import problems
from app.schema.arguments import at_most
from app.schema.exports import Export
from app.schema.notices import UnknownNotification
from app.schema.window import as_window, window


@window(
    Subscribed,
    needs=Can.RECEIVE_MESSAGES,
    stores=(),
    description="A report that you receive each month; only you see it. 月度报表订阅",
)
class ReportSubscription:
    @strawberry.field(description="ID of the subscription.")
    def id(self, root: strawberry.Parent[Subscribed]) -> UUID:
        return root.subscription.id

    @strawberry.field(description="Report that is sent. 报表")
    def report(self, root: strawberry.Parent[Subscribed]) -> Report:
        return Report[root.subscription.report]

    @strawberry.field(description="Format of the file. 文件格式")
    def format(self, root: strawberry.Parent[Subscribed]) -> Format:
        return Format[root.subscription.format]

    @strawberry.field(
        description="IDs of the stores in the report; null for all stores that you may see when "
        "it is made. 门店"
    )
    def store_ids(self, root: strawberry.Parent[Subscribed]) -> list[UUID] | None:
        return root.subscription.stores

    @strawberry.field(description="What the rows stand for; null for the report's default. 分组")
    def group_by(self, root: strawberry.Parent[Subscribed]) -> ExportGroupBy | None:
        group = root.subscription.choice["groupBy"]
        return ExportGroupBy[group] if group else None

    @strawberry.field(
        description="The file of the latest month; null before the first one, and right after "
        "subscribing. 最近一期"
    )
    def latest(self, root: strawberry.Parent[Subscribed]) -> Export | None:
        return as_window(root.latest)

    @strawberry.field(description="Time when you subscribed. 订阅时间")
    def created_at(self, root: strawberry.Parent[Subscribed]) -> datetime:
        return root.subscription.created_at

    @strawberry.field(description="Time when it ended; null while it is in force. 取消时间")
    def ended_at(self, root: strawberry.Parent[Subscribed]) -> datetime | None:
        return root.subscription.ended_at


@strawberry.input(description="Input of `subscribeReport`. 订阅月度报表")
class SubscribeReportInput:
    key: UUID = strawberry.field(
        description="UUID that you generate for this request. A retry by you with the same key "
        "and input returns the same subscription; any other use of the key fails with KeyReused. "
        "Keys are kept for 90 days. 幂等键"
    )
    report: Report = strawberry.field(
        description="Report to receive. It covers the previous month, or shows the stock when it "
        "is made. 报表"
    )
    format: Format = strawberry.field(
        default=Format.XLSX, description="Format of the file; XLSX by default. 文件格式"
    )
    store_ids: list[UUID] | None = strawberry.field(
        default=None,
        description="Report only on these stores; by default on all that you may see when it is "
        "made. 门店",
        metadata=at_most(MOST_STORES),
    )
    group_by: ExportGroupBy | None = strawberry.field(
        default=None, description="What the rows stand for, as in `requestExport`. 分组"
    )
    category_id: UUID | None = strawberry.field(
        default=None,
        description="Report only on products of this category and of those below it. 分类",
    )
    within_days: int = strawberry.field(
        default=WITHIN_DAYS,
        description="EXPIRY: report on expired batches and those that expire within this number "
        "of days, from 0 to 3650; 30 by default. 到期天数",
    )


@strawberry.input(description="Input of `unsubscribeReport`. 取消订阅")
class UnsubscribeReportInput:
    key: UUID = strawberry.field(
        description="UUID that you generate for this request; a retry with the same key and input "
        "returns the first answer. Keys are kept for 90 days. 幂等键"
    )
    subscription_id: UUID = strawberry.field(description="ID of the subscription. 订阅")


SubscribeReportResult = Annotated[
    ReportSubscription | problems.UnknownStore | problems.KeyReused,
    strawberry.union(
        "SubscribeReportResult",
        description="The subscription, or the problem that prevented it.",
    ),
]
UnsubscribeReportResult = Annotated[
    ReportSubscription | UnknownNotification | problems.KeyReused,
    strawberry.union(
        "UnsubscribeReportResult",
        description="The ended subscription, or the problem that prevented the change.",
    ),
]
