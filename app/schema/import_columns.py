"""Kinds and columns of imported files: what each is read as, and those that an import ignores."""

from dataclasses import dataclass

import strawberry

from app.domain.rules.import_columns import NAMES, ImportField, ImportKind, other_kinds
from app.platforms.spreadsheets import column_name
from app.schema.window import describe_values, window

strawberry.enum(
    ImportKind,
    name="ImportKind",
    description="What an imported file holds. 导入类型",
)
describe_values(
    ImportKind,
    {
        "PRODUCTS": "Products: created or changed, by SKU or barcode. 商品资料",
        "OPENING_STOCK": "Opening stock of one store. 期初库存",
        "PRICES": "Prices of products that exist. 售价",
        "THRESHOLDS": "Reorder points of one store, or of all. 最低库存",
        "SUPPLIERS": "Suppliers: created or changed, by name. Needs EDIT_SUPPLIERS. 供应商",
        "RECIPES": "Recipes, one row for each ingredient; all rows of a dish or none. Needs "
        "EDIT_RECIPES. 配方",
    },
)
strawberry.enum(
    ImportField,
    name="ImportField",
    description="What a column of an imported file holds. 导入字段",
)
describe_values(
    ImportField,
    {name: f"The column holds: {en}. {zh}" for name, (zh, en) in NAMES.items()},
)


@dataclass(frozen=True, slots=True)
class ReadColumn:
    """A column of the sheet: its header and the field that it holds."""

    header: str
    name: str | None


@window(ReadColumn, description="A column of a file, and the field that it is read as. 列")
class ImportColumn:
    header: str = strawberry.field(description="Header of the column in the file. 表头")

    @strawberry.field(
        graphql_type=ImportField | None,
        description="Field that the column holds; null for a column that is ignored. 字段",
    )
    def field(self, root: strawberry.Parent[ReadColumn]) -> ImportField | None:
        return None if root.name is None else ImportField[root.name]


@dataclass(frozen=True, slots=True)
class IgnoredColumn:
    """A column that an import of this kind does not read."""

    header: str
    place: int
    kind: ImportKind


@window(IgnoredColumn, description="A column of a file that the import ignores. 未使用的列")
class UnusedColumn:
    header: str = strawberry.field(description="Header of the column; empty without one. 表头")

    @strawberry.field(description="Letters of the column, such as G. 列号")
    def letter(self, root: strawberry.Parent[IgnoredColumn]) -> str:
        return column_name(root.place)

    @strawberry.field(
        graphql_type=list[ImportKind],
        description="Other kinds that read a column of this header: import the file again as one "
        "of them. 可用于的导入类型",
    )
    def kinds(self, root: strawberry.Parent[IgnoredColumn]) -> list[ImportKind]:
        return other_kinds(root.header, root.kind)
