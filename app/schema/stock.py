"""Levels, movements, and what one sends to change them."""

from datetime import datetime
from enum import Enum
from typing import TYPE_CHECKING, Annotated
from uuid import UUID

import strawberry
from strawberry.types import Info

from app.db import tables
from app.db.movements import entry_rows
from app.domain.access import Can
from app.domain.ledger.draft import Place as PlaceValue
from app.domain.rules.kinds import Kind
from app.domain.rules.labels import availability
from app.domain.rules.units import shown
from app.schema import problems
from app.schema.batches import Batch, BatchLevel
from app.schema.boundary import needs
from app.schema.catalog import Availability, Channel, Product, named
from app.schema.codes import CodeContent
from app.schema.edges import edge, maybe_edge
from app.schema.identity import Actor, Store
from app.schema.recipes import Recipe
from app.schema.scalars import Money, Quantity, Revision, free_text, maybe_money, money, quantity
from app.schema.window import as_window, definition, window

if TYPE_CHECKING:
    from app.schema.alerts import Alert

strawberry.enum(Kind, name="MovementKind", description="What a movement means. 单据类型")
for _value in definition(Kind).values:
    _value.description = Kind[_value.name].value.meaning


@strawberry.enum(description="How a level compares with its thresholds. 库存状态")
class LevelStatus(Enum):
    OUT = strawberry.enum_value("OUT", description="Nothing is available. 断货")
    LOW = strawberry.enum_value(
        "LOW", description="Available quantity is at or below the reorder point. 低库存"
    )
    NORMAL = strawberry.enum_value(
        "NORMAL", description="Available quantity is between the thresholds. 正常"
    )
    OVERSTOCKED = strawberry.enum_value(
        "OVERSTOCKED", description="Available quantity is above the overstock point. 积压"
    )


@strawberry.enum(description="Sort order of a list of levels. 排序")
class LevelSort(Enum):
    NAME = strawberry.enum_value("NAME", description="By product name in pinyin order. 按名称")
    AVAILABLE = strawberry.enum_value(
        "AVAILABLE", description="By available quantity, the smallest first. 按可售数量"
    )


@window(tables.Level, needs=Can.SEE_STOCK, description="Stock of one product in one store. 库存")
class Level:
    store: Store = edge("stores", "store_id", "Store that holds the stock. 门店")
    product: Product = edge("products", "product_id", "Product that is in stock. 商品")
    on_hand: Quantity = strawberry.field(
        description="Quantity on hand: available + reserved + quarantined. 在手"
    )
    available: Quantity = strawberry.field(description="Quantity that can be sold now. 可售")
    held: Quantity = strawberry.field(
        name="reserved", description="Quantity reserved for orders and passes. 预占"
    )
    quarantined: Quantity = strawberry.field(
        description="Quantity in quarantine, not for sale until it is checked. 待检"
    )
    incoming: Quantity = strawberry.field(description="Quantity in transit to this store. 在途")
    warns_at: Quantity = strawberry.field(
        name="reorderPoint", description="The level is LOW at or below this quantity. 最低阈值"
    )
    expiry_warning_days: int | None = strawberry.field(
        description="Number of days before expiry from which a batch counts as near expiry in "
        "this store; null while the product's own number applies. 临期预警（天）"
    )
    status: LevelStatus = strawberry.field(
        description="How the level compares with its thresholds. 状态"
    )
    version: Revision = strawberry.field(
        description="Version of the level; it grows by one with every entry. Pass it as "
        "`expectedVersion`. 版本"
    )
    batches: list[BatchLevel] = edge(
        "batch_levels", "pair", "Stock by batch, the earliest expiry first. 批次"
    )
    received_at: datetime | None = strawberry.field(
        name="lastReceivedAt",
        description="Time of the latest receipt; null if there is none. 最近入库时间",
    )
    alerts: list[Annotated["Alert", strawberry.lazy("app.schema.alerts")]] = edge(
        "level_alerts",
        "pair",
        "Unresolved alerts about the product in this store, the most urgent first. 预警",
    )

    @strawberry.field(description="Quantity ordered from suppliers and not received yet. 采购在途")
    async def on_order(self, root: strawberry.Parent[tables.Level], info: Info) -> Quantity:
        return quantity(
            await info.context.loaders_of(root).on_order.load(root.pair) or 0, root.scale
        )

    @strawberry.field(
        description="Available quantity in the product's own units, such as 3 箱 4 瓶 120 ml. "
        "可售（店内单位）"
    )
    async def available_text(self, root: strawberry.Parent[tables.Level], info: Info) -> str:
        loaders = info.context.loaders_of(root)
        product = await loaders.products.load(root.product_id)
        own = {unit.name: unit.size for unit in await loaders.units.load(root.product_id)}
        return shown(root.free, product.unit, own, product.display_unit)

    @strawberry.field(
        description="Stock value in CNY at moving-average cost; null if you lack SEE_COST. "
        "库存金额",
        directives=needs(Can.SEE_COST),
    )
    def value(self, root: strawberry.Parent[tables.Level]) -> Money | None:
        return money(root.value)

    @strawberry.field(
        description="Moving-average cost of one unit in CNY, the last known if nothing is left. "
        "Null if unknown or if you lack SEE_COST. 移动平均成本",
        directives=needs(Can.SEE_COST),
    )
    def unit_cost(self, root: strawberry.Parent[tables.Level]) -> Money | None:
        return maybe_money(root.unit_cost)

    @strawberry.field(
        description="Availability that customers see, in total or in one channel. 前台标签"
    )
    async def label(
        self,
        root: strawberry.Parent[tables.Level],
        info: Info,
        channel: Annotated[
            Channel | None,
            strawberry.argument(
                description="Channel whose rules apply; if omitted, no channel rules apply."
            ),
        ] = None,
    ) -> Availability:
        store = await info.context.loaders_of(root).stores.load(root.store_id)
        free = root.free if named(channel) is None else await _offered(root, info, channel)
        return as_window(availability(free, root.scale, store.few_threshold))

    @strawberry.field(description="Quantity that a channel may sell now by its rules. 渠道可售")
    async def offered(
        self,
        root: strawberry.Parent[tables.Level],
        info: Info,
        channel: Annotated[
            Channel, strawberry.argument(description="Channel whose rules apply. 渠道")
        ],
    ) -> Quantity:
        return quantity(await _offered(root, info, channel), root.scale)


