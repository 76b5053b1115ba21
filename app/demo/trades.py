"""The demo's other trades: a salon with services and passes, a restaurant with dishes."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import NamedTuple
from uuid import UUID

from app.db.tables import Movement, Product
from app.domain.access import Role, Scope, Viewer
from app.domain.catalog import categories, products, units
from app.domain.catalog.new_products import ProductRequest, create_product
from app.domain.catalog.products import ProductDescription
from app.domain.catalog.recipes import Ingredient, set_recipe
from app.domain.catalog.units import Pack
from app.domain.documents import passes, redemptions
from app.domain.movements.record import PLAIN, Books, MovementTerms, record
from app.domain.rules.kinds import Kind

# sku, name, spec, unit, what one costs, opening stock, reorder point, shelf life and days left
SALON_GOODS = """
    SHAMPOO 洗发水 1L装 ml 0.06 8600 2000 - -
    CARE 护发素 750ml装 ml 0.09 5200 1500 - -
    PERM 冷烫精 500ml装 ml 0.18 3150 1000 720 12
    DYE 染膏 80ml装 ml 0.45 1680 400 1095 300
    PEROXIDE 双氧奶 1L装 ml 0.04 4300 1000 1095 400
    TOWEL 一次性毛巾 条 条 0.80 260 100 - -
"""
BOTTLES = {"SHAMPOO": 1000, "CARE": 750, "PERM": 500, "DYE": 80, "PEROXIDE": 1000}
KITCHEN_GOODS = """
    K-TOMATO 番茄 后厨 kg 4.60 18.5 5 7 3
    K-EGG 鲜鸡蛋 散装 个 0.65 160 60 45 20
    K-BEEF 牛腩 冷鲜 kg 62.00 9.6 3 5 1
    K-BONE 牛骨 冷鲜 kg 18.00 12 4 5 2
    K-NOODLE 鲜面条 散装 kg 6.20 7.5 3 3 1
    K-RICE 大米 散装 kg 5.80 45 10 - -
    K-OIL 食用油 5L桶装 ml 0.012 18600 5000 - -
    K-SCALLION 小葱 散装 kg 8.00 1.2 0.5 - -
    K-CORIANDER 香菜 散装 kg 12.00 0.02 0.3 - -
    K-COLA 可乐 330ml听装 听 1.90 72 24 - -
"""

# sku, name, kind, unit, yuan; then what one takes: sku quantity unit, loss after a +, ? optional
SERVED = """
    CUT 洗剪吹 SERVICE 次 68 : SHAMPOO 20 ml, CARE 10 ml, TOWEL 1 条
    CURL 烫发 SERVICE 次 388 : PERM 100 ml, SHAMPOO 20 ml, TOWEL 2 条
    COLOUR 染发 SERVICE 次 298 : DYE 80 ml, PEROXIDE 80 ml, TOWEL 2 条
    SPA 头发护理 SERVICE 次 128 : CARE 40 ml, TOWEL 1 条
    CUT-10 洗剪吹十次卡 PASS 张 580 : CUT 1 次
    SPA-5 护理五次卡 PASS 张 520 : SPA 1 次
    SOUP 牛骨高汤 GOODS L - : K-BONE 200 g
    EGGS 番茄炒蛋 DISH 份 28 : K-TOMATO 300 g +10, K-EGG 3 个, K-OIL 30 ml, K-SCALLION 5 g ?
    EGG-SOUP 番茄蛋汤 DISH 份 18 : K-TOMATO 150 g, K-EGG 1 个, K-CORIANDER 3 g ?
    NOODLES 牛肉面 DISH 份 32 : K-NOODLE 200 g, K-BEEF 80 g, SOUP 500 ml, K-CORIANDER 3 g ?
    STEW 番茄牛腩 DISH 份 58 : K-TOMATO 250 g +10, K-BEEF 250 g +20, K-OIL 20 ml
    BOILED-RICE 米饭 DISH 份 3 : K-RICE 100 g
    SET-1 单人套餐 DISH 份 36 : EGGS 1 份, BOILED-RICE 1 份, K-COLA 1 听
