"""The demo: a supermarket of two stores, a salon and a restaurant, with sign-ins.

Every write has a key of its own, so a seeding that was cut short is finished by the next one.
"""

from collections.abc import Sequence
from decimal import Decimal
from typing import NamedTuple
from uuid import NAMESPACE_URL, UUID, uuid5

from app.db import identity as rows
from app.db import transfers
from app.db.core.lane import Lane
from app.db.core.unit import Database
from app.db.core.vault import Vault
from app.db.tables import Product
from app.demo.documents import Desk, paperwork
from app.demo.stock import FRESH, Good, stock_up
from app.demo.trades import Trade, furnish
from app.domain.access import Role, Scope, Viewer
from app.domain.catalog import categories, products
from app.domain.catalog.assortment import AssortmentRequest, set_assortment
from app.domain.catalog.cookbook import Cookbook
from app.domain.catalog.new_products import ProductRequest, create_product
from app.domain.catalog.products import ProductDescription
from app.domain.ledger.draft import Draft
from app.domain.ledger.post import Outcome, PostDrafts
from app.domain.movements.record import Books
from app.domain.people import staff, stores
from app.domain.people.sessions import Gate
from app.domain.rules.codes import check_digit
from app.settings import Settings

NAME = "示范超市"
PASSWORD = "kucun-demo"
STORES = {
    "demo": "示范超市东店",
    "demo-west": "示范超市西店",
    "demo-salon": "示范美发店",
    "demo-kitchen": "示范餐厅",
}
PEOPLE = {
    "manager": ("王店长", Role.MANAGER),
    "cashier": ("小李", Role.CASHIER),
    "buyer": ("陈采购", Role.PURCHASER),
}

OVERSTOCKED = 5
"""A product is overstocked above this multiple of its reorder point."""

