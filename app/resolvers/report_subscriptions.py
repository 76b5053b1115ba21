"""Roots of monthly reports."""

import strawberry
from strawberry.types import Info

from app.domain.access import Can
from app.domain.reports import monthly
from app.domain.reports.exports import ExportRequest, ReportChoice
from app.domain.reports.monthly import Subscribed
from app.resolvers.roots import root
from app.schema import report_subscriptions as types


@strawberry.type
class ReportSubscriptionsQuery:
    @root(
        Can.RECEIVE_MESSAGES,
        list[types.ReportSubscription],
        description="List the monthly reports that you are subscribed to, with the latest file of "
        "each. 我订阅的报表",
    )
    async def report_subscriptions(self, info: Info) -> list[Subscribed]:
        viewer = info.context.viewer
        async with info.context.snapshot.read(viewer.tenant) as session:
            return await monthly.subscribed(session, viewer)


def choice_of(input: types.SubscribeReportInput) -> ReportChoice:
    """The report that the input chooses: each time of the month that is over."""
    return ReportChoice(
        input.report,
        input.store_ids,
        None,
        None,
        input.group_by,
        input.category_id,
        input.within_days,
    )


@strawberry.type
class ReportSubscriptionsMutation:
    @root(
        Can.RECEIVE_MESSAGES,
        types.SubscribeReportResult,
        description="Receive a report each month, as a file with a link of seven days. It is made "
        "on the first day of a month from 8:00 on, with what you may see then, and sent to your "
        "own targets; WeChat, Douyin or SMS say without a link that it is ready. The report's own "
        "permission is needed as well. At most 20. 订阅月度报表",
    )
    async def subscribe_report(self, info: Info, input: types.SubscribeReportInput) -> Subscribed:
        context, request = info.context, ExportRequest(input.key, input.format, choice_of(input))
        db, origin = context.app.db, context.origin
        return Subscribed(
            await monthly.subscribe(db, context.viewer, request, context.language, origin)
        )

    @root(
        Can.RECEIVE_MESSAGES,
        types.UnsubscribeReportResult,
        description="End a subscription of yours; its files can be fetched until their links "
        "expire. 取消订阅",
    )
    async def unsubscribe_report(
        self, info: Info, input: types.UnsubscribeReportInput
    ) -> Subscribed:
        db, viewer = info.context.app.db, info.context.viewer
        return Subscribed(await monthly.unsubscribe(db, viewer, input.key, input.subscription_id))
