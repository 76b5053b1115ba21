"""Scanned codes and the data that they contain."""

from datetime import date
from enum import Enum

import strawberry

from app.domain.catalog.codes import Code
from app.schema.scalars import Money, money
from app.schema.window import window


@strawberry.enum(description="Form of a scanned code. 条码类型")
class CodeForm(Enum):
    PLAIN = strawberry.enum_value(
        "PLAIN", description="Barcode or SKU without further data. 普通条码"
    )
    GS1 = strawberry.enum_value(
        "GS1", description="GS1 element string with application identifiers. GS1 码"
    )
    DIGITAL_LINK = strawberry.enum_value(
        "DIGITAL_LINK", description="GS1 Digital Link, a web address in a QR code. GS1 链接"
    )
    SCALE = strawberry.enum_value(
        "SCALE", description="Label printed by a store's scale, with weight or amount. 电子秤条码"
    )


@window(Code, description="Data contained in a scanned code: GTIN, batch, dates, weight. 条码内容")
class CodeContent:
    name: str = strawberry.field(
        description="Barcode or SKU that identifies the product; a GTIN has 14 digits. 商品编码"
    )
    batch: str | None = strawberry.field(
        description="Batch number (AI 10); null if the code has none. 批号"
    )
    expires_on: date | None = strawberry.field(
        description="Last day of sale: the expiry (AI 17), else the earlier of the best-before "
        "date (AI 15) and the sell-by date (AI 16); day 00 means the last day of the month. Null "
        "if the code has none. 到期日"
    )
    produced_on: date | None = strawberry.field(
        description="Production date (AI 11); null if the code has none. 生产日期"
    )
    weight: int | None = strawberry.field(
        description="Net weight in grams (AI 310n, AI 320n if it is whole grams, or from a scale "
        "label); null if the code has none. 重量（克）"
    )
    count: int | None = strawberry.field(
        description="Number of packs (AI 30 or 37); null if the code has none. 件数"
    )

    serial: str | None = strawberry.field(
        description="Serial number (AI 21); null if the code has none. 序列号"
    )

    @strawberry.field(
        description="Amount in CNY (AI 392n, AI 393n, or from a scale label); null if the code "
        "has none. 金额"
    )
    def amount(self, root: strawberry.Parent[Code]) -> Money | None:
        return None if root.amount is None else money(root.amount * 100)

    fault: str | None = strawberry.field(
        description="CHECK_DIGIT or FORMAT if the code cannot be trusted and must be scanned "
        "again; null if it is valid. 错误"
    )

    @strawberry.field(description="Form of the code. 条码类型")
    def form(self, root: strawberry.Parent[Code]) -> CodeForm:
        return CodeForm[root.form.name]
