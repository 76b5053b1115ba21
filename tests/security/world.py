"""Two tenants with two stores each, filled with canaries, and everyone who reads them."""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

from app.db.core.unit import Database
from app.db.customers import add_customer
from app.db.tables import Customer
from app.domain.access import SCOPES, Role, Scope
from app.domain.people.sign_in import open_session
from app.domain.people.tokens import Signer
from tests.conftest import SECRET
from tests.security.scanning import scan_goods
from tests.security.secrets import (
    STORES,
    TENANTS,
    Canary,
    Reader,
    cost_of,
    numbers,
    slot,
    stock_of,
)
from tests.support.api import Desk, mutation
from tests.support.identity import CREATE_KEY, CREATE_STORE, Asking, Chain, a_chain
from tests.support.sheets import PREVIEW, commit, upload, workbook

EXPIRY = "2099-01-31"


LETTERS = str.maketrans("0123456789", "ghijklmnop")


@dataclass
class World:
    """What was seeded: ids by (tenant, store), canaries, and readers by name."""

    asking: Asking
    desks: list[Desk]
    places: dict[tuple[int, int], dict[str, Any]] = field(default_factory=dict)
    canaries: list[Canary] = field(default_factory=numbers)
    readers: dict[str, Reader] = field(default_factory=dict)
    customer: dict[str, str] = field(default_factory=dict)
    """The id and token of the order that the reader `customer` placed."""

    def store(self, tenant: int, store: int) -> UUID:
        return UUID(self.places[tenant, store]["store"])

    def text(self, secret: str, tenant: int, *stores: int) -> str:
        """A new text that stands for this secret."""
        # Letters only: digits may be the digits of a phone number, which is masked.
        mark = uuid4().hex[:12].translate(LETTERS)
        text = f"canary{secret.replace('_', '')}{mark}z"
        self.canaries.append(Canary(secret, tenant, stores, text))
        return text

    def contact(self, tenant: int, store: int) -> str:
        """A new phone number, which staff read masked."""
        text = f"139{len(self.canaries):04d}8{tenant}{store}7"
        self.canaries.append(Canary("contact", tenant, (store,), text))
        return text