# sku, name, spec, unit, yuan, cost, reorder point, in the east, in the west
GOODS = {
    "米面粮油": """
        RICE-5KG 东北大米 5kg 袋 39.90 28.50 10 48 22
        RICE-10KG 泰国香米 10kg 袋 89.00 66.00 5 16 4
        FLOUR-2KG 高筋面粉 2kg 袋 15.80 10.20 8 35 18
        NOODLE-1KG 鸡蛋挂面 1kg 把 9.90 6.30 12 60 11
        OIL-5L 花生油 5L 桶 119.00 92.00 6 18 7
        OIL-1L 菜籽油 1.8L 瓶 32.80 24.60 6 5 12
        MILLET 黄小米 散装 kg 12.60 8.80 10 36.5 9.2
    """,
    "调味品": """
        SOY-500 生抽酱油 500ml 瓶 9.90 6.20 12 55 31
        VINEGAR-420 山西陈醋 420ml 瓶 7.50 4.60 10 42 8
        SALT-400 加碘食盐 400g 袋 2.50 1.40 30 120 64
        SUGAR-500 白砂糖 500g 袋 6.80 4.70 15 44 0
        CHILI-280 老干妈辣酱 280g 瓶 11.50 8.30 10 33 19
        OYSTER-700 蚝油 700g 瓶 13.90 9.60 8 26 15
    """,
    "蔬菜水果": """
        TOMATO 西红柿 散装 kg 7.98 4.20 8 26.4 11.8
        POTATO 土豆 散装 kg 4.58 2.10 15 52.0 33.5
        CABBAGE 大白菜 散装 kg 2.98 1.20 10 41.6 6.3
        CUCUMBER 黄瓜 散装 kg 6.58 3.50 6 15.2 0
        APPLE 红富士苹果 散装 kg 12.80 7.90 12 38.7 20.4
        BANANA 香蕉 散装 kg 7.80 4.60 10 9.6 17.3
        ORANGE 脐橙 散装 kg 10.90 6.50 10 22.8 13.0
    """,
    "肉禽蛋奶": """
        EGG-30 鲜鸡蛋 30枚 盒 26.80 20.50 10 34 12
        PORK 五花肉 散装 kg 35.60 27.80 6 18.3 9.7
        CHICKEN 三黄鸡 1.2kg 只 36.00 27.00 4 9 3
        MILK-1L 纯牛奶 1L 盒 12.50 9.10 20 66 25
        YOGURT-4 原味酸奶 4x100g 组 13.90 9.80 12 40 10
        CHEESE-166 奶酪棒 166g 袋 19.90 14.20 6 14 0
    """,
    "饮料酒水": """
        WATER-550 矿泉水 550ml 瓶 2.00 1.05 48 260 96
        WATER-24 矿泉水整箱 24瓶 箱 36.00 24.50 5 20 8
        COLA-500 可乐 500ml 瓶 3.50 2.30 36 144 60
        TEA-500 冰红茶 500ml 瓶 3.00 1.95 36 130 30
        JUICE-1L 橙汁 1L 盒 12.90 9.00 12 28 14
        BEER-500 青岛啤酒 500ml 罐 6.50 4.60 24 96 48
        BAIJIU-500 二锅头 500ml 瓶 18.90 13.40 6 22 10
    """,
    "休闲零食": """
        CHIPS-104 薯片 104g 袋 8.90 6.10 15 52 21
        BISCUIT-200 苏打饼干 200g 袋 6.90 4.40 12 36 16
        PEANUT-300 五香花生 300g 袋 9.80 6.60 10 24 9
        CHOCO-80 牛奶巧克力 80g 块 10.90 7.50 12 31 2
        SEED-260 香瓜子 260g 袋 11.80 8.10 10 27 13
        JELLY-400 果冻 400g 袋 12.50 8.60 8 0 17
        NUTS-500 混合坚果 500g 罐 59.00 43.00 4 9 5
    """,
    "日用百货": """
        TISSUE-3 抽纸 3包 提 12.90 8.90 20 72 35
        ROLL-10 卷筒纸 10卷 提 29.90 21.80 10 31 18
        SOAP-108 香皂 108g 块 5.50 3.60 15 48 22
        SHAMPOO-500 洗发水 500ml 瓶 39.90 28.80 6 15 7
        DETERG-2KG 洗衣液 2kg 瓶 35.90 26.20 8 21 6
        BRUSH-2 软毛牙刷 2支 卡 12.80 8.20 8 25 14
        PASTE-140 牙膏 140g 支 14.90 10.10 10 38 19
        BAG-30 垃圾袋 30只 卷 8.90 5.70 12 44 0
    """,
    "冷冻食品": """
        DUMPL-1KG 猪肉水饺 1kg 袋 29.90 21.50 8 24 11
        BUN-600 奶黄包 600g 袋 19.80 13.90 6 16 8
        TANGY-500 黑芝麻汤圆 500g 袋 16.90 11.80 6 19 3
        SHRIMP-400 虾仁 400g 袋 45.00 34.50 4 10 6
        ICE-5 雪糕 5支 盒 22.50 15.90 8 28 12
        BEEF-500 肥牛卷 500g 盒 49.90 38.60 4 0 9
    """,
}


class SignIn(NamedTuple):
    """A login of the demo, its password, and the person it belongs to."""

    login: str
    password: str
    role: str


SIGN_INS = [
    SignIn("owner", PASSWORD, "老板 / owner"),
    *(
        SignIn(login, PASSWORD, f"{name} / {role.name.lower()}")
        for login, (name, role) in PEOPLE.items()
    ),
]


class Begun(NamedTuple):
    """The demo's tenant as it was founded: its owner and its first store."""

    tenant: UUID
    owner: UUID
    east: UUID


async def seed(settings: Settings) -> list[SignIn]:
    """Create the demo in an empty database, or finish an interrupted one. Returns its sign-ins.

    Does nothing and returns an empty list if the database has other tenants only.
    """
    vault = Vault(settings.secret, settings.former_secret)
    db = Database(settings.database_url, _unheard, pool_size=2, vault=vault)
    try:
        begun = await _begun(db)
        if begun is None:
            if await rows.has_tenants(db):
                return []
            begun = await _create_tenant(db)
        if not await _complete(db, begun):
            await _furnish(db, settings, begun)
        return SIGN_INS
    finally:
        await db.close()


async def _begun(db: Database) -> Begun | None:
    east = await rows.resolve_name(db, "store", next(iter(STORES)))
    if east is None:
        return None
    tenant = east.tenant_id
    owners = await rows.accounts(db, "owner", tenant)
    if not owners:
        return None
    async with db.read(tenant) as session:
        named = (await rows.tenants_by_id(session, tenant, [tenant]))[tenant].name
    return Begun(tenant, owners[0].id, east.subject_id) if named == NAME else None


