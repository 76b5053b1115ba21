"""Levels, movements, and what one sends to change them."""

from datetime import date, datetime
from enum import Enum
from typing import Annotated
from uuid import UUID

import strawberry
from strawberry.types import Info

from app.db import tables
from app.domain.access import Can
from app.domain.catalog.codes import Code
from app.domain.ledger.draft import Place as PlaceValue
from app.domain.rules.kinds import Kind
from app.domain.rules.labels import availability
from app.domain.rules.units import shown
from app.schema import problems
from app.schema.batches import Batch, BatchLevel
from app.schema.catalog import Availability, Channel, Product, named
from app.schema.edges import edge, maybe_edge
from app.schema.identity import Actor, Store
from app.schema.recipes import Recipe
from app.schema.scalars import Money, Quantity, Revision, cost, money, quantity
from app.schema.window import definition, window

MovementKind = strawberry.enum(
    Kind, name="MovementKind", description="What a movement means. 单据类型"
)
for _value in definition(MovementKind).values:
    _value.description = Kind[_value.name].value.meaning


@strawberry.enum(description="How a level stands against its thresholds. 库存状态")
class LevelStatus(Enum):
    OUT = "OUT"
    LOW = "LOW"
    NORMAL = "NORMAL"
    OVERSTOCKED = "OVERSTOCKED"


@strawberry.enum(description="The order of a list of levels. 排序")
class LevelSort(Enum):
    NAME = "NAME"
    AVAILABLE = "AVAILABLE"


@strawberry.enum(description="The reasons of a correction by hand. 调整类型")
class AdjustmentKind(Enum):
    GAIN = "GAIN"
    LOSS = "LOSS"
    QUARANTINE = "QUARANTINE"
    RELEASE = "RELEASE"


@window(tables.Level, description="A product in a store: how much is where. 库存")
class Level:
    store: Store = edge("stores", "store_id")
    product: Product = edge("products", "product_id")
    on_hand: Quantity = strawberry.field(
        description="In the store: available + reserved + quarantined. 在手"
    )
    available: Quantity = strawberry.field(description="Can be sold now. 可售")
    held: Quantity = strawberry.field(name="reserved", description="Held for orders. 预占")
    quarantined: Quantity = strawberry.field(description="Held until checked. 待检")
    incoming: Quantity = strawberry.field(description="On its way to this store. 在途")
    warns_at: Quantity = strawberry.field(
        name="reorderPoint", description="At or below it the level is LOW. 最低阈值"
    )
    status: LevelStatus = strawberry.field(description="OUT, LOW, NORMAL or OVERSTOCKED. 状态")
    version: Revision = strawberry.field(
        description="Grows by one with every entry: send it as expectedVersion. 版本"
    )
    batches: list[BatchLevel] = edge(
        "batch_levels", "pair", "What expires first before the others. 批次"
    )
    received_at: datetime | None = strawberry.field(
        name="lastReceivedAt", description="The last receipt. 最近入库时间"
    )

    @strawberry.field(description="Ordered of suppliers and not received yet. 采购在途")
    async def on_order(self, root: strawberry.Parent[tables.Level], info: Info) -> Quantity:
        return quantity(await info.context.loaders.on_order.load(root.pair) or 0, root.scale)

    @strawberry.field(description="Available as the shop says it: 3 箱 4 瓶 120 ml. 可售(店内单位)")
    async def available_text(self, root: strawberry.Parent[tables.Level], info: Info) -> str:
        loaders = info.context.loaders
        product = await loaders.products.load(root.product_id)
        own = {unit.name: unit.size for unit in await loaders.units.load(root.product_id)}
        return shown(root.free, product.unit, own, product.display_unit)

    @strawberry.field(
        description="Yuan that all that is here did cost, at the moving average; null if it is "
        "not yours to see. 库存金额"
    )
    def value(self, root: strawberry.Parent[tables.Level], info: Info) -> Money | None:
        return cost(info, root.value)

    @strawberry.field(
        description="Yuan for one unit on average, of what is here or was here last; null if "
        "unknown or not yours to see. 移动平均成本"
    )
    def unit_cost(self, root: strawberry.Parent[tables.Level], info: Info) -> Money | None:
        return cost(info, root.unit_cost)

    @strawberry.field(
        description="What a customer of this store is told, or of a channel of it. 前台标签"
    )
    async def label(
        self, root: strawberry.Parent[tables.Level], info: Info, channel: Channel | None = None
    ) -> Availability:
        store = await info.context.loaders.stores.load(root.store_id)
        free = root.free if named(channel) is None else await _offered(root, info, channel)
        return availability(free, root.scale, store.few_threshold)  # pyright: ignore[reportReturnType]

    @strawberry.field(description="What a channel may sell of it now, by its rules. 渠道可售")
    async def offered(
        self, root: strawberry.Parent[tables.Level], info: Info, channel: Channel
    ) -> Quantity:
        return quantity(await _offered(root, info, channel), root.scale)