async def _offered(level: tables.Level, info: Info, channel: Channel | None) -> int:
    return await info.context.loaders_of(level).sellable.load((*level.pair, named(channel)))


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
    store: Store = edge("stores", "store", "Store that the bin belongs to. 门店")

    @strawberry.field(description="The bin of the store. 库位")
    def bin(self, root: strawberry.Parent[PlaceValue]) -> Bin:
        return Bin(root.bin)


@strawberry.enum(description="Cost at which a reversal takes goods out. 成本依据")
class CostBasis(Enum):
    OWN = strawberry.enum_value("OWN", description="Cost at which the goods came in. 原成本")
    AVERAGE = strawberry.enum_value(
        "AVERAGE",
        description="Moving average, because the stock is worth less than what came in. 移动平均",
    )


@window(
    tables.Entry,
    stores=("from_store", "to_store"),
    description="A quantity moved from one place to another. 流水",
)
class MovementLine:
    product: Product = edge("products", "product_id", "Product that moved. 商品")
    batch: Batch | None = maybe_edge(
        "batches", "batch_id", "Batch that moved; null if the product has no batches. 批次"
    )
    recipe: Recipe | None = maybe_edge(
        "recipes",
        "recipe_id",
        "Recipe version that was used; the lines before this one are its components. Null if "
        "there is none. 配方",
    )

    @strawberry.field(description="Quantity in the product's unit, always greater than 0. 数量")
    def quantity(self, root: strawberry.Parent[tables.Entry]) -> Quantity:
        return quantity(root.quantity, root.scale)

    @strawberry.field(name="from", description="Place that the quantity came from. 来源")
    def source(self, root: strawberry.Parent[tables.Entry]) -> Place:
        return as_window(PlaceValue(root.from_store, root.from_bin))

    @strawberry.field(name="to", description="Place that the quantity went to. 去向")
    def target(self, root: strawberry.Parent[tables.Entry]) -> Place:
        return as_window(PlaceValue(root.to_store, root.to_bin))

    @strawberry.field(
        description="Quantity on hand after this line in the store that it left; null if it "
        "touched no stock on hand or if you lack SEE_STOCK in that store. 结存"
    )
    def on_hand_after(self, root: strawberry.Parent[tables.Entry], info: Info) -> Quantity | None:
        after = root.to_after if root.from_after is None else root.from_after
        if after is None or not _sees_level(info, root):
            return None
        return quantity(after, root.scale)

    @strawberry.field(
        description="Position of the line in its level, counted from 1; null if it touched no "
        "level or if you lack SEE_STOCK in that store. 序号"
    )
    def seq(self, root: strawberry.Parent[tables.Entry], info: Info) -> Revision | None:
        if not _sees_level(info, root):
            return None
        return as_window(root.to_seq if root.from_seq is None else root.from_seq)

    @strawberry.field(
        description="Cost of one unit in CNY; null if unknown or if you lack SEE_COST. 单位成本",
        directives=needs(Can.SEE_COST),
    )
    def unit_cost(self, root: strawberry.Parent[tables.Entry]) -> Money | None:
        return maybe_money(root.unit_cost)

    @strawberry.field(
        description="Cost of the quantity in CNY, at the moving average when it left, or at its "
        "own cost: see `costBasis`. Null if unknown or if you lack SEE_COST. 成本金额",
        directives=needs(Can.SEE_COST),
    )
    def cost(self, root: strawberry.Parent[tables.Entry]) -> Money | None:
        return maybe_money(root.cost)

    @strawberry.field(
        description="Whether a reversal took the goods out at their own cost or at the average; "
        "null for other lines or if you lack SEE_COST. 成本依据",
        directives=needs(Can.SEE_COST),
    )
    def cost_basis(self, root: strawberry.Parent[tables.Entry]) -> CostBasis | None:
        if root.own_cost is None:
            return None
        return CostBasis.OWN if root.own_cost else CostBasis.AVERAGE


