"""Levels, movements and scanned codes."""

from datetime import date, datetime
from enum import Enum
from typing import TYPE_CHECKING, Annotated
from uuid import UUID

import strawberry
from strawberry.types import Info

from app.db import tables
from app.db.movements import entry_rows
from app.db.stock import last_receipt
from app.domain.access import Can
from app.domain.catalog.codes import ScannedCode
from app.domain.rules.kinds import Kind
from app.domain.rules.labels import availability
from app.domain.rules.units import shown
from app.schema import problems, till_problems
from app.schema.approval_problems import SecondPersonNeeded
from app.schema.batches import BatchLevel
from app.schema.boundary import needs
from app.schema.catalog import Availability, Channel, Product, named
from app.schema.codes import CodeContent
from app.schema.edges import edge, maybe_edge
from app.schema.identity import Actor, Store
from app.schema.movement_lines import MovementLine
from app.schema.scalars import (
    Money,
    Quantity,
    Revision,
    free_text,
    maybe_fen,
    maybe_money,
    money,
    quantity,
)
from app.schema.tills import Till
from app.schema.warnings import MovementWarning
from app.schema.window import as_window, definition, window

if TYPE_CHECKING:
    from app.schema.alerts import Alert

strawberry.enum(Kind, name="MovementKind", description="Business meaning of a movement. 单据类型")
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
        loaders = info.context.loaders_of(root)
        store = await loaders.stores.load(root.store_id)
        product = await loaders.products.load(root.product_id)
        free = root.free if named(channel) is None else await _offered(root, info, channel)
        return as_window(availability(free, root.scale, store.few_threshold, product.unit))

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
    till: Till | None = maybe_edge(
        "tills", "till_id", "Till that made the sale; null if none was named. 收银机"
    )
    occurred_at: datetime = strawberry.field(
        description="Time of the event by the device's clock. 发生时间"
    )
    business_date: date = strawberry.field(
        description="Day of the event in the store, by which the expiry of goods was judged. 营业日"
    )
    timezone: str = strawberry.field(
        description="Time zone of the store at that time, in which `businessDate` is. 时区"
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

    @strawberry.field(
        description="Warnings about the movement: received goods that had expired and therefore "
        "went to quarantine instead of the shelf. 警告"
    )
    async def warnings(
        self, root: strawberry.Parent[tables.Movement], info: Info
    ) -> list[MovementWarning]:
        entries = entry_rows(root) or await info.context.loaders_of(root).entries.load(root.id)
        return as_window([each for each in entries if each.came_expired])

    @strawberry.field(
        description="Amount in CNY of all lines: paid by the customer for a sale, given back for "
        "a return. Null if a sold or returned line has no amount, or if there is no "
        "such line. 合计"
    )
    async def total(self, root: strawberry.Parent[tables.Movement], info: Info) -> Money | None:
        entries = entry_rows(root) or await info.context.loaders_of(root).entries.load(root.id)
        amounts = [each.amount for each in entries if "customer" in (each.from_bin, each.to_bin)]
        known = [amount for amount in amounts if amount is not None]
        return maybe_fen(sum(known) if known and len(known) == len(amounts) else None)

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
    | SecondPersonNeeded
    | problems.ReturnExceedsSale
    | problems.KeyReused
    | till_problems.ReceiptTaken
    | till_problems.UnknownTill
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
    can: list[Can] = strawberry.field(description="Permissions of the viewer in this store. 权限")
    stocked: strawberry.Private[tables.Level | None]

    @strawberry.field(
        description="Latest receipt of the product in this store; null if there is none. 最近入库"
    )
    async def last_receipt(self, info: Info) -> Movement | None:
        level = self.stocked
        if level is None:
            return None
        async with info.context.snapshot.read(level.tenant_id) as session:
            receipt = await last_receipt(session, level.tenant_id, level.store_id, level.product_id)
        return as_window(receipt)


def scan_of(text: str, scanned: ScannedCode, can: list[Can]) -> Scan:
    coded = scanned.named
    return Scan(
        code=text,
        content=as_window(scanned.content),
        product=as_window(coded and coded.product),
        pack_quantity=coded and quantity(coded.pack, coded.product.scale),
        level=as_window(scanned.level),
        can=can,
        stocked=scanned.level,
    )
