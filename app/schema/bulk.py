"""Bulk queries: what one sends to request one."""

from datetime import datetime
from uuid import UUID

import strawberry

from app.domain.people.staff import MOST_STORES
from app.domain.reports.bulk_queries import BulkKind, BulkRequest
from app.schema.arguments import at_most
from app.schema.exports import export_key
from app.schema.window import describe_values

strawberry.enum(BulkKind, description="A list that a bulk query returns whole. 批量查询类型")
describe_values(
    BulkKind,
    {
        "PRODUCTS": "The catalog of the chain, like `products`, archived products too; needs "
        "SEE_CATALOG. "
        "Filters: `categoryId`, `archived`, `updatedSince`. 商品",
        "LEVELS": "Stock levels, like `levels`, of archived products too. Filters: `storeIds`, "
        "`categoryId`, `archived`, `updatedSince`. 库存",
        "MOVEMENTS": "Movements with their lines, like `movements`, in the order of recording. "
        "Filters: `storeIds`, `since`, `until`. 流水",
    },
)


@strawberry.input(description="Rows that a bulk query returns. 批量查询条件")
class BulkFilter:
    store_ids: list[UUID] | None = strawberry.field(
        default=None,
        description="Return only rows of these stores; all your stores by default. Stores that "
        "you may not see are left out. PRODUCTS has no stores: leave it out. 门店",
        metadata=at_most(MOST_STORES),
    )
    category_id: UUID | None = strawberry.field(
        default=None,
        description="Return only products of this category and of those below it. 分类",
    )
    archived: bool | None = strawberry.field(
        default=None,
        description="Return only archived products, or with false only active ones; both by "
        "default. 是否停用",
    )
    updated_since: datetime | None = strawberry.field(
        default=None,
        description="Return only rows that changed at or after this time; a time more than 7 days "
        "ago may return others as well. Use `requestedAt` of the previous bulk query. 更新时间起",
    )
    since: datetime | None = strawberry.field(
        default=None,
        description="Return only movements that happened at or after this time. 开始时间",
    )
    until: datetime | None = strawberry.field(
        default=None, description="Return only movements that happened before this time. 结束时间"
    )


@strawberry.input(description="Input of `bulkQuery`. 批量查询")
class BulkQueryInput:
    key: UUID = export_key()
    kind: BulkKind = strawberry.field(description="List to return. 类型")
    filter: BulkFilter | None = strawberry.field(
        default=None, description="Rows to return; all by default. 条件"
    )

    def request(self) -> BulkRequest:
        """The request of this input."""
        chosen = self.filter or BulkFilter()
        return BulkRequest(
            self.key,
            self.kind,
            chosen.store_ids,
            chosen.category_id,
            chosen.archived,
            chosen.updated_since,
            chosen.since,
            chosen.until,
        )
