"""Bulk queries: whole lists of a tenant as files of JSON Lines, made by the worker of exports."""

from datetime import datetime
from enum import Enum
from typing import Any, NamedTuple
from uuid import UUID

from app.db.bulk import BulkFilter
from app.db.core.unit import Database
from app.db.tables import Export
from app.domain import access
from app.domain.access import Can, Viewer
from app.domain.errors import Malformed
from app.domain.paths import at_path
from app.domain.reports.exports import (
    WITHIN_DAYS,
    FileRequest,
    Format,
    Report,
    ReportChoice,
    queue,
)


class BulkKind(Enum):
    """Lists that a bulk query returns."""

    PRODUCTS = "PRODUCTS"
    LEVELS = "LEVELS"
    MOVEMENTS = "MOVEMENTS"


OF_PRODUCTS = ("categoryId", "archived", "updatedSince")
FILTERS = {
    BulkKind.PRODUCTS: OF_PRODUCTS,
    BulkKind.LEVELS: ("storeIds", *OF_PRODUCTS),
    BulkKind.MOVEMENTS: ("storeIds", "since", "until"),
}
"""The filters of each list. The catalog is that of the whole chain."""


class BulkRequest(NamedTuple):
    """A bulk query as a client sends it; None does not filter."""

    key: UUID
    kind: BulkKind
    store_ids: list[UUID] | None
    category_id: UUID | None
    archived: bool | None
    updated_since: datetime | None
    since: datetime | None
    until: datetime | None

    def stored(self) -> dict[str, Any]:
        """What a row keeps of it, besides its kind and stores."""
        report = Report[self.kind.name]
        choice = ReportChoice(report, None, None, None, None, self.category_id, WITHIN_DAYS)
        moments = self.updated_since, self.since, self.until
        kept = [moment and moment.isoformat() for moment in moments]
        return {**choice.stored(), "bulk": [self.archived, *kept]}


async def request_bulk_query(
    db: Database, viewer: Viewer, request: BulkRequest, language: str, origin: str
) -> Export:
    """The export that a worker makes. A retry by the same viewer returns the same export.

    Raises Denied, Malformed, RateLimited, Refused (UnknownStore, KeyReused).
    """
    _check(viewer, request)
    stores = access.some(viewer, Can.SEE_STOCK, request.store_ids)
    file = FileRequest(
        "bulkQuery",
        request.key,
        Report[request.kind.name],
        Format.JSONL,
        request.store_ids,
        request.stored(),
    )
    return await queue(db, viewer, file, stores, language, origin)


def _check(viewer: Viewer, request: BulkRequest) -> None:
    """Raises Denied, and Malformed for a filter that the list does not have."""
    if request.kind is BulkKind.PRODUCTS:
        access.require(viewer, Can.SEE_CATALOG)
    given = {
        "storeIds": request.store_ids,
        "categoryId": request.category_id,
        "archived": request.archived,
        "updatedSince": request.updated_since,
        "since": request.since,
        "until": request.until,
    }
    for field, value in given.items():
        if value is not None and field not in FILTERS[request.kind]:
            names = ", ".join(FILTERS[request.kind])
            with at_path("filter"):
                raise Malformed(
                    field,
                    f"该数据只支持以下筛选：{names}",
                    f"Filters of {request.kind.name}: {names}.",
                )


def filter_of(export: Export) -> BulkFilter:
    """The filter of a bulk query that is kept as `BulkRequest.stored`."""
    archived, *moments = export.choice["bulk"]
    category = export.choice["categoryId"]
    return BulkFilter(
        export.stores,
        UUID(category) if category else None,
        archived,
        *(moment and datetime.fromisoformat(moment) for moment in moments),
    )