async def _complete(db: Database, begun: Begun) -> bool:
    """Whether the demo is complete: a shipment is written last."""
    async with db.read(begun.tenant) as session:
        return await transfers.any_shipped(session, begun.tenant)


async def _unheard(_tenant: UUID, _stores: object) -> None:
    """Sends no nudge: no process follows the stores yet."""


def _key(*parts: str) -> UUID:
    return uuid5(NAMESPACE_URL, "/".join(("kucun-demo", *parts)))


async def _create_tenant(db: Database) -> Begun:
    code, name = next(iter(STORES.items()))
    founded = await stores.create_tenant(
        db, NAME, "owner", PASSWORD, code, name, owner_name="张老板"
    )
    return Begun(founded.tenant.tenant_id, founded.owner.id, founded.store.id)


async def _furnish(db: Database, settings: Settings, begun: Begun) -> None:
    gate = Gate(db, settings)
    scope, east = Scope(begun.tenant, Role.OWNER), frozenset((begun.east,))
    owner = Viewer(scope, begun.owner, "张老板", east)
    opened = {next(iter(STORES)): begun.east}
    for code, name in list(STORES.items())[1:]:
        key = _key("store") if code == "demo-west" else _key("store", code)
        opened[code] = (await stores.create_store(gate, owner, key, code, name)).id
    both, every = list(opened.values())[:2], frozenset(opened.values())
    owner = Viewer(scope, begun.owner, "张老板", every)
    people = {"owner": begun.owner}
    for login, (name, role) in PEOPLE.items():
        own = [] if role is Role.PURCHASER else both
        person = await staff.invite_staff(
            gate, owner, _key("staff", login), login, name, PASSWORD, role, own
        )
        people[login] = person.id
        if own:
            # In two steps: an older demo's people are there already, in its two stores.
            key, stores_now = _key("staff-stores", login), list(opened.values())
            await staff.set_staff_role(gate, owner, key, person.id, role, stores_now)
    products = [
        (good, await _product(db, owner, good, number, category))
        for category, number, good in await _goods(db, owner)
    ]
    listed = [product.id for _, product in products]
    request = AssortmentRequest(_key("assortment"), listed, None, both, None, listed=True)
    await set_assortment(db, owner, request)
    await _run_out(db, owner, both, products)
    lane: Lane[Draft, Outcome] = Lane(settings.database_url, PostDrafts(), _unheard, connections=1)
    try:
        books = Books(db, lane, Cookbook(db))
        trade = Trade(books, begun.tenant, begun.owner, opened, _key)
        await stock_up(trade, products)
        await furnish(trade)
        await paperwork(Desk(trade, people, {good.sku: product for good, product in products}))
    finally:
        await lane.close()


async def _goods(db: Database, owner: Viewer) -> list[tuple[UUID, int, Good]]:
    goods: list[tuple[UUID, int, Good]] = []
    for name, lines in GOODS.items():
        category = await categories.create_category(db, owner, _key("category", name), name)
        for line in lines.strip().splitlines():
            goods.append((category.id, len(goods) + 1, Good(*line.split())))
    return goods


async def _product(db: Database, owner: Viewer, good: Good, number: int, category: UUID) -> Product:
    price = int(Decimal(good.price) * 10_000)
    most = Decimal(good.reorder_point) * OVERSTOCKED
    described = ProductDescription(good.name, good.spec, price, category, overstock_point=most)
    code = f"6901234{number:05d}"
    product = await create_product(
        db,
        owner,
        _key("product", good.sku),
        ProductRequest(
            good.sku,
            good.unit,
            "GOODS",
            described,
            [code + check_digit(code)],
            tracks_batches=good.sku in FRESH,
            shelf_life_days=FRESH[good.sku][0] if good.sku in FRESH else None,
        ),
    )
    key = _key("reorder", good.sku)
    return await products.set_reorder_point(
        db, owner, key, product.id, None, Decimal(good.reorder_point)
    )


async def _run_out(
    db: Database, owner: Viewer, both: Sequence[UUID], stocked: Sequence[tuple[Good, Product]]
) -> None:
    """Open the levels of goods that a store lists without stock, by a threshold of their own."""
    for good, product in stocked:
        for store, held in zip(both, (good.east, good.west), strict=True):
            if not Decimal(held):
                point = Decimal(good.reorder_point)
                key = _key("reorder", good.sku, str(store))
                await products.set_reorder_point(db, owner, key, product.id, store, point)