def _sees_level(info: Info, entry: tables.Entry) -> bool:
    """Whether the viewer sees stock where the entry names a level: where it left, or arrived."""
    store = entry.to_store if entry.from_seq is None else entry.from_store
    return info.context.sees(Can.SEE_STOCK, entry, [store])


@window(
    tables.Movement,
    needs=Can.SEE_STOCK,
    description="A change of stock. A movement is never edited or deleted, only reversed. 变动单据",
)
class Movement:
    id: UUID = strawberry.field(description="ID of the movement.")
    store: Store = edge("stores", "store_id", "Store that recorded the movement. 门店")
    actor: Actor | None = edge(
        "actors", "actor_id", "Member of staff or API key that recorded the movement. 操作人"
    )
    reason: str | None = free_text("reason", "Reason of the movement; null if none was given. 原因")
    note: str | None = free_text("note", "Note on the movement; null if there is none. 备注")
    document: str | None = strawberry.field(
        description="Number of a receipt or delivery note; null if none was given. 单号"
    )
    occurred_at: datetime = strawberry.field(
        description="Time of the event by the device's clock. 发生时间"
    )
    recorded_at: datetime = strawberry.field(
        description="Time when the movement was recorded, by the database's clock. 记录时间"
    )
    reverses: Annotated["Movement", strawberry.lazy("app.schema.stock")] | None = maybe_edge(
        "movements",
        "reverses_id",
        "Movement that this one reverses; null for any other movement. 冲销的单据",
    )
    reversed_by: Annotated["Movement", strawberry.lazy("app.schema.stock")] | None = edge(
        "reversals", "id", "Movement that reversed this one; null if it was not reversed. 被冲销"
    )
    sale: Annotated["Movement", strawberry.lazy("app.schema.stock")] | None = maybe_edge(
        "movements",
        "sale_id",
        "Sale whose goods were returned; null if this is not a return. 原销售单",
    )

    @strawberry.field(description="Quantities that the movement moved. 流水")
    async def lines(
        self, root: strawberry.Parent[tables.Movement], info: Info
    ) -> list[MovementLine]:
        written = entry_rows(root)
        if written is not None:
            return as_window(written)
        return await info.context.loaders_of(root).entries.load(root.id)

    @strawberry.field(description="Kind of the movement. 单据类型")
    def kind(self, root: strawberry.Parent[tables.Movement]) -> Kind:
        return Kind[root.kind]

    @strawberry.field(description="Channel of a sale, order or return; null for other kinds. 渠道")
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
    strawberry.union(
        "PostResult", description="The recorded movement, or the problem that prevented it."
    ),
]


@strawberry.type(description="What a scanned code means in a store. 扫码结果")
class Scan:
    code: str = strawberry.field(
        description="Code as it was scanned, without surrounding spaces. 条码"
    )
    content: CodeContent = strawberry.field(description="Data contained in the code. 条码内容")
    product: Product | None = strawberry.field(
        description="Product with this code; null if it is unknown. Use `createProduct` with "
        "`content.name` as its barcode to add it. 商品"
    )
    pack_quantity: Quantity | None = strawberry.field(
        description="Quantity in one scanned pack, in the product's unit; null if the product is "
        "unknown. 包装数量"
    )
    level: Level | None = strawberry.field(
        description="Stock level in this store; null if it was never stocked here. 库存"
    )
    last_receipt: Movement | None = strawberry.field(
        description="Latest receipt of the product in this store; null if there is none. 最近入库"
    )
    can: list[Can] = strawberry.field(description="Permissions of the viewer in this store. 权限")
