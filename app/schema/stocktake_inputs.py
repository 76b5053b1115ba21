"""Inputs and results of the mutations on stocktakes."""

from datetime import date, datetime
from typing import Annotated
from uuid import UUID

import strawberry

from app.domain.documents.stocktakes import MOST_SCOPES
from app.domain.movements.zones import MOST_ZONES
from app.schema import problems, stocktake_problems
from app.schema.arguments import at_most, request_key
from app.schema.identity import Store
from app.schema.scalars import Money, Quantity, Revision
from app.schema.stocktakes import Stocktake, StocktakeRules

OpenStocktakeResult = Annotated[
    Stocktake
    | problems.UnknownStore
    | problems.UnknownProduct
    | problems.UnknownCategory
    | problems.WrongState
    | problems.KeyReused,
    strawberry.union(
        "OpenStocktakeResult", description="The stocktake, or the problem that prevented it."
    ),
]
CountResult = Annotated[
    Stocktake
    | stocktake_problems.UnknownStocktake
    | problems.UnknownProduct
    | problems.UnknownBatch
    | problems.InvalidQuantity
    | problems.WrongState
    | problems.KeyReused,
    strawberry.union(
        "CountResult",
        description="The stocktake with the counts, or the problem that prevented them.",
    ),
]
ChangeStocktakeResult = Annotated[
    Stocktake | stocktake_problems.UnknownStocktake | problems.WrongState | problems.KeyReused,
    strawberry.union(
        "ChangeStocktakeResult",
        description="The changed stocktake, or the problem that prevented the change.",
    ),
]
CloseStocktakeResult = Annotated[
    Stocktake
    | stocktake_problems.UnknownStocktake
    | stocktake_problems.StocktakeBlocked
    | problems.OutOfStock
    | problems.WrongState
    | problems.KeyReused,
    strawberry.union(
        "CloseStocktakeResult",
        description="The closed stocktake, or the problem that prevented it.",
    ),
]
ReverseStocktakeResult = Annotated[
    Stocktake
    | stocktake_problems.UnknownStocktake
    | problems.OutOfStock
    | problems.WrongState
    | problems.KeyReused,
    strawberry.union(
        "ReverseStocktakeResult",
        description="The reversed stocktake, or the problem that prevented it.",
    ),
]
SetZonesResult = Annotated[
    Store | problems.UnknownStore | problems.KeyReused,
    strawberry.union(
        "SetZonesResult",
        description="The store as it is now, or the problem that prevented the change.",
    ),
]
SetStocktakeRulesResult = Annotated[
    StocktakeRules | problems.KeyReused,
    strawberry.union(
        "SetStocktakeRulesResult",
        description="The rules as they are now, or the problem that prevented the change.",
    ),
]


@strawberry.input(description="Input of `openStocktake`. 新建盘点单")
class OpenStocktakeInput:
    key: UUID = request_key()
    store_id: UUID = strawberry.field(description="ID of the store to count.")
    category_ids: list[UUID] | None = strawberry.field(
        default=None,
        description="Count the products of these categories and of those below them. Without "
        "categories and products it covers everything the store has had. 分类",
        metadata=at_most(MOST_SCOPES),
    )
    product_ids: list[UUID] | None = strawberry.field(
        default=None, description="Count these products. 商品", metadata=at_most(MOST_SCOPES)
    )
    zones: list[str] | None = strawberry.field(
        default=None,
        description="Names of the zones that people count in, each at most 50 characters; by "
        "default those of the store. If there are none, counts may name any zone. 区域",
        metadata=at_most(MOST_ZONES),
    )
    blind: bool | None = strawberry.field(
        default=None,
        description="Hide expected quantities from people who may not run stocktakes; false by "
        "default. 盲盘",
    )


@strawberry.input(description="Input of `setZones`. 设置区域")
class SetZonesInput:
    key: UUID = request_key()
    store_id: UUID = strawberry.field(description="ID of the store.")
    zones: list[str] = strawberry.field(
        description="Names of all its zones, each at most 50 characters; they replace the "
        "previous ones. 区域",
        metadata=at_most(MOST_ZONES),
    )