@dataclass
class Seeding:
    """Fills one store of a tenant; `place` collects the ids of what it books."""

    world: World
    tenant: int
    store: int
    desk: Desk
    clerk: str
    place: dict[str, Any]

    def text(self, secret: str) -> str:
        return self.world.text(secret, self.tenant, self.store)

    def quantity(self, secret: str) -> str:
        return str(slot(secret, self.tenant, self.store))

    async def do(self, name: str, /, by: str | None = None, **input: Any) -> Any:
        answer = await self.desk.do(name, by=by, **input)
        assert "code" not in answer, (name, answer)
        return answer

    async def fill(self) -> None:
        await self.wait()
        await self.order()
        await self.move()
        await self.buy()
        await self.warn()
        await self.configure()
        await self.sell_pass()
        await self.take_stock()
        self.place["scanSession"] = await scan_goods(self)

    async def receive(self) -> None:
        """Stock of a plain product, and of one with batches."""
        where = {"storeId": self.place["store"], "note": self.text("movement")}
        cost = {"unitCost": cost_of(self.tenant, self.store)}
        plain = await self.desk.line("米", stock_of(self.tenant, self.store), **cost)
        supplier = self.world.text("supplier", self.tenant)
        self.place["batchNo"] = number = self.world.text("batch", self.tenant)
        batch = {"batchNo": number, "expiresOn": EXPIRY, "supplier": supplier}
        milk = await self.desk.line("奶", stock_of(self.tenant, self.store) + 1000, **cost, **batch)
        await self.do("receive", **where, lines=[plain, milk], document=uuid4().hex)
        sale = await self.do("sell", **where, by=self.clerk, lines=[await self.desk.line("米", 5)])
        self.place["movement"] = sale["id"]
        one = [await self.desk.line("米", 1)]
        await self.do("returnSale", saleId=sale["id"], lines=one, disposition="SHELF")
        two = await self.do("receive", **where, lines=[await self.desk.line("米", 2, **cost)])
        await self.do("reverse", movementId=two["id"])

    async def order(self) -> None:
        """An order that staff placed: paid, with its contact and note."""
        contact = self.world.contact(self.tenant, self.store)
        quantity, note = self.quantity("order"), self.text("order_text")
        answer = await self.placed(quantity, contact, note, by=self.clerk)
        self.place["order"] = answer["id"]
        await self.do("payOrder", by=self.clerk, orderId=answer["id"])

    async def placed(
        self, quantity: str, contact: str, note: str, by: str | None = None
    ) -> dict[str, Any]:
        lines = [await self.desk.line("米", quantity)]
        input = {"store": self.place["code"], "channel": "WECHAT", "lines": lines}
        answer = await self.desk.asking(
            mutation("placeOrder"),
            by,
            input={"key": str(uuid4()), **input, "contact": contact, "note": note},
        )
        assert "code" not in answer, answer
        return answer

    async def move(self) -> None:
        """A write-off that waits, one that was approved, and a transfer on its way."""
        for decided in (True, False):
            quantity = 5 if decided else self.quantity("write_off")
            row = await self.do(
                "requestWriteOff",
                by=self.clerk,
                storeId=self.place["store"],
                lines=[await self.desk.line("奶", quantity)],
                reason=self.text("write_off_text"),
                note=self.text("write_off_text"),
                photoUrls=[f"https://photos.example/{self.text('write_off_text')}.jpg"],
            )
            if decided:
                await self.do("approveWriteOff", by=self.desk.owner, writeOffId=row["id"])
        self.place["writeOff"] = row["id"]
        other = self.world.places[self.tenant, 1 - self.store]["store"]
        lines = [await self.desk.line("米", self.quantity("transfer"))]
        note = self.world.text("transfer_text", self.tenant, *STORES)
        requested = await self.do(
            "requestReplenishment", storeId=self.place["store"], lines=lines, note=note
        )
        at = {"transferId": requested["id"]}
        await self.do("approveReplenishment", **at, fromStoreId=other, lines=lines)
        await self.do("shipTransfer", **at)
        some = {"productId": lines[0]["productId"], "received": "5"}
        await self.do("receiveTransfer", **at, lines=[some])
        self.place["transfer"] = requested["id"]

    async def wait(self) -> None:
        """Own use above the clerk's limit, which waits for a second person."""
        await self.do("setWriteOffLimit", role="CASHIER", amount="0.01")
        refused = await self.desk.do(
            "consume",
            by=self.clerk,
            storeId=self.place["store"],
            lines=[await self.desk.line("米", self.quantity("approval"))],
            reason=self.text("approval_text"),
            note=self.text("approval_text"),
        )
        await self.do("setWriteOffLimit", role="CASHIER")
        self.place["approval"] = refused["approval"]["id"]

    async def buy(self) -> None:
        """A purchase order, delivered in part."""
        supplier = await self.do(
            "createSupplier",
            **{
                name: self.world.text("supplier", self.tenant)
                for name in ("name", "contact", "note")
            },
            leadDays=37,
        )
        self.place["supplier"] = supplier["id"]
        cost = {"unitCost": cost_of(self.tenant, self.store)}
        lines = [await self.desk.line("米", self.quantity("purchase"), **cost)]
        ordered = await self.do(
            "createPurchaseOrder",
            supplierId=supplier["id"],
            storeId=self.place["store"],
            lines=lines,
            number=self.text("purchase_text"),
            note=self.text("purchase_text"),
        )
        self.place["purchaseOrder"] = ordered["id"]
        some = [await self.desk.line("米", 7, **cost)]
        await self.do("receivePurchaseOrder", purchaseOrderId=ordered["id"], lines=some)

    async def warn(self) -> None:
        """A sale of goods that the books do not have, which raises an alert."""
        short = [await self.desk.line("缺", self.quantity("alert"))]
        at = {"storeId": self.place["store"]}
        await self.do("sell", by=self.clerk, **at, lines=short, acceptShortage=True)

    async def configure(self) -> None:
        """Thresholds, channel rules, a channel's account, and recipes of the store's goods."""
        at = {"storeId": self.place["store"], "productId": await self.desk.product("米")}
        await self.do("setReorderPoint", **at, quantity=self.quantity("reorder"))
        await self.do("setChannelBuffer", **at, channel="WECHAT", quantity=self.quantity("buffer"))
        await self.do("setChannelQuota", **at, channel="DELIVERY", quantity="7")
        await self.do("setChannelPause", **at, channel="DELIVERY", paused=False)
        link = await self.do(
            "connectChannel",
            storeId=self.place["store"],
            channel="DOUYIN",
            appId=self.text("channel"),
            secret=self.text("sealed"),
            shopId=uuid4().hex[:12],
        )
        listing = {"linkId": link["id"], "productId": at["productId"]}
        await self.do("setListing", **listing, sku=self.text("channel"))

    async def sell_pass(self) -> None:
        card, at = await self.desk.product("洗发卡"), {"storeId": self.place["store"]}
        customer = self.world.text("pass_text", self.tenant)
        sold = await self.do(
            "sellPass", by=self.clerk, **at, productId=card, customer=customer, uses=3
        )
        self.place["pass"] = sold["id"]
        await self.do("redeem", by=self.clerk, **at, passId=sold["id"])

    async def take_stock(self) -> None:
        """A stocktake that is open, with a count and a reason."""
        products = [self.place["product"], await self.desk.product("奶")]
        at = {"storeId": self.place["store"], "productIds": products}
        zone = self.text("stocktake_text")
        row = await self.do("openStocktake", **at, zones=[zone])
        self.place["stocktake"] = row["id"]
        rare = {**at, "productIds": [await self.desk.product("缺")]}
        self.place["closed"] = (await self.do("openStocktake", **rare))["id"]
        await self.do("closeStocktake", stocktakeId=self.place["closed"])
        line = {"productId": products[0], "quantity": "1"}
        counted = await self.do(
            "count", by=self.clerk, stocktakeId=row["id"], zone=zone, lines=[line]
        )
        for each in counted["lines"]:
            text = {"reason": self.text("stocktake_text"), "note": self.text("stocktake_text")}
            await self.do("explainVariance", lineId=each["id"], **text)