async def _offered(level: tables.Level, info: Info, channel: Channel | None) -> int:
    return await info.context.loaders.sellable.load((*level.pair, named(channel)))


@strawberry.enum(description="A physical bin, or a counter account. 库位")
class Bin(Enum):
    SHELF = strawberry.enum_value("shelf", description="On sale in the store. 货架")
    RESERVED = strawberry.enum_value("reserved", description="Reserved for orders. 预占")
    QUARANTINE = strawberry.enum_value("quarantine", description="Held until checked. 待检")
    TRANSIT = strawberry.enum_value("transit", description="On its way to the store. 在途")
    SUPPLIER = strawberry.enum_value("supplier", description="Counter account: suppliers. 供应商")
    CUSTOMER = strawberry.enum_value("customer", description="Counter account: customers. 顾客")
    WASTE = strawberry.enum_value("waste", description="Counter account: written off. 报损")
    VARIANCE = strawberry.enum_value(
        "variance", description="Counter account: differences found. 盘点差异"
    )
    KITCHEN = strawberry.enum_value(
        "kitchen", description="Counter account: used up or produced. 制作耗用"
    )
    OPENING = strawberry.enum_value("opening", description="Counter account: opening stock. 期初")


@window(
    PlaceValue,
    description="A physical bin, or a counter account such as supplier or waste. 库位",
)
class Place:
    store: Store = edge("stores", "store")

    @strawberry.field(description="The bin of the store. 库位")
    def bin(self, root: strawberry.Parent[PlaceValue]) -> Bin:
        return Bin(root.bin)


@window(tables.Entry, description="One quantity from one place to another. 流水")
class MovementLine:
    product: Product = edge("products", "product_id")
    batch: Batch | None = maybe_edge("batches", "batch_id", "Null: kept without batches. 批次")
    recipe: Recipe | None = maybe_edge(
        "recipes", "recipe_id", "How it was made; the lines before it are what went into it. 配方"
    )

    @strawberry.field(description="Always above 0. 数量")
    def quantity(self, root: strawberry.Parent[tables.Entry]) -> Quantity:
        return quantity(root.quantity, root.scale)

    @strawberry.field(name="from", description="Where it came from. 来源")
    def source(self, root: strawberry.Parent[tables.Entry]) -> Place:
        return PlaceValue(root.from_store, root.from_bin)  # pyright: ignore[reportReturnType]

    @strawberry.field(name="to", description="Where it went. 去向")
    def target(self, root: strawberry.Parent[tables.Entry]) -> Place:
        return PlaceValue(root.to_store, root.to_bin)  # pyright: ignore[reportReturnType]

    @strawberry.field(description="On hand right after this line, in the store it left. 结存")
    def on_hand_after(self, root: strawberry.Parent[tables.Entry]) -> Quantity | None:
        after = root.to_after if root.from_after is None else root.from_after
        return None if after is None else quantity(after, root.scale)

    @strawberry.field(description="The line's position in its level: 1, 2, 3 … 序号")
    def seq(self, root: strawberry.Parent[tables.Entry]) -> Revision | None:
        return root.to_seq if root.from_seq is None else root.from_seq  # pyright: ignore[reportReturnType]

    @strawberry.field(
        description="Yuan for one unit; null if unknown or not yours to see. 单位成本"
    )
    def unit_cost(self, root: strawberry.Parent[tables.Entry], info: Info) -> Money | None:
        return cost(info, root.unit_cost)

    @strawberry.field(
        description="Yuan that the quantity was worth, at the moving average when it left; null "
        "if unknown or not yours to see. 成本金额"
    )
    def cost(self, root: strawberry.Parent[tables.Entry], info: Info) -> Money | None:
        return cost(info, root.cost)