@strawberry.input(description="A product and how many of it were counted. 盘点明细")
class CountLineInput:
    product_id: UUID | None = strawberry.field(
        default=None, description="ID of the product. Give either `productId` or `code`."
    )
    code: str | None = strawberry.field(
        default=None,
        description="Barcode or SKU of the product, instead of `productId`. A GS1 code also names "
        "the batch. 条码",
    )
    quantity: Quantity | None = strawberry.field(
        default=None,
        description="Quantity counted, 0 or more, in the product's unit or in `unit`; a negative "
        "one corrects an earlier count. Products without a count are not zero. 实盘数量",
    )
    packs: Quantity | None = strawberry.field(
        default=None,
        description="Number of packs of the scanned code; 1 if no quantity is given either. 件数",
    )
    unit: str | None = strawberry.field(
        default=None,
        description="Unit of `quantity`; the product's unit by default. 单位",
    )
    batch_no: str | None = strawberry.field(
        default=None,
        description="Batch number as printed, at most 50 characters. Without a batch, a loss is "
        "taken from the batches that expire first, and a gain is added to the batch "
        "received last. 批号",
    )
    expires_on: date | None = strawberry.field(
        default=None,
        description="Expiry of the batch. Needed when its number was never received, or was "
        "received with several dates. 到期日",
    )
    counted_at: datetime | None = strawberry.field(
        default=None,
        description="Time of the count by the device; the present moment by default. If goods "
        "moved since, the line is ambiguous. 盘点时间",
    )
    started_at_seq: Revision | None = strawberry.field(
        default=None,
        description="Value of `Level.version`, or of the line's `seq`, when the person began to "
        "count. If goods moved since, the line is ambiguous. 开始时流水位置",
    )


@strawberry.input(description="Input of `count` and `recount`. 盘点录入")
class CountInput:
    key: UUID = request_key()
    stocktake_id: UUID = strawberry.field(description="ID of the stocktake.")
    zone: str | None = strawberry.field(
        default=None, description="Zone in which the goods were counted. 区域"
    )
    lines: list[CountLineInput] = strawberry.field(
        description="What was counted, from 1 to 500 lines. 盘点明细"
    )


@strawberry.input(description="Input of `reviewStocktake`, `closeStocktake` and `cancelStocktake`.")
class StocktakeInput:
    key: UUID = request_key()
    stocktake_id: UUID = strawberry.field(description="ID of the stocktake.")


@strawberry.input(description="Input of `reverseStocktake`. 撤销盘点")
class ReverseStocktakeInput:
    key: UUID = request_key()
    stocktake_id: UUID = strawberry.field(description="ID of the stocktake.")
    reason: str | None = strawberry.field(
        default=None, description="Reason, at most 200 characters. 原因"
    )


@strawberry.input(description="Input of `explainVariance`. 说明差异")
class ExplainVarianceInput:
    key: UUID = request_key()
    line_id: UUID = strawberry.field(description="ID of the line.")
    reason: str = strawberry.field(
        description="Reason of the variance, at most 200 characters. 差异原因"
    )
    note: str | None = strawberry.field(
        default=None, description="Note, at most 500 characters. 备注"
    )


@strawberry.input(description="Input of `confirmCount`. 确认盘点")
class ConfirmCountInput:
    key: UUID = request_key()
    line_id: UUID = strawberry.field(description="ID of the line.")
    seq: Revision | None = strawberry.field(
        default=None,
        description="Position at which the counts hold: movements up to it were counted already, "
        "later ones were not. The last count by default. 流水位置",
    )


@strawberry.input(description="Input of `setStocktakeRules`. 设置盘点规则")
class SetStocktakeRulesInput:
    key: UUID = request_key()
    recount_value: Money | None = strawberry.field(
        default=None,
        description="A variance worth more than this, in CNY, needs a recount by another person; "
        "null: never. 复盘金额",
    )
    recount_percent: int | None = strawberry.field(
        default=None,
        description="A variance above this percentage of the expected quantity needs a recount, "
        "from 0 to 1000; null: never. 复盘比例（%）",
    )
    reason_value: Money | None = strawberry.field(
        default=None,
        description="A variance worth more than this, in CNY, needs a reason; null: never. "
        "说明原因金额",
    )
