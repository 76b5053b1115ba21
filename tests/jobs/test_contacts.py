"""Contacts at rest: sealed when they are stored, afterwards, and again for a new secret."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest
from sqlalchemy import select

from app.db.core.audit import audit
from app.db.core.lane import Lane
from app.db.core.unit import Database
from app.db.core.vault import Vault
from app.db.orders import locked_order
from app.db.tables import Order, Pass
from app.domain.catalog.cookbook import Cookbook
from app.domain.documents import orders, placement
from app.domain.documents.placement import OrderRequest
from app.domain.errors import KeyReused
from app.domain.ledger.post import PostDrafts
from app.domain.movements.record import Books
from app.domain.people import contacts, customers
from app.domain.people.customers import seal_contacts
from app.jobs.retention import CONTACTS_KEPT, trim_before
from app.run.embedded import Urls
from tests.conftest import SECRET, Cloning, unheard
from tests.support.identity import eventually
from tests.support.orders import OrderDesk
from tests.support.salon import Salon, a_salon
from tests.support.shop import a_shop

PHONE = "13712345678"
NEXT_SECRET = "the secret after that, known to the tests only"


@dataclass
class Sealed:
    """A shop on a database of its own, whose columns may be read as an intruder reads them."""

    desk: OrderDesk
    salon: Salon
    owner: asyncpg.Connection
    urls: Urls

    @property
    def tenant(self) -> UUID:
        return self.desk.shop.tenant

    async def holding(self, text: str) -> list[str]:
        """The tables in which this text is readable: what somebody with a dump finds."""
        tables = await self.owner.fetch(
            "SELECT relname FROM pg_class "
            "WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace "
            "ORDER BY relname"
        )
        # A dump writes bytes as hexadecimal digits.
        spellings = [f"%{each}%" for each in (text, text.encode().hex())]
        return [
            table
            for (table,) in tables
            if await self.owner.fetch(
                f'SELECT FROM "{table}" AS t WHERE t::text LIKE ANY ($1)', spellings
            )
        ]

    async def unseal(self) -> None:
        """Store the contacts as the version before did."""
        for table, column in (("orders", "contact"), ("passes", "customer")):
            await self.owner.execute(
                f"UPDATE {table} SET {column} = $1, sealed_contact = NULL, contact_index = NULL",
                PHONE,
            )

    async def rows(self) -> list[Any]:
        async with self.desk.shop.db.read(self.tenant) as session:
            return [row for table in (Order, Pass) for row in await session.scalars(select(table))]

    def opened(self, secret: str, row: Any) -> str | None:
        return contacts.contact_of(Vault(secret), row)


@pytest.fixture
async def sealed(clone: Cloning) -> AsyncIterator[Sealed]:
    urls = await clone()
    db = Database(urls.database, unheard, 4, Vault(SECRET))
    lane = Lane(urls.database, PostDrafts(), unheard)
    owner = await asyncpg.connect(urls.owner)
    shop = await a_shop(db, lane)
    await shop.receive("米", 10)
    yield Sealed(OrderDesk(shop), await a_salon(shop, "REDEEM"), owner, urls)
    assert await audit(urls.owner) == []
    await owner.close()
    await lane.close()
    await db.close()


async def test_no_column_holds_a_phone_number(sealed: Sealed) -> None:
    desk, key = sealed.desk, uuid4()
    for contact in (PHONE, "张三 137 1234 5678"):
        arguments: Any = {"contact": contact, "note": f"打 {contact}", "guest": True}
        assert isinstance(await desk.place(("米", 1), **arguments), Order)
    order = await desk.place(("米", 1), key=key)
    assert (await desk.place(("米", 1), key=key)).id == order.id
    assert isinstance(await desk.place(("米", 1), key=key, contact=PHONE), KeyReused)
    await orders.cancel(desk.shop.db, desk.viewer, uuid4(), order, f"{PHONE} 不要了")
    assert isinstance(await sealed.salon.sell(), Pass)
    assert await sealed.holding("137****5678") == ["movements", "orders"]
    for text in (PHONE, "13800138000", "1234567", "1234 5678", "00138000"):
        assert await sealed.holding(text) == []


async def test_no_fingerprint_can_be_guessed(sealed: Sealed) -> None:
    """Hashing a known request with every phone number does not reveal the number."""
    first = await place_beside(sealed, SECRET)
    assert await place_beside(sealed, SECRET) == first
    assert await place_beside(sealed, NEXT_SECRET) != first


async def place_beside(sealed: Sealed, secret: str) -> bytes:
    """The fingerprint of the same order, placed by a server with this secret."""
    db = Database(sealed.urls.database, unheard, 2, Vault(secret))
    shop = sealed.desk.shop
    request = OrderRequest(uuid4(), shop.store, "WECHAT", PHONE)
    books = Books(db, shop.lane, Cookbook(db))
    line = await sealed.desk.requests(("米", 1))
    order = await placement.place(books, shop.owner, request, line)
    assert isinstance(order, Order)
    await db.close()
    stored = "SELECT fingerprint FROM requests WHERE key = $1"
    [row] = await sealed.owner.fetch(stored, request.key)
    return bytes(row["fingerprint"])


async def test_contacts_of_the_version_before_are_sealed(
    sealed: Sealed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(customers, "BATCH", 2)
    for _ in range(5):
        await sealed.desk.place(("米", 1))
    await sealed.salon.sell()
    await sealed.unseal()
    assert await sealed.holding(PHONE) == ["orders", "passes"]
    assert {sealed.opened(SECRET, row) for row in await sealed.rows()} == {PHONE}
    await asyncio.gather(*(seal_contacts(sealed.desk.shop.db, sealed.tenant) for _ in range(2)))
    await seal_contacts(sealed.desk.shop.db, sealed.tenant)
    assert await sealed.holding(PHONE) == []
    rows = await sealed.rows()
    assert {sealed.opened(SECRET, row) for row in rows} == {PHONE}
    assert len({row.contact_index for row in rows}) == 1


async def test_a_plain_contact_that_is_being_changed_is_erased_as_well(sealed: Sealed) -> None:
    order = await sealed.desk.place(("米", 1))
    await sealed.salon.sell()
    await sealed.unseal()
    db, viewer = sealed.desk.shop.db, sealed.desk.viewer
    async with db.unit(sealed.tenant) as unit:
        await locked_order(unit, order.id)
        erasing = asyncio.create_task(customers.erase(db, viewer, uuid4(), f"李 {PHONE}"))
        # It waits for the order that this unit holds, after it has sealed everything else.
        await eventually(lambda: only_orders_hold(sealed))
    assert await erasing == (1, 1, 0)
    assert await sealed.holding(PHONE) == []
    assert {sealed.opened(SECRET, row) for row in await sealed.rows()} == {None}


async def only_orders_hold(sealed: Sealed) -> bool:
    return await sealed.holding(PHONE) == ["orders"]


async def test_a_new_secret_replaces_the_former_one(sealed: Sealed) -> None:
    await sealed.desk.place(("米", 1))
    await sealed.salon.sell()
    db = Database(sealed.urls.database, unheard, 2, Vault(NEXT_SECRET, SECRET))
    assert {sealed.opened(NEXT_SECRET, row) for row in await sealed.rows()} == {None}
    await seal_contacts(db, sealed.tenant)
    before = await sealed.rows()
    assert {sealed.opened(NEXT_SECRET, row) for row in before} == {"13800138000"}
    await seal_contacts(db, sealed.tenant)
    assert [row.sealed_contact for row in before] == [
        row.sealed_contact for row in await sealed.rows()
    ]
    await db.close()


async def test_a_lost_secret_stops_no_other_row(
    sealed: Sealed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(customers, "BATCH", 1)
    for _ in range(3):
        await sealed.desk.place(("米", 1))
    await sealed.owner.execute("UPDATE orders SET sealed_contact = NULL, contact_index = NULL")
    await sealed.owner.execute("UPDATE orders SET contact = $1", PHONE)
    db = Database(sealed.urls.database, unheard, 2, Vault("x" * 32))
    await seal_contacts(db, sealed.tenant)
    await sealed.owner.execute(
        "UPDATE orders SET contact = $1, sealed_contact = NULL, contact_index = NULL "
        "WHERE id = (SELECT max(id::text)::uuid FROM orders)",
        PHONE,
    )
    await seal_contacts(sealed.desk.shop.db, sealed.tenant)
    opened = [sealed.opened(SECRET, row) for row in await sealed.rows()]
    assert sorted(map(str, opened)) == [PHONE, "None", "None"]
    await db.close()


async def test_contacts_of_guests_are_kept_for_thirty_days(sealed: Sealed) -> None:
    desk = sealed.desk
    guest = await desk.place(("米", 1), guest=True, note="不要袋子")
    ours = await desk.place(("米", 1))
    theirs = await desk.place(("米", 1), external_id="4711")
    open_ = await desk.place(("米", 1), guest=True)
    for order in (guest, ours, theirs):
        await desk.cancel(order)

    async def kept(after: timedelta) -> set[UUID]:
        await trim_before(desk.shop.db, sealed.tenant, datetime.now(UTC) + after)
        return {row.id for row in await sealed.rows() if row.sealed_contact is not None}

    everyone = {guest.id, ours.id, theirs.id, open_.id}
    assert await kept(CONTACTS_KEPT - timedelta(minutes=1)) == everyone
    assert await kept(CONTACTS_KEPT + timedelta(minutes=1)) == {ours.id, open_.id}
    [erased] = [row for row in await sealed.rows() if row.id == guest.id]
    assert (erased.contact_index, erased.note, erased.state) == (None, None, "CANCELLED")
    assert timedelta(days=30) == CONTACTS_KEPT