@window(tables.Movement, description="What happened to stock, once and for ever. 变动单据")
class Movement:
    id: UUID
    store: Store = edge("stores", "store_id")
    actor: Actor | None = edge("actors", "actor_id", "Who did it: staff, or an API key. 操作人")
    reason: str | None
    note: str | None
    document: str | None = strawberry.field(description="The paper's number: a receipt's. 单号")
    occurred_at: datetime = strawberry.field(description="By the device. 发生时间")
    recorded_at: datetime = strawberry.field(description="By the database. 记录时间")
    lines: list[MovementLine] = edge("entries", "id")
    reverses: Annotated["Movement", strawberry.lazy("app.schema.stock")] | None = maybe_edge(
        "movements", "reverses_id", "The movement this one undoes. 冲销的单据"
    )
    reversed_by: Annotated["Movement", strawberry.lazy("app.schema.stock")] | None = edge(
        "reversals", "id", "The movement that undid this one. 被冲销"
    )
    sale: Annotated["Movement", strawberry.lazy("app.schema.stock")] | None = maybe_edge(
        "movements", "sale_id", "The sale this return belongs to. 原销售单"
    )

    @strawberry.field
    def kind(self, root: strawberry.Parent[tables.Movement]) -> MovementKind:  # pyright: ignore[reportInvalidTypeForm]
        return Kind[root.kind]

    @strawberry.field
    def channel(self, root: strawberry.Parent[tables.Movement]) -> Channel | None:
        return None if root.channel is None else Channel[root.channel]


PostResult = Annotated[
    Movement
    | problems.OutOfStock
    | problems.UnknownProduct
    | problems.UnknownStore
    | problems.UnknownMovement
    | problems.UnknownBatch
    | problems.BatchExpired
    | problems.InvalidQuantity
    | problems.VersionConflict
    | problems.ReturnExceedsSale
    | problems.KeyReused
    | problems.WrongState
    | problems.Busy,
    strawberry.union("PostResult", description="The movement, or why nothing was written."),
]


@strawberry.input(description="How much of one product was really used. 实际用量")
class UsedInput:
    product_id: UUID
    quantity: Quantity = strawberry.field(description="In its unit, for the whole line; from 0.")


@strawberry.input(description="A product by id or scanned code, and how much of it. 明细")
class StockLineInput:
    product_id: UUID | None = None
    code: str | None = strawberry.field(
        default=None,
        description="A barcode or sku, instead of productId; a GS1 code tells batch, dates, "
        "weight and count as well, unless the line says otherwise. 条码",
    )
    quantity: Quantity | None = strawberry.field(
        default=None, description="In the product's unit, above 0. 数量"
    )
    packs: Quantity | None = strawberry.field(
        default=None, description="Packs of the scanned code; 1 if nothing is given. 件数"
    )
    batch_no: str | None = strawberry.field(
        default=None,
        description="The batch's number as printed, at most 50 characters. What leaves or comes "
        "back is only of this batch; if not given, what expires first leaves first. 批号",
    )
    unit: str | None = strawberry.field(
        default=None,
        description="What the quantity is told in, if not in the product's unit: one of "
        "`Product.units`, or another measure of the same kind (斤, g). 单位",
    )
    without: list[UUID] | None = strawberry.field(
        default=None, description="Optional parts of the recipe to leave out. 不要的配料"
    )
    used: list[UsedInput] | None = strawberry.field(
        default=None,
        description="What the line really took, where it was not what the recipe says; the "
        "difference is recorded as a variance. 实际用量",
    )