"""
HELD = "RESERVE_ON_SALE"
CONSUME_ON = {"SPA": HELD, "SPA-5": HELD, "CURL": "REDEEM"}
PREPAID = ("SERVICE", "PASS")
DELIVERER = "鲜达供应链"
COUNTER = MovementTerms("COUNTER")


class Good(NamedTuple):
    sku: str
    name: str
    spec: str
    unit: str
    cost: str
    opening: str
    reorder_point: str
    life: str
    left: str


@dataclass
class DemoMovement:
    """Key, reason, note and time of a demo movement."""

    key: UUID
    reason: str | None = None
    note: str | None = None
    occurred_at: datetime | None = None


@dataclass(frozen=True)
class StockLine:
    """A line as a client sends it."""

    product_id: UUID
    quantity: Decimal
    unit_cost: int | None = None
    batch_no: str | None = None
    expires_on: date | None = None
    supplier: str | None = None
    produced_on: date | None = None
    code: str | None = None
    packs: Decimal | None = None
    unit: str | None = None


class Trade(NamedTuple):
    """The stores to fill; `key` derives the same keys each time, so that seeding can be resumed."""

    books: Books
    tenant: UUID
    actor: UUID
    stores: Mapping[str, UUID]
    key: Callable[..., UUID]

    def viewer(self, role: Role) -> Viewer:
        stores = frozenset(self.stores.values())
        return Viewer(Scope(self.tenant, role, own=stores), self.actor, "示范", stores)


async def furnish(trade: Trade) -> None:
    """Fill the salon and the restaurant with goods, recipes, stock, passes and some sales."""
    catalog: dict[str, Product] = {}
    for code, name, goods in (
        ("demo-salon", "美发用品", SALON_GOODS),
        ("demo-kitchen", "后厨食材", KITCHEN_GOODS),
    ):
        listed = [Good(*line.split()) for line in goods.strip().splitlines()]
        catalog |= await _goods(trade, name, listed)
        await _open(trade, trade.stores[code], listed, catalog)
    for line in SERVED.strip().splitlines():
        await _serve(trade, line, catalog)
    await _trade(trade, catalog)


async def _goods(trade: Trade, category: str, goods: Sequence[Good]) -> dict[str, Product]:
    db, owner = trade.books.db, trade.viewer(Role.OWNER)
    shelf = await categories.create_category(db, owner, trade.key("category", category), category)
    catalog = {}
    for good in goods:
        # Ingredients and consumables: customers buy what is made of them.
        described = ProductDescription(good.name, good.spec, category_id=shelf.id, for_sale=False)
        tracked = good.life != "-"
        product = await create_product(
            db,
            owner,
            trade.key("product", good.sku),
            ProductRequest(
                good.sku,
                good.unit,
                "GOODS",
                described,
                tracks_batches=tracked,
                shelf_life_days=int(good.life) if tracked else None,
            ),
        )
        point = Decimal(good.reorder_point)
        key = trade.key("reorder", good.sku)
        catalog[good.sku] = await products.set_reorder_point(
            db, owner, key, product.id, None, point
        )
        if good.sku in BOTTLES:
            bottle = [Pack("瓶", Decimal(BOTTLES[good.sku]))]
            key = trade.key("units", good.sku)
            await units.set_units(db, owner, key, product.id, bottle, "瓶", "瓶")
    return catalog


async def _open(
    trade: Trade, store: UUID, goods: Sequence[Good], catalog: Mapping[str, Product]
) -> None:
    today = datetime.now(UTC).date()
    lines = []
    for good in goods:
        until = today + timedelta(days=int(good.left)) if good.left != "-" else None
        number = f"{today:%y%m%d}" if until else None
        cost = int(Decimal(good.cost) * 10_000)
        supplier = DELIVERER if until else None
        product, quantity = catalog[good.sku].id, Decimal(good.opening)
        lines.append(StockLine(product, quantity, cost, number, until, supplier))
    await book(trade, Kind.OPENING, store, lines, "期初库存")


async def book(
    trade: Trade,
    kind: Kind,
    store: UUID,
    lines: Sequence[StockLine],
    name: str,
    terms: MovementTerms = PLAIN,
    at: datetime | None = None,
) -> None:
    """Record a movement, now by default. `name` is its reason, and makes its key."""
    movement = DemoMovement(trade.key(kind.name, str(store), name), name, occurred_at=at)
    who = trade.viewer(Role.MANAGER)
    outcome = await record(trade.books, who, kind, store, lines, movement, terms)
    if not isinstance(outcome, Movement):
        raise RuntimeError(f"the demo's {name} was refused: {outcome}")


async def _serve(trade: Trade, line: str, catalog: dict[str, Product]) -> None:
    """Create a dish, a service, a pass or goods produced in advance, and the recipe."""
    head, _, parts = line.partition(" : ")
    sku, name, kind, unit, price = head.split()
    db, owner = trade.books.db, trade.viewer(Role.OWNER)
    for_sale = price != "-"
    described = ProductDescription(
        name, price=int(price) * 10_000 if for_sale else None, for_sale=for_sale
    )
    request = ProductRequest(sku, unit, kind, described)
    catalog[sku] = await create_product(db, owner, trade.key("product", sku), request)
    consume_on = CONSUME_ON.get(sku) if kind in PREPAID else None
    key = trade.key("recipe", sku)
    ingredients = [_part(part.split(), catalog) for part in parts.split(", ")]
    await set_recipe(db, owner, key, catalog[sku].id, ingredients, None, consume_on)


def _part(words: Sequence[str], catalog: Mapping[str, Product]) -> Ingredient:
    sku, quantity, unit, *more = words
    loss = next((Decimal(word[1:]) for word in more if word.startswith("+")), Decimal(0))
    return Ingredient(catalog[sku].id, Decimal(quantity), unit, loss, "?" in more)


async def _trade(trade: Trade, catalog: Mapping[str, Product]) -> None:
    """Produce soup, sell dishes, a service and two passes, and redeem one of them."""
    kitchen, salon = trade.stores["demo-kitchen"], trade.stores["demo-salon"]
    await book(trade, Kind.PRODUCTION, kitchen, [_line(catalog["SOUP"], "12")], "熬汤")
    dishes = [
        _line(catalog["EGGS"], "2"),
        _line(catalog["NOODLES"], "3"),
        _line(catalog["SET-1"], "1"),
    ]
    await book(trade, Kind.SALE, kitchen, dishes, "午市", COUNTER)
    await book(trade, Kind.SALE, salon, [_line(catalog["COLOUR"], "1")], "染发", COUNTER)
    db, who = trade.books.db, trade.viewer(Role.MANAGER)
    sold = []
    for sku, customer, uses in (("CUT-10", "13800138000", 10), ("SPA-5", "13900139000", 5)):
        card = (catalog[sku].id, customer, uses, "WECHAT", None)
        sold.append(await passes.sell_pass(db, who, trade.key("pass", sku), salon, *card))
    await redemptions.redeem_pass(db, who, trade.key("redeem"), salon, sold[0].id, 1)


def _line(product: Product, quantity: str) -> StockLine:
    return StockLine(product.id, Decimal(quantity))
