"""The verbs: every topic's roots, merged into one schema."""

import warnings

from strawberry.tools import merge_types

from app.resolvers.alert_rules import AlertRulesMutation, AlertRulesQuery
from app.resolvers.alerts import AlertsMutation, AlertsQuery
from app.resolvers.analytics import AnalyticsQuery
from app.resolvers.approvals import ApprovalsMutation, ApprovalsQuery
from app.resolvers.assortment import AssortmentMutation
from app.resolvers.audit_log import AuditLogQuery
from app.resolvers.batches import BatchesQuery
from app.resolvers.bulk import BulkMutation
from app.resolvers.catalog import CatalogMutation, CatalogQuery, PrintingQuery
from app.resolvers.categories import CategoriesMutation, CategoriesQuery
from app.resolvers.channel_accounts import ShopsMutation, ShopsQuery
from app.resolvers.channels import ChannelsMutation, ChannelsQuery
from app.resolvers.customers import CustomersMutation, CustomersQuery
from app.resolvers.document_reports import DocumentReportsQuery
from app.resolvers.escalations import EscalationsMutation
from app.resolvers.exports import ExportsMutation, ExportsQuery, ExportsSubscription
from app.resolvers.feed import FeedSubscription, TopicsSubscription
from app.resolvers.health import HealthQuery
from app.resolvers.history import HistoryQuery
from app.resolvers.identity import IdentityMutation, IdentityQuery
from app.resolvers.images import ImagesMutation
from app.resolvers.imports import ImportsMutation, ImportsQuery, ImportsSubscription
from app.resolvers.markdowns import MarkdownsMutation
from app.resolvers.menu import MenuMutation, MenuQuery
from app.resolvers.notices import NoticesMutation, NoticesQuery
from app.resolvers.orders import OrdersMutation, OrdersQuery, OrdersSubscription
from app.resolvers.passes import PassesMutation, PassesQuery
from app.resolvers.purchases import PurchasesMutation, PurchasesQuery
from app.resolvers.recipes import RecipesMutation
from app.resolvers.registered_operations import (
    RegisteredOperationsMutation,
    RegisteredOperationsQuery,
)
from app.resolvers.reorders import ReordersQuery
from app.resolvers.report_subscriptions import (
    ReportSubscriptionsMutation,
    ReportSubscriptionsQuery,
)
from app.resolvers.reports import ReportsQuery
from app.resolvers.roots import describe_directive, is_for_guests, undeclared
from app.resolvers.sales import SalesMutation, SalesQuery
from app.resolvers.scans import ScansMutation, ScansQuery, ScansSubscription
from app.resolvers.sessions import SessionsMutation, SessionsQuery
from app.resolvers.sms import SmsMutation, SmsQuery
from app.resolvers.stock import StockMutation, StockQuery
from app.resolvers.stock_reports import StockReportsQuery
from app.resolvers.stocktakes import (
    StocktakesMutation,
    StocktakesQuery,
    StocktakesSubscription,
)
from app.resolvers.storefront import StorefrontQuery
from app.resolvers.subscriptions import SubscriptionsMutation, SubscriptionsQuery
from app.resolvers.tills import TillsMutation, TillsQuery
from app.resolvers.transfers import TransfersMutation, TransfersQuery
from app.resolvers.units import UnitsMutation
from app.resolvers.webhooks import WebhooksMutation, WebhooksQuery
from app.resolvers.writeoffs import WriteOffsMutation, WriteOffsQuery
from app.schema import boundary
from app.schema.contract import build_schema
from app.schema.window import definition

with warnings.catch_warnings():
    # Two topics with one field name would hide one of them.
    warnings.simplefilter("error")
    Query = merge_types(
        "Query",
        (
            IdentityQuery,
            SessionsQuery,
            CatalogQuery,
            CategoriesQuery,
            ImportsQuery,
            StockQuery,
            StockReportsQuery,
            DocumentReportsQuery,
            ReordersQuery,
            AnalyticsQuery,
            SalesQuery,
            TillsQuery,
            BatchesQuery,
            StorefrontQuery,
            MenuQuery,
            ChannelsQuery,
            ShopsQuery,
            OrdersQuery,
            TransfersQuery,
            AlertsQuery,
            AlertRulesQuery,
            NoticesQuery,
            WebhooksQuery,
            RegisteredOperationsQuery,
            SubscriptionsQuery,
            SmsQuery,
            PurchasesQuery,
            PassesQuery,
            WriteOffsQuery,
            ApprovalsQuery,
            StocktakesQuery,
            ScansQuery,
            HistoryQuery,
            PrintingQuery,
            ReportsQuery,
            ExportsQuery,
            ReportSubscriptionsQuery,
            AuditLogQuery,
            HealthQuery,
            CustomersQuery,
        ),
    )
    Mutation = merge_types(
        "Mutation",
        (
            IdentityMutation,
            SessionsMutation,
            AssortmentMutation,
            MarkdownsMutation,
            CatalogMutation,
            CategoriesMutation,
            BulkMutation,
            ScansMutation,
            ImagesMutation,
            ImportsMutation,
            UnitsMutation,
            RecipesMutation,
            MenuMutation,
            ChannelsMutation,
            ShopsMutation,
            StockMutation,
            SalesMutation,
            TillsMutation,
            OrdersMutation,
            TransfersMutation,
            AlertsMutation,
            AlertRulesMutation,
            NoticesMutation,
            WebhooksMutation,
            RegisteredOperationsMutation,
            EscalationsMutation,
            SubscriptionsMutation,
            SmsMutation,
            PurchasesMutation,
            PassesMutation,
            WriteOffsMutation,
            ApprovalsMutation,
            StocktakesMutation,
            ExportsMutation,
            ReportSubscriptionsMutation,
            CustomersMutation,
        ),
    )
    streams = (
        FeedSubscription,
        TopicsSubscription,
        OrdersSubscription,
        StocktakesSubscription,
        ExportsSubscription,
        ImportsSubscription,
        ScansSubscription,
    )
    Subscription = merge_types("Subscription", streams)

for kind, description in (
    (Query, "Reads; they change nothing. 查询"),
    (Mutation, "Writes; each takes a key that makes retries safe. 变更"),
    (Subscription, "Feeds that send current values first and then every change. 订阅"),
):
    definition(kind).description = description

if open_roots := undeclared(Query, Mutation, Subscription):
    raise RuntimeError(f"root fields without a permission: {', '.join(open_roots)}")

SCHEMA = build_schema(Query, Mutation, Subscription)
if leaks := list(boundary.undeclared(SCHEMA, is_for_guests)):
    raise RuntimeError(f"who may see these is not declared: {', '.join(leaks)}")
for directive in SCHEMA._schema.directives:
    if directive.name == "needs":
        describe_directive(directive)