async def a_world(db: Database, asking: Asking) -> World:
    """Both tenants with all canaries, and the readers."""
    chains = [await a_chain(db, asking) for _ in TENANTS]
    world = World(asking, [Desk(chain, "", "") for chain in chains])
    for tenant in TENANTS:
        await create_store_and_products(world, tenant)
        seedings = [await settled(world, tenant, store) for store in STORES]
        for seeding in seedings:
            await seeding.receive()
        for seeding in seedings:
            await seeding.fill()
    await enlist(world)
    await join(db, world)
    return world


async def create_store_and_products(world: World, tenant: int) -> None:
    """The second store, and the products, as the owner creates them."""
    desk = world.desks[tenant]
    store = desk.chain.founded.store
    code, name = f"s{uuid4().hex[:10]}", "分店"
    second = await desk.chain.do(CREATE_STORE, code=code, name=name, timezone="Asia/Shanghai")
    world.places[tenant, 0] = {"store": desk.store, "code": store.code}
    world.places[tenant, 1] = {"store": second["id"], "code": code}
    barcode = world.text("barcode", tenant)
    category = await desk.do("createCategory", name="粮油")
    overstock = str(slot("overstock", tenant, 0))
    more = {"price": "0.07", "categoryId": category["id"], "overstockPoint": overstock}
    rice = await desk.product("米", sku=sku(), barcodes=[uuid4().hex], spec="5kg", **more)
    await desk.do("addBarcode", productId=rice, code=barcode, packQuantity="12")
    await desk.do("setUnits", productId=rice, units=[{"name": "箱", "quantity": "12"}])
    await desk.product("奶", sku=sku(), tracksBatches=True, shelfLifeDays=30)
    await desk.product("缺", sku=sku())
    dish = await desk.product("饭", sku=sku(), kind="DISH", unit="份", price="0.07")
    wash = await desk.product("洗发", sku=sku(), kind="SERVICE", unit="次")
    card = await desk.product("洗发卡", sku=sku(), kind="PASS", unit="次")
    part = {"productId": rice, "quantity": str(slot("recipe", tenant, 0))}
    use = {"productId": wash, "quantity": "1"}
    small = {"productId": rice, "quantity": "1"}
    for product, component in ((dish, part), (wash, small), (card, use)):
        await desk.do("setRecipe", productId=product, components=[component])
    rows = ("货号", "品名", "单位", "售价"), ("N1", "盐", "袋", "贵"), ("N2", "糖", "袋", 3)
    file = (await upload(desk, workbook(*rows))).json()["fileId"]
    shown = await desk.ask(PREVIEW, file=file, kind="PRODUCTS")
    committed = await commit(desk, shown["token"])
    for place in (world.places[tenant, store] for store in STORES):
        place |= {"file": file, "import": committed["id"]}
        place |= {"product": rice, "dish": dish, "card": card, "barcode": barcode}