@strawberry.input(description="What came in, and what it cost. 入库明细")
class ReceiveLineInput(StockLineInput):
    unit_cost: Money | None = strawberry.field(
        default=None, description="Yuan for one product unit. 单位成本"
    )
    expires_on: date | None = strawberry.field(
        default=None,
        description="The last day of sale; counted from the shelf life if not given. 到期日",
    )
    produced_on: date | None = strawberry.field(default=None, description="生产日期")
    supplier: str | None = strawberry.field(default=None, description="供应商")


@strawberry.input(description="A correction, judged against the level one looked at. 调整明细")
class AdjustLineInput(StockLineInput):
    expected_version: Revision | None = strawberry.field(
        default=None,
        description="The level's version when it was read; if it has moved: VersionConflict.",
    )


@strawberry.input
class MovementInput:
    key: UUID = strawberry.field(
        description="Made by the client once for this request, and sent again with every retry: "
        "one key, one effect. 幂等键"
    )
    store_id: UUID
    reason: str | None = strawberry.field(default=None, description="At most 200 characters.")
    note: str | None = strawberry.field(default=None, description="At most 2000 characters.")
    occurred_at: datetime | None = strawberry.field(
        default=None, description="When it happened, by the device; now if not given."
    )


@strawberry.input(description="Stock found when the shop begins to keep count. 期初")
class OpenStockInput(MovementInput):
    lines: list[ReceiveLineInput]


@strawberry.input(description="Goods received from a supplier. 入库")
class ReceiveInput(MovementInput):
    lines: list[ReceiveLineInput]
    document: str | None = strawberry.field(
        default=None, description="The delivery note's number, at most 100 characters."
    )


@strawberry.input(description="A correction by hand. 手工调整")
class AdjustInput(MovementInput):
    kind: AdjustmentKind
    lines: list[AdjustLineInput]


@strawberry.input(description="Stock the shop uses up, makes, or sends back. 自用/自制/退供应商")
class LinesInput(MovementInput):
    lines: list[StockLineInput]


@strawberry.input(description="Undo one movement. 冲销")
class ReverseInput:
    key: UUID
    movement_id: UUID
    reason: str | None = None


@strawberry.enum(description="What kind of code was scanned. 条码类型")
class CodeForm(Enum):
    PLAIN = "PLAIN"
    GS1 = "GS1"
    DIGITAL_LINK = "DIGITAL_LINK"
    SCALE = "SCALE"


@window(Code, description="What the code itself says: GTIN, batch, dates, weight. 条码内容")
class CodeContent:
    name: str = strawberry.field(description="What the product is found by; a GTIN has 14 digits.")
    batch: str | None = strawberry.field(description="AI 10. 批号")
    expires_on: date | None = strawberry.field(
        description="AI 17; day 00 is the month's last. 到期日"
    )
    produced_on: date | None = strawberry.field(description="AI 11. 生产日期")
    weight: int | None = strawberry.field(
        description="AI 310n, or on a scale's label: in grams. 重量(克)"
    )
    count: int | None = strawberry.field(description="AI 30 or 37, in packs. 件数")

    @strawberry.field(description="Yuan, on a scale's label. 金额")
    def amount(self, root: strawberry.Parent[Code]) -> Money | None:
        return None if root.amount is None else money(root.amount * 100)

    fault: str | None = strawberry.field(
        description="CHECK_DIGIT or FORMAT: scan it again; nothing in it can be trusted. 错误"
    )

    @strawberry.field
    def form(self, root: strawberry.Parent[Code]) -> CodeForm:
        return CodeForm[root.form.name]


@strawberry.type(description="What a scanned code means in a store. 扫码结果")
class Scan:
    code: str
    content: CodeContent
    product: Product | None = strawberry.field(
        description="Null: nobody knows this code yet; `createProduct` with `content.name` as its "
        "barcode makes it known."
    )
    pack_quantity: Quantity | None = strawberry.field(
        description="How much of the product one scanned pack holds."
    )
    level: Level | None = strawberry.field(description="Null: never stocked in this store.")
    last_receipt: Movement | None
    can: list[Can] = strawberry.field(description="Permissions of the viewer in this store. 权限")
