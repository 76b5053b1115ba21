"""Lines of stocktakes: counted and expected quantities, and movements during the count."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

import strawberry
from strawberry.types import Info

from app.db import tables
from app.domain.access import Can
from app.domain.documents.worksheet import LineState, Narrowing, WorksheetLine
from app.domain.rules.counting import Comparison, Step
from app.domain.rules.fefo import NEVER
from app.domain.rules.variances import SuggestedReason, Suggestion
from app.schema.batches import Batch
from app.schema.boundary import needs
from app.schema.catalog import Product
from app.schema.edges import edge, maybe_edge
from app.schema.identity import Actor
from app.schema.scalars import Money, Quantity, Revision, amount, maybe_money, quantity
from app.schema.stock import Movement
from app.schema.stocktake_problems import Blocker
from app.schema.variance_evidence import quantities
from app.schema.window import as_window, describe_values, window

strawberry.enum(
    LineState, name="StocktakeLineState", description="How a line compares with the books. 明细状态"
)
describe_values(LineState, {each.name: each.value for each in LineState})

strawberry.enum(
    SuggestedReason,
    name="SuggestedReason",
    description="Reason of a variance that the ledger suggests. 建议原因",
)
describe_values(SuggestedReason, {each.name: each.value for each in SuggestedReason})


strawberry.enum(
    Narrowing,
    name="StocktakeNarrowing",
    description="What would make the variance of a product exact. 如何确定差异",
)
describe_values(Narrowing, {each.name: each.value for each in Narrowing})


async def unsynced_tills(
    info: Info, stocktake: tables.Stocktake, counted_until: datetime | None
) -> list[tables.Till]:
    """The tills of the store that were not in contact since that moment."""
    if counted_until is None:
        return []
    tills = await info.context.loaders_of(stocktake).tills_in_use.load(stocktake.store_id)
    return [till for till in tills if till.seen_at is None or till.seen_at < counted_until]


GAIN_NOTE = (
    "未按批次盘点：盘盈计入最近入库的批次",
    "Counted without a batch: the gain is added to the batch received last.",
)
LOSS_NOTE = (
    "未按批次盘点：盘亏从最早到期的批次扣减",
    "Counted without a batch: the loss is taken from the batches that expire first.",
)


def sees_book(info: Info, stocktake: tables.Stocktake) -> bool:
    """Whether the viewer sees expected quantities. Until a blind stocktake ends, only people who
    may run stocktakes see them."""
    if not stocktake.blind or stocktake.state in ("CLOSED", "REVERSED"):
        return True
    return info.context.sees(Can.RUN_STOCKTAKES, stocktake, [stocktake.store_id])


def _of_book(name: str, description: str) -> Any:
    """A quantity of a line that is hidden while the count is blind."""

    def resolve(root: strawberry.Parent[WorksheetLine], info: Info) -> Quantity | None:
        value = getattr(root, name)
        if value is None or not sees_book(info, root.stocktake):
            return None
        return quantity(value, root.scale)

    return strawberry.field(resolver=resolve, description=description)


@window(tables.StocktakeCount, description="A quantity that a person counted. 盘点记录")
class StocktakeCount:
    id: UUID = strawberry.field(description="ID of the count.")
    zone: str = strawberry.field(description="Zone of the store; empty if none was given. 区域")
    quantity: Quantity = amount("quantity", "Quantity counted; negative for a correction. 实盘数量")
    batch_no: str | None = strawberry.field(
        description="Batch number; null if the goods were counted without a batch. 批号"
    )
    seq: Revision = strawberry.field(
        description="Position of the level in the ledger when the count was submitted. 流水位置"
    )
    began_seq: Revision = strawberry.field(
        description="Position of the level when the person began to count. 开始时流水位置"
    )
    counted_by: Actor | None = edge("actors", "counted_by", "Person who counted. 盘点人")
    counted_at: datetime = strawberry.field(
        description="Time of the count by the device's clock, or of its arrival if the device "
        "gave none. 盘点时间"
    )
    replaced_by: Actor | None = maybe_edge(
        "actors",
        "replaced_by",
        "Person whose recount replaced this count; null if it was not replaced. 重盘人",
    )

    @strawberry.field(description="Expiry of the batch; null if there is none. 到期日")
    def expires_on(self, root: strawberry.Parent[tables.StocktakeCount]) -> date | None:
        return None if root.expires_on == NEVER else root.expires_on


@strawberry.type(
    description="A movement that was recorded while its product was counted. 盘点期间的变动"
)
class StocktakeMovement:
    row: strawberry.Private[WorksheetLine]
    step: strawberry.Private[Step]

    @strawberry.field(description="Movement of the goods; null if you lack SEE_STOCK. 单据")
    async def movement(self, info: Info) -> Movement | None:
        loaders = info.context.loaders_of(self.row)
        return as_window(await loaders.movements.load(self.step.movement_id))

    @strawberry.field(description="Change of the quantity on hand. 变动数量")
    def quantity(self) -> Quantity:
        return quantity(self.step.change, self.row.scale)

    @strawberry.field(
        description="Position of the level after it; pass it to `confirmCount`. 流水位置"
    )
    def seq(self) -> Revision:
        return Revision(self.step.seq)


@strawberry.type(description="Bounds of a variance that is not exact. 差异区间")
class VarianceInterval:
    low: Quantity = strawberry.field(description="Smallest possible variance. 最小差异")
    high: Quantity = strawberry.field(description="Largest possible variance. 最大差异")


@strawberry.type(description="Counts of one batch compared with the books. 批次差异")
class StocktakeBatch:
    row: strawberry.Private[WorksheetLine]
    part: strawberry.Private[Comparison]

    @strawberry.field(
        description="Batch; null for goods counted without a batch, and for a batch that was never "
        "received. 批次"
    )
    async def batch(self, info: Info) -> Batch | None:
        if self.part.batch_id is None:
            return None
        return as_window(await info.context.loaders_of(self.row).batches.load(self.part.batch_id))

    @strawberry.field(description="Quantity counted of it. 实盘数量")
    def counted(self) -> Quantity:
        return quantity(self.part.counted, self.row.scale)

    @strawberry.field(
        description="Expected quantity at the position of the counts; null while hidden. 账面"
    )
    def expected(self, info: Info) -> Quantity | None:
        seen = sees_book(info, self.row.stocktake)
        return quantity(self.part.expected, self.row.scale) if seen else None

    @strawberry.field(description="Counted minus expected; null while hidden. 差异")
    def variance(self, info: Info) -> Quantity | None:
        seen = sees_book(info, self.row.stocktake)
        return quantity(self.part.variance, self.row.scale) if seen else None


@window(
    WorksheetLine,
    description="A product of a stocktake. Expected quantity, variance and value are null for "
    "people who may not see them while the count is blind. 盘点明细",
)
class StocktakeLine:
    id: UUID = strawberry.field(
        description="ID of the line; pass it to `explainVariance` and `confirmCount`."
    )
    product: Product = edge("products", "product_id", "Product to count. 商品")
    expected: Quantity | None = _of_book(
        "expected",
        "Quantity on hand by the books at the position of the counts, including goods that are "
        "reserved or in quarantine; of an uncounted product, the quantity now. 账面数量",
    )
    variance: Quantity | None = _of_book(
        "variance", "Counted minus expected; null if it was not counted. 差异数量"
    )
    seq: Revision = strawberry.field(
        description="Position of the level that the line refers to. Send it back as "
        "`startedAtSeq` when a person begins to count. 流水位置"
    )

    @strawberry.field(description="Sum of the counts; null if it was not counted. 实盘数量")
    def counted(self, root: strawberry.Parent[WorksheetLine]) -> Quantity | None:
        return None if root.counted is None else quantity(root.counted, root.scale)

    @strawberry.field(description="How the line compares with the books. 状态")
    def state(self, root: strawberry.Parent[WorksheetLine], info: Info) -> LineState:
        return shown_state(root, info)

    @strawberry.field(
        description="Variance at moving-average cost in CNY; null if you lack SEE_COST. 差异金额",
        directives=needs(Can.SEE_COST),
    )
    def value(self, root: strawberry.Parent[WorksheetLine], info: Info) -> Money | None:
        return maybe_money(root.value) if sees_book(info, root.stocktake) else None

    @strawberry.field(
        description="Whether goods moved during the count, so that it must be recounted or "
        "confirmed. 盘点期间有变动"
    )
    def ambiguous(self, root: strawberry.Parent[WorksheetLine]) -> bool:
        return root.is_ambiguous

    @strawberry.field(
        description="Bounds of the variance while it is ambiguous; else null. 差异区间"
    )
    def interval(
        self, root: strawberry.Parent[WorksheetLine], info: Info
    ) -> VarianceInterval | None:
        if root.low is None or root.high is None or not root.is_ambiguous:
            return None
        if not sees_book(info, root.stocktake):
            return None
        return VarianceInterval(
            low=quantity(root.low, root.scale), high=quantity(root.high, root.scale)
        )

    @strawberry.field(
        description="What would make the variance exact, or keep it exact; empty if nothing is "
        "missing. 如何确定差异"
    )
    async def narrowed_by(
        self, root: strawberry.Parent[WorksheetLine], info: Info
    ) -> list[Narrowing]:
        narrowings = root.narrowed_by
        several = len(root.moments) > 1 and root.row.posted_at is None
        if several and await unsynced_tills(info, root.stocktake, max(root.moments)):
            narrowings.append(Narrowing.SYNC_TILLS)
        return narrowings

    @strawberry.field(
        description="Movements during the count, which may or may not be counted already. "
        "盘点期间的变动"
    )
    def moved_during(self, root: strawberry.Parent[WorksheetLine]) -> list[StocktakeMovement]:
        return [StocktakeMovement(row=root, step=s) for part in root.parts for s in part.between]

    @strawberry.field(
        description="Sales recorded after the count that happened before it, for example by a "
        "till that was offline. Until the variance is posted, the expected quantity includes "
        "them; afterwards it has deducted their goods already. 销售未同步"
    )
    async def late_movements(
        self, root: strawberry.Parent[WorksheetLine], info: Info
    ) -> list[StocktakeMovement]:
        steps: list[Step] = [step for part in root.parts for step in part.late]
        if root.row.posted_at is not None:
            line = root.stocktake.id, root.product_id
            steps = await info.context.loaders_of(root).late_sales.load(line)
        return [StocktakeMovement(row=root, step=step) for step in steps]

    @strawberry.field(
        description="Comparison by batch; empty for a product without batches. 批次差异"
    )
    def batches(self, root: strawberry.Parent[WorksheetLine]) -> list[StocktakeBatch]:
        if all(part.batch_id is None for part in root.parts):
            return []
        return [StocktakeBatch(row=root, part=part) for part in root.parts]

    @strawberry.field(
        description="Which batches the variance changes, as a sentence, if goods of a product with "
        "batches were counted without one and differ; else null. 批次处理"
    )
    async def batch_note(self, root: strawberry.Parent[WorksheetLine], info: Info) -> str | None:
        plain = [part.variance for part in root.parts if part.batch_id is None]
        if not any(plain) or not sees_book(info, root.stocktake):
            return None
        product = await info.context.loaders_of(root).products.load(root.product_id)
        if not product.tracks_batches:
            return None
        gained, chinese = sum(plain) > 0, info.context.language == "zh"
        if chinese:
            return GAIN_NOTE[0] if gained else LOSS_NOTE[0]
        return GAIN_NOTE[1] if gained else LOSS_NOTE[1]

    @strawberry.field(
        graphql_type=list[StocktakeCount],
        description="Counts of the product, the oldest first, replaced ones too. 盘点记录",
    )
    def counts(self, root: strawberry.Parent[WorksheetLine]) -> list[tables.StocktakeCount]:
        return sorted([*root.counts, *root.replaced], key=lambda each: each.id)

    @strawberry.field(description="Quantity reserved for orders and passes now. 预占")
    def reserved(self, root: strawberry.Parent[WorksheetLine]) -> Quantity:
        return quantity(root.now.reserved, root.scale)

    @strawberry.field(
        description="Quantity in quarantine now, such as goods of open write-offs. 待检"
    )
    def quarantined(self, root: strawberry.Parent[WorksheetLine]) -> Quantity:
        return quantity(root.now.quarantine, root.scale)

    @strawberry.field(description="Quantity in transit to the store, which is not counted. 在途")
    def incoming(self, root: strawberry.Parent[WorksheetLine]) -> Quantity:
        return quantity(root.now.transit, root.scale)

    @strawberry.field(
        description="Reason that the ledger suggests for the variance; null if it suggests none, "
        "or while hidden. 建议原因"
    )
    async def suggested_reason(
        self, root: strawberry.Parent[WorksheetLine], info: Info
    ) -> SuggestedReason | None:
        suggestion = await _suggestion(root, info)
        return suggestion and suggestion.reason

    @strawberry.field(
        description="Evidence for the suggested reason, as a sentence in the language of "
        "Accept-Language; null without a suggestion. 依据"
    )
    async def evidence(self, root: strawberry.Parent[WorksheetLine], info: Info) -> str | None:
        suggestion = await _suggestion(root, info)
        if suggestion is None:
            return None
        english, _, meaning = suggestion.reason.value.rpartition(" ")
        chinese = info.context.language == "zh"
        details = quantities(root, suggestion, chinese)
        if suggestion.other is not None:
            other = await info.context.loaders_of(root).products.load(suggestion.other)
            details = [other.name]
        if not details:
            return meaning if chinese else english
        if chinese:
            return f"{meaning}：{'，'.join(details)}"
        return f"{english.rstrip('.')}: {', '.join(details)}."

    @strawberry.field(
        graphql_type=list[Movement],
        description="Movements that support the suggested reason. 依据单据",
    )
    async def evidence_movements(
        self, root: strawberry.Parent[WorksheetLine], info: Info
    ) -> list[tables.Movement]:
        suggestion = await _suggestion(root, info)
        ids = suggestion.movements if suggestion else ()
        rows = await info.context.loaders_of(root).movements.load_many(list(ids))
        return [row for row in rows if row is not None]

    @strawberry.field(description="Reason of the variance, as a person gave it. 差异原因")
    def reason(self, root: strawberry.Parent[WorksheetLine]) -> str | None:
        return root.row.reason

    @strawberry.field(description="Note on the reason. 备注")
    def note(self, root: strawberry.Parent[WorksheetLine]) -> str | None:
        return root.row.note

    @strawberry.field(
        description="Reason why the line cannot be closed yet; null if it can be closed. 待处理"
    )
    def blocker(self, root: strawberry.Parent[WorksheetLine], info: Info) -> Blocker | None:
        blocker = root.blocker
        return blocker if blocker is Blocker.AMBIGUOUS or sees_book(info, root.stocktake) else None


async def _suggestion(line: WorksheetLine, info: Info) -> Suggestion | None:
    if not line.differs or not sees_book(info, line.stocktake):
        return None
    suggestions = await info.context.loaders_of(line).suggestions.load(line.stocktake.id)
    return suggestions.get(line.product_id)


def shown_state(line: WorksheetLine, info: Info) -> LineState:
    """The state of the line as the viewer may see it: a blind count hides whether it differs."""
    state = line.state
    compared = state in (LineState.MATCHES, LineState.DIFFERS)
    return LineState.COUNTED if compared and not sees_book(info, line.stocktake) else state
