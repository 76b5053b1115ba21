"""The language of ledger tests: `shop = await a_shop(...)`, `await shop.receive("milk", 10)`."""

import asyncio
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

from app.db import feed
from app.db.batches import ArrivingBatch as Arriving
from app.db.batches import batches_by_id, batches_of
from app.db.core.lane import Lane
from app.db.core.unit import Database
from app.db.stock import entries_of
from app.db.tables import Feed, Level, Product, Store, Tenant
from app.domain.access import Role, Scope, Viewer
from app.domain.catalog.cookbook import NO_WISH, Cookbook
from app.domain.catalog.recipes import Ingredient, set_recipe
from app.domain.claims import fingerprint_of
from app.domain.ledger.draft import Draft, Line, Place, batch_id, reversed_lines
from app.domain.ledger.post import Outcome
from app.domain.rules.days import store_day
from app.domain.rules.fefo import NEVER
from app.domain.rules.kinds import Kind
from app.domain.rules.units import scale_of


@dataclass
class Shop:
    """One tenant; products are named, and created when first named."""

    db: Database
    lane: Lane
    tenant: UUID
    actor: UUID
    store: UUID
    products: dict[str, UUID] = field(default_factory=dict)
    base_url: str = ""
    token: str = ""

    async def product(
        self, name: str, unit: str = "袋", batches: bool = False, kind: str = "GOODS"
    ) -> UUID:
        if name not in self.products:
            self.products[name] = uuid4()
            async with self.db.unit(self.tenant) as unit_of_work:
                unit_of_work.session.add(
                    Product(
                        tenant_id=self.tenant,
                        id=self.products[name],
                        sku=name,
                        name=name,
                        kind=kind,
                        unit=unit,
                        scale=scale_of(unit),
                        tracks_batches=batches,
                        price=333,
                        search=name,
                        pinyin=name,
                    )
                )
        return self.products[name]

    async def another_store(self, timezone: str = "Asia/Shanghai") -> UUID:
        store = uuid4()
        columns = {"tenant_id": self.tenant, "code": store.hex, "name": "分店"}
        async with self.db.unit(self.tenant) as unit:
            unit.session.add(Store(id=store, timezone=timezone, **columns))
            await unit.session.flush()
            unit.session.add(Feed(tenant_id=self.tenant, store_id=store))
        return store

    async def draft(
        self, kind: Kind, *lines: tuple[str, Any], key: UUID | None = None, **more: Any
    ) -> Draft:
        """A draft along the kind's route in this shop's store, or `store=`."""
        store = more.pop("store", self.store)
        source, target = kind.value.source, kind.value.target
        assert source
        assert target
        moves = [
            Line(
                await self.product(name),
                Decimal(str(quantity)),
                Place(store, source),
                Place(store, target),
                listed=target == "customer",
            )
            for name, quantity in lines
        ]
        return Draft(
            kind,
            store,
            self.actor,
            key or uuid4(),
            tuple(moves),
            fingerprint_of(kind, store, lines),
            datetime.now(UTC),
            **more,
        )

    async def post(self, draft: Draft) -> Outcome:
        return await self.lane.submit(self.tenant, draft)

    async def do(self, kind: Kind, *lines: tuple[str, Any], **more: Any) -> Outcome:
        return await self.post(await self.draft(kind, *lines, **more))

    async def order(
        self, *lines: tuple[str, Any], lane: Lane | None = None, **more: Any
    ) -> Outcome:
        """A sale of dishes, by the recipes in force."""
        draft = await self.draft(Kind.SALE, *lines, **more)
        cookbook = Cookbook(self.db)
        wishes = [NO_WISH] * len(draft.lines)
        exploded = await cookbook.explode(self.tenant, draft.lines, wishes, draft.channel)
        exploded_draft = replace(draft, lines=exploded.lines, recipes=exploded.recipes)
        return await (lane or self.lane).submit(self.tenant, exploded_draft)

    @property
    def owner(self) -> Viewer:
        stores = frozenset([self.store])
        return Viewer(Scope(self.tenant, Role.OWNER, own=stores), self.actor, "老板", stores)

    async def cook(self, dish: str, **parts: int) -> None:
        """Sets a dish's recipe: so many of each part's unit."""
        product = await self.product(dish, unit="份", kind="DISH")
        ingredients = [
            Ingredient(await self.product(name), Decimal(n)) for name, n in parts.items()
        ]
        await set_recipe(self.db, self.owner, uuid4(), product, ingredients, None, None)

    async def receive(self, name: str, quantity: Any) -> Outcome:
        return await self.do(Kind.RECEIPT, (name, quantity))

    async def sell(self, name: str, quantity: Any, **more: Any) -> Outcome:
        return await self.do(Kind.SALE, (name, quantity), **more)

    async def deliver(
        self, name: str, quantity: Any, number: str, expires_on: date = NEVER, **more: Any
    ) -> Outcome:
        """One batch of a product that keeps batches on the shelf.

        It is received; if it has expired it is counted there, as receipts put it aside.
        """
        product = await self.product(name, batches=True)
        expired = expires_on < day(0)
        id = batch_id(product, number, expires_on)
        moment = datetime.now(UTC)
        arriving = Arriving(id, product, number, expires_on, None, None, None, moment)
        kind = Kind.GAIN if expired else Kind.RECEIPT
        draft = await self.draft(kind, (name, quantity), **more)
        [line] = draft.lines
        return await self.post(replace(draft, lines=(with_batches(line, (id,), arriving),)))

    async def take(self, kind: Kind, name: str, quantity: Any, *batches: UUID) -> Outcome:
        """A movement that names its batches."""
        draft = await self.draft(kind, (name, quantity))
        [line] = draft.lines
        return await self.post(replace(draft, lines=(with_batches(line, batches, None),)))

    async def batches(self, name: str, store: UUID | None = None) -> dict[str, int]:
        """What is on the shelf of each batch, by its number, in the order of FEFO."""
        pair = store or self.store, await self.product(name)
        async with self.db.read(self.tenant) as session:
            held = await batches_of(session, self.tenant, [pair])
            ids = [row.batch_id for row in held]
            numbers = {b.id: b.number for b in await batches_by_id(session, self.tenant, ids)}
        return {numbers[row.batch_id]: row.shelf for row in held}

    async def sell_at_once(self, buyers: int, name: str, quantity: Any) -> list[Outcome]:
        drafts = [await self.draft(Kind.SALE, (name, quantity)) for _ in range(buyers)]
        return await asyncio.gather(*map(self.post, drafts))

    async def reverse(self, movement: Any, key: UUID | None = None) -> Outcome:
        async with self.db.read(self.tenant) as session:
            entries = await entries_of(session, self.tenant, [movement.id])
        return await self.post(
            Draft(
                Kind.REVERSAL,
                movement.store_id,
                self.actor,
                key or uuid4(),
                reversed_lines(entries),
                fingerprint_of(Kind.REVERSAL, movement.id),
                datetime.now(UTC),
                reverses_id=movement.id,
            )
        )

    async def level(self, name: str, store: UUID | None = None) -> Level:
        """The level, also one that only a refused request has opened."""
        where, product = store or self.store, await self.product(name)
        _, levels = await feed.levels(self.db, self.tenant, where)
        shown = next((level for level in levels if level.product_id == product), None)
        if shown is not None:
            return shown
        async with self.db.read(self.tenant) as session:
            level = await session.get(Level, (self.tenant, where, product))
        assert level is not None
        return level

    async def bins(self, name: str) -> tuple[int, int, int, int]:
        level = await self.level(name)
        return level.shelf, level.reserved, level.quarantine, level.transit


def day(days: int) -> date:
    """So many days from today, by the clock of a shop in China."""
    return store_day(datetime.now(UTC), "Asia/Shanghai") + timedelta(days=days)


def with_batches(line: Line, batches: tuple[UUID, ...], arriving: Arriving | None) -> Line:
    return replace(line, batches=batches, arriving=arriving)


async def a_shop(db: Database, lane: Lane) -> Shop:
    tenant, store = uuid4(), uuid4()
    async with db.unit(tenant) as unit:
        unit.session.add(Tenant(tenant_id=tenant, code=tenant.hex, name="测试"))
    shop = Shop(db, lane, tenant, uuid4(), store)
    shop.store = await shop.another_store()
    return shop
