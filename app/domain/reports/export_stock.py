"""Exports of stock: every level with its quantities, status and value."""

from collections import Counter
from collections.abc import AsyncIterator
from typing import Any

from app.db.core.snapshot import AnySession
from app.db.export_rows import StockFilter, count_levels, level_rows, levels_by
from app.db.reservations import with_overdue
from app.domain.reports.columns import (
    Chart,
    Column,
    ExportScope,
    ExportTable,
    Label,
    Row,
    fen,
    yuan,
)
from app.domain.rules.codes import printed
from app.domain.rules.units import written

PAGE = 100
"""Rows that are read at a time: the process does nothing else for 5 ms."""
STATUSES: dict[str, Label] = {
    "OUT": ("断货", "Out of stock"),
    "LOW": ("低库存", "Low"),
    "NORMAL": ("正常", "Normal"),
    "OVERSTOCKED": ("积压", "Overstocked"),
}
NO_CATEGORY: Label = ("未分类", "No category")
PRODUCT = [
    Column("sku", ("货号", "SKU")),
    Column("barcodes", ("条码", "Barcodes")),
    Column("name", ("商品名称", "Product")),
    Column("spec", ("规格", "Specification")),
    Column("category", ("分类", "Category")),
    Column("unit", ("单位", "Unit")),
]
"""Columns that name a product; `product_values` gives their values."""
LEVELS = [
    Column("store", ("门店", "Store")),
    *PRODUCT,
    Column("on_hand", ("现有", "On hand"), "QUANTITY"),
    Column("available", ("可用", "Available"), "QUANTITY"),
    Column("reserved", ("预占", "Reserved"), "QUANTITY"),
    Column("quarantined", ("待检", "Quarantined"), "QUANTITY"),
    Column("incoming", ("在途", "Incoming"), "QUANTITY"),
    Column("reorder_point", ("最低库存", "Reorder point"), "QUANTITY"),
    Column("status", ("状态", "Status")),
    Column("price", ("售价", "Price"), "MONEY"),
    Column("unit_cost", ("平均成本", "Average cost"), "COST", cost=True),
    Column("value", ("库存金额", "Stock value"), "MONEY", total=True, cost=True),
    Column("received_at", ("最近入库", "Last receipt"), "MOMENT"),
]


async def levels(session: AnySession, scope: ExportScope) -> ExportTable:
    """The stock list of the stores."""
    filter = StockFilter(scope.stores, scope.category_id)
    columns = scope.columns(LEVELS)
    values: Counter[str] = Counter()
    statuses: Counter[str] = Counter()

    async def pages() -> AsyncIterator[list[Row]]:
        after: tuple[Any, ...] | None = None
        while rows := await level_rows(session, scope.tenant, filter, after, PAGE):
            for level, _, product, _ in rows:
                values[category_of(scope, product)] += level.value
                statuses[scope.text(STATUSES[level.status])] += 1
            yield [_level(scope, columns, *row) for row in rows]
            level, _, product, _ = rows[-1]
            after = product.pinyin, level.product_id, level.store_id

    def charts() -> list[Chart]:
        by_status = [(scope.text(each), statuses[scope.text(each)]) for each in STATUSES.values()]
        by_value = [_by_category(scope, values)] if scope.with_cost else []
        return [*by_value, _by_status(by_status)]

    return ExportTable(columns, pages(), charts, await count_levels(session, scope.tenant, filter))


async def levels_chart(session: AnySession, scope: ExportScope) -> Chart:
    """The value of the stock list by category; without costs, its products by status."""
    filter = StockFilter(scope.stores, scope.category_id)
    if not scope.with_cost:
        counts = dict(await levels_by(session, scope.tenant, filter, "STATUS"))
        return _by_status([(scope.text(STATUSES[each]), counts.get(each, 0)) for each in STATUSES])
    values: Counter[str] = Counter()
    for category, value in await levels_by(session, scope.tenant, filter, "CATEGORY"):
        values[scope.categories.get(category) or scope.text(NO_CATEGORY)] += value
    return _by_category(scope, values)


def _by_category(scope: ExportScope, values: Counter[str]) -> Chart:
    titles = ("分类", "Category"), ("库存金额（元）", "Stock value (CNY)")
    title = "各分类库存金额（元）", "Stock value by category (CNY)"
    return Chart("BAR", title, titles, scope.largest(values.items()))


def _by_status(points: list[tuple[str, int]]) -> Chart:
    titles = ("状态", "Status"), ("商品数", "Products")
    return Chart("PIE", ("各状态商品数", "Products by status"), titles, points, "COUNT")


def category_of(scope: ExportScope, product: Any) -> str:
    """The path of the product's category."""
    return scope.categories.get(product.category_id) or scope.text(NO_CATEGORY)


def product_values(scope: ExportScope, product: Any, barcodes: list[str] | None) -> dict[str, Any]:
    """The values that name a product."""
    return {
        "sku": product.sku,
        "barcodes": barcodes and " ".join(map(printed, barcodes)),
        "name": product.name,
        "spec": product.spec,
        "category": category_of(scope, product),
        "unit": product.unit,
    }


def _level(
    scope: ExportScope,
    columns: list[Column],
    level: Any,
    overdue: Any,
    product: Any,
    barcodes: list[str] | None,
) -> Row:
    level = with_overdue(level, overdue)
    values = {
        **product_values(scope, product, barcodes),
        "store": scope.names[level.store_id].name,
        "on_hand": written(*level.on_hand),
        "available": written(*level.available),
        "reserved": written(*level.held),
        "quarantined": written(*level.quarantined),
        "incoming": written(*level.incoming),
        "reorder_point": written(*level.warns_at),
        "status": scope.text(STATUSES[level.status]),
        "price": fen(product.price),
        "unit_cost": yuan(level.unit_cost),
        "value": yuan(level.value),
        "received_at": scope.local(level.received_at, level.store_id),
    }
    return [values[column.name] for column in columns]
