"""Exports: requested by a person, made by a worker, fetched by a signed link for an hour."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import Enum
from typing import Any, NamedTuple
from uuid import UUID

import jwt
from uuid_utils.compat import uuid7

from app.db import exports as rows
from app.db.core.snapshot import Snapshot
from app.db.core.unit import Database
from app.db.tables import Export
from app.domain import access
from app.domain.access import Can, Viewer
from app.domain.claims import claim
from app.domain.errors import Malformed, RateLimited
from app.domain.people.tokens import FORGERIES, LONGEST
from app.domain.reports.export_rights import sees_cost
from app.platforms.image_store import ImageStore

ALGORITHM = "HS256"
AUDIENCE = "kucun.exports"
LIFETIME, MONTHLY_LIFETIME = timedelta(hours=1), timedelta(days=7)
"""How long a file can be fetched after it was made, and one that was sent in a message."""
WAITING_MAX = 5
"""Exports of one person that are not finished."""
RETRY_SECONDS = 15
DAYS_MAX = 366
WITHIN_DAYS, WITHIN_DAYS_MAX = 30, 3650


class Report(Enum):
    """Reports that can be exported."""

    SALES = "SALES"
    LOSSES = "LOSSES"
    LEVELS = "LEVELS"
    MOVEMENTS = "MOVEMENTS"
    EXPIRY = "EXPIRY"
    STOCK_VALUE = "STOCK_VALUE"
    TURNOVER = "TURNOVER"
    SLOW_MOVERS = "SLOW_MOVERS"
    PRODUCTS = "PRODUCTS"
    REORDER_PLAN = "REORDER_PLAN"
    SUPPLIERS = "SUPPLIERS"
    STOCKTAKES = "STOCKTAKES"
    OVERVIEW = "OVERVIEW"
    CHANNELS = "CHANNELS"

    @property
    def can(self) -> Can:
        """The permission that the report needs in each of its stores, besides SEE_STOCK."""
        return NEEDS.get(self, Can.SEE_STOCK)

    def permissions(self, group_by: str | None) -> tuple[Can, ...]:
        """All permissions that the report needs."""
        people = (Can.MANAGE_STAFF,) if group_by == "PERSON" else ()
        suppliers = (Can.SEE_SUPPLIERS,) if self in NAMING_SUPPLIERS else ()
        return Can.SEE_STOCK, self.can, *people, *suppliers


NEEDS = {
    Report.SALES: Can.SEE_REPORTS,
    Report.LOSSES: Can.SEE_COST,
    Report.STOCK_VALUE: Can.SEE_COST,
    Report.TURNOVER: Can.SEE_COST,
    Report.SLOW_MOVERS: Can.SEE_REPORTS,
    Report.PRODUCTS: Can.SEE_CATALOG,
    Report.REORDER_PLAN: Can.SEE_REPORTS,
    Report.SUPPLIERS: Can.SEE_COST,
    Report.STOCKTAKES: Can.SEE_COST,
    Report.OVERVIEW: Can.SEE_REPORTS,
    Report.CHANNELS: Can.SEE_REPORTS,
}
NAMING_SUPPLIERS = {Report.REORDER_PLAN, Report.SUPPLIERS}


class Format(Enum):
    """Kinds of files."""

    XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
    CSV = "text/csv; charset=utf-8"
    JSONL = "application/jsonl"


class ExportGroupBy(Enum):
    """What the rows of an exported report stand for."""

    DAY = "DAY"
    WEEK = "WEEK"
    MONTH = "MONTH"
    HOUR = "HOUR"
    STORE = "STORE"
    CATEGORY = "CATEGORY"
    PRODUCT = "PRODUCT"
    CHANNEL = "CHANNEL"
    REASON = "REASON"
    PERSON = "PERSON"
    SUPPLIER = "SUPPLIER"
    STOCKTAKE = "STOCKTAKE"


OF_TIME = {ExportGroupBy.DAY, ExportGroupBy.WEEK, ExportGroupBy.MONTH}
OF_STOCK = {ExportGroupBy.STORE, ExportGroupBy.CATEGORY, ExportGroupBy.PRODUCT}
GROUPS = {
    Report.SALES: {*OF_TIME, *OF_STOCK, ExportGroupBy.HOUR, ExportGroupBy.CHANNEL},
    Report.LOSSES: {*OF_TIME, *OF_STOCK, ExportGroupBy.REASON, ExportGroupBy.PERSON},
    Report.STOCK_VALUE: OF_STOCK,
    Report.TURNOVER: OF_STOCK | OF_TIME,
    Report.SUPPLIERS: {ExportGroupBy.SUPPLIER, *OF_STOCK, *OF_TIME},
    Report.STOCKTAKES: {ExportGroupBy.STOCKTAKE, *OF_STOCK, *OF_TIME},
    Report.CHANNELS: {ExportGroupBy.STORE, ExportGroupBy.CHANNEL, *OF_TIME},
}
OF_FLOWS = {Report.SALES, Report.LOSSES, Report.MOVEMENTS, Report.TURNOVER}
OF_PERIOD = OF_FLOWS | {Report.SUPPLIERS, Report.STOCKTAKES, Report.CHANNELS}
TITLES = {
    "SALES": ("销售报表", "Sales report"),
    "LOSSES": ("损耗报表", "Loss report"),
    "LEVELS": ("库存报表", "Stock list"),
    "MOVEMENTS": ("出入库流水", "Movements"),
    "EXPIRY": ("临期报表", "Expiry report"),
    "STOCK_VALUE": ("库存金额报表", "Stock value"),
    "TURNOVER": ("周转报表", "Turnover report"),
    "SLOW_MOVERS": ("滞销报表", "Slow movers"),
    "PRODUCTS": ("商品资料", "Products"),
    "REORDER_PLAN": ("补货计划", "Reorder plan"),
    "SUPPLIERS": ("供应商报表", "Supplier report"),
    "STOCKTAKES": ("盘点报表", "Stocktake report"),
    "OVERVIEW": ("经营概览", "Overview"),
    "CHANNELS": ("渠道报表", "Channel report"),
}


@dataclass(frozen=True)
class ExportFiles:
    """The files of an installation: where they are kept, and the secret that signs links."""

    store: ImageStore
    secret: str


class ReportChoice(NamedTuple):
    """A report as a person chooses it; None is what the report has by default."""

    report: Report
    store_ids: list[UUID] | None
    since: date | None
    until: date | None
    group_by: ExportGroupBy | None
    category_id: UUID | None
    within_days: int
    stocktake_id: UUID | None = None

    def stored(self) -> dict[str, Any]:
        """What a row keeps of it, besides the report and its stores."""
        return {
            "since": self.since and self.since.isoformat(),
            "until": self.until and self.until.isoformat(),
            "groupBy": self.group_by and self.group_by.name,
            "categoryId": self.category_id and str(self.category_id),
            "withinDays": self.within_days,
            "stocktakeId": self.stocktake_id and str(self.stocktake_id),
        }


class ExportRequest(NamedTuple):
    """A report that a person requests as a file."""

    key: UUID
    format: Format
    choice: ReportChoice


async def request_export(
    db: Database, viewer: Viewer, request: ExportRequest, language: str, origin: str
) -> Export:
    """The export, which a worker makes. A retry by the same person returns the same export.

    Raises Denied, Malformed, RateLimited, Refused (UnknownStore, KeyReused).
    """
    report, chosen = request.choice.report, request.choice.store_ids
    check_choice(viewer, request.choice)
    check_format(request.format)
    stores = access.some(viewer, report.can, chosen)
    file = FileRequest(
        "requestExport", request.key, report, request.format, chosen, request.choice.stored()
    )
    return await queue(db, viewer, file, stores, language, origin)


class FileRequest(NamedTuple):
    """A file that a worker makes: the mutation and key that request it, and what is in it."""

    mutation: str
    key: UUID
    report: Report
    format: Format
    store_ids: list[UUID] | None
    choice: dict[str, Any]


async def queue(
    db: Database,
    viewer: Viewer,
    file: FileRequest,
    stores: list[UUID],
    language: str,
    origin: str,
) -> Export:
    """The export of these stores, which waits for a worker; the earlier one for a used key.

    Raises RateLimited, Refused(KeyReused).
    """
    async with db.unit(viewer.tenant) as unit:
        id = uuid7()
        # The file shows what this person may see: to another person the key is a used one.
        earlier = await claim(
            unit,
            viewer.claimant,
            file.key,
            id,
            file.mutation,
            viewer.actor,
            *(file.report.name, file.format.name, file.store_ids, file.choice),
        )
        if earlier is not None:
            [export] = await rows.exports_by_id(unit.session, unit.tenant, [earlier])
            return export
        if await rows.waiting(unit.session, unit.tenant, viewer.actor) >= WAITING_MAX:
            raise RateLimited(
                RETRY_SECONDS,
                f"您有 {WAITING_MAX} 个导出还在进行，请等其中一个完成",
                f"{WAITING_MAX} exports of yours are not finished: wait until one is.",
            )
        export = Export(
            tenant_id=unit.tenant,
            id=id,
            requested_by=viewer.actor,
            report=file.report.name,
            format=file.format.name,
            language=language,
            origin=origin,
            stores=stores,
            with_cost=sees_cost(viewer, stores),
            choice=file.choice,
            state="QUEUED",
            progress=0,
            attempts=0,
            requested_at=unit.now,
        )
        unit.session.add(export)
        unit.document_changed(stores[0], id)
    return export


def check_format(format: Format) -> None:
    """Raises Malformed for the format of bulk queries: a report has columns, and no objects."""
    if format is Format.JSONL:
        raise Malformed(
            "format",
            "JSON Lines 只用于批量查询，请选择 XLSX 或 CSV",
            "JSON Lines are for `bulkQuery`: choose XLSX or CSV.",
        )


def check_choice(viewer: Viewer, choice: ReportChoice) -> None:
    """Raises Denied, and Malformed for a period or a grouping that the report does not have."""
    for can in choice.report.permissions(choice.group_by and choice.group_by.name):
        access.require(viewer, can)
    report, since, until = choice.report, choice.since, choice.until
    of_one = report is Report.STOCKTAKES and choice.stocktake_id is not None
    if report in OF_PERIOD and (not of_one or since or until):
        if since is None or until is None:
            raise Malformed(
                "until" if since else "since",
                "请填写开始日期和结束日期",
                "Give `since` and `until`: the report is of a period.",
            )
        if not 0 <= (until - since).days < DAYS_MAX:
            raise Malformed(
                "until",
                f"结束日期不能早于开始日期，最多 {DAYS_MAX} 天",
                f"The end lies on or after the start, at most {DAYS_MAX} days later.",
            )
    if not 0 <= choice.within_days <= WITHIN_DAYS_MAX:
        raise Malformed(
            "withinDays",
            f"到期天数须为 0 至 {WITHIN_DAYS_MAX}",
            f"Days to expiry: give 0 to {WITHIN_DAYS_MAX}.",
        )
    if choice.group_by is not None and choice.group_by not in GROUPS.get(report, ()):
        names = ", ".join(sorted(each.name for each in GROUPS.get(report, ())))
        raise Malformed(
            "groupBy",
            f"该报表可按以下方式分组：{names}" if names else "该报表不能分组",
            f"This report can be grouped by: {names or 'nothing'}.",
        )


async def export_of(snapshot: Snapshot, viewer: Viewer, id: UUID) -> Export | None:
    """The export with this id that the viewer requested, or None."""
    async with snapshot.read(viewer.tenant) as session:
        exports = await rows.exports_by_id(session, viewer.tenant, [id])
    return next((each for each in exports if each.requested_by == viewer.actor), None)


def link_of(files: ExportFiles, export: Export, now: datetime) -> str | None:
    """The signed link of the file; None while there is none, or when it has expired."""
    if export.state != "READY" or export.expires_at is None or export.expires_at <= now:
        return None
    claims = {
        "aud": AUDIENCE,
        "sub": f"{export.tenant_id}/{export.id}",
        "exp": int(export.expires_at.timestamp()),
    }
    token = jwt.encode(claims, files.secret, ALGORITHM)
    return f"{export.origin}/exports/{export.id}?token={token}"


def tenant_of(files: ExportFiles, token: str, id: UUID) -> UUID | None:
    """The tenant of the export that the token was signed for; None for any other token."""
    if len(token) > LONGEST:
        return None
    try:
        claims = jwt.decode(
            token,
            files.secret,
            algorithms=[ALGORITHM],
            audience=AUDIENCE,
            options={"require": ["aud", "sub", "exp"]},
        )
        tenant, export = map(UUID, claims["sub"].split("/"))
    except (jwt.InvalidTokenError, *FORGERIES):
        return None
    return tenant if export == id else None


class Download(NamedTuple):
    """A file that is fetched: its name, media type, size and content."""

    name: str
    content_type: str
    size: int
    content: AsyncIterator[bytes]


async def download(db: Database, files: ExportFiles, token: str, id: UUID) -> Download | None:
    """The file that the link leads to; None when it is forged or has expired.

    Raises Unavailable when the storage does not answer.
    """
    tenant = tenant_of(files, token, id)
    if tenant is None:
        return None
    async with db.read(tenant) as session:
        exports = await rows.exports_by_id(session, tenant, [id])
    if not exports or exports[0].state != "READY":
        return None
    export = exports[0]
    content = await files.store.stream(path_of(export))
    if content is None:
        return None
    return Download(file_name(export), Format[export.format].value, export.size or 0, content)


def path_of(export: Export, attempt: int | None = None) -> str:
    """Where the file of an attempt is kept, the latest by default."""
    return f"{export.tenant_id}/{export.id.hex}.{attempt or export.attempts}"


def file_name(export: Export) -> str:
    """The name under which a browser saves the file."""
    title = TITLES[export.report][export.language == "en"]
    period = "_".join(filter(None, (export.choice["since"], export.choice["until"])))
    name = f"{title} {period or export.requested_at.date().isoformat()}"
    return f"{name}.{export.format.lower()}"


async def delete_file(files: ExportFiles, export: Export) -> None:
    """Delete the files of all attempts."""
    paths = [path_of(export, attempt) for attempt in range(1, export.attempts + 1)]
    await asyncio.gather(*map(files.store.delete, paths))