def sku() -> str:
    """A SKU that reads like no number."""
    return f"sku{uuid4().hex}"


async def settled(world: World, tenant: int, store: int) -> Seeding:
    """What fills a store, with a clerk of its own."""
    desk, place = world.desks[tenant], world.places[tenant, store]
    name = world.text("staff", tenant)
    _, tokens = await desk.chain.hired(name=name, storeIds=[place["store"]])
    return Seeding(world, tenant, store, desk, tokens["accessToken"], place)


async def enlist(world: World) -> None:
    """Everyone who reads: people of the first tenant, its keys, and the other tenant's owner."""
    add = world.readers.__setitem__
    add("guest", Reader("guest"))
    await order_as_customer(world)
    chain = world.desks[0].chain
    people = [
        ("cashier", "CASHIER", (0,)),
        ("manager", "MANAGER", (0,)),
        ("manager of the other store", "MANAGER", (1,)),
        ("purchaser", "PURCHASER", ()),
    ]
    for name, role, stores in people:
        own = [str(world.store(0, store)) for store in stores]
        person, tokens = await chain.hired(role=role, name=f"员工{name}", storeIds=own)
        scope = scope_of(chain, Role[role], own=own)
        add(name, Reader(name, tokens["accessToken"], 0, scope))
        world.places[0, 0].setdefault("staff", person["id"])
    for tenant, name in ((0, "owner"), (1, "owner of another tenant")):
        chain = world.desks[tenant].chain
        own = [str(world.store(tenant, store)) for store in STORES]
        add(name, Reader(name, chain.token, tenant, scope_of(chain, Role.OWNER, own=own)))
    keys = await asyncio.gather(*(a_key(world.desks[0].chain, scope) for scope in sorted(SCOPES)))
    world.readers |= {key.name: key for key in keys}


def scope_of(chain: Chain, role: Role, scopes: Iterable[str] = (), own: Any = ()) -> Scope:
    tenant = chain.founded.store.tenant_id
    return Scope(tenant, role, frozenset(scopes), frozenset(map(UUID, own)))


async def a_key(chain: Chain, scope: str) -> Reader:
    name = f"key {scope}"
    scopes = [scope.upper().replace(":", "_")]
    key = await chain.do(CREATE_KEY, name=name, scopes=scopes)
    return Reader(name, key["secret"], 0, scope_of(chain, Role.INTEGRATOR, [scope]))


async def order_as_customer(world: World) -> None:
    """An order whose token the reader `customer` has; they may read all of it."""
    seeding = Seeding(world, 0, 0, world.desks[0], "", world.places[0, 0])
    first = len(world.canaries)
    contact = world.contact(0, 0)
    answer = await seeding.placed("2", contact, seeding.text("customer_text"))
    texts = {each.text for each in world.canaries[first:]}
    world.customer |= {"id": answer["id"], "token": answer["token"]}
    world.readers["customer"] = Reader("customer", knows=frozenset(texts))


async def join(db: Database, world: World) -> None:
    """A customer with an account and an order of their own, whose texts they know."""
    tenant, id = world.desks[0].chain.founded.store.tenant_id, uuid4()
    async with db.unit(tenant) as unit:
        name = f"WECHAT app {id.hex}"
        sealed = {"sealed_identity": db.vault.seal(tenant, id, name)}
        index = db.vault.index(tenant, name)
        await add_customer(unit, Customer(id=id, channel="WECHAT", identity_index=index, **sealed))
        signed = await open_session(Signer(SECRET), unit, None, customer_id=id)
    seeding = Seeding(world, 0, 0, world.desks[0], "", world.places[0, 0])
    first = len(world.canaries)
    contact, note = world.contact(0, 0), seeding.text("customer_text")
    await seeding.placed("2", contact, note, by=signed.access_token)
    texts = frozenset(each.text for each in world.canaries[first:])
    scope = Scope(tenant, Role.CUSTOMER)
    world.readers["member"] = Reader("member", signed.access_token, 0, scope, texts)


def moment() -> str:
    return datetime.now(UTC).isoformat()


def today() -> str:
    return datetime.now(UTC).date().isoformat()
