"""Pushes: shops are told what can be sold, and what they say of orders is followed.

Neither waits for the other, and nothing is locked while a shop is asked. What fails is tried
again, ever later, and at last is dead until somebody looks at it.
"""

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import NamedTuple
from uuid import UUID, uuid5

from app.db import orders as order_rows
from app.db import shops as rows
from app.db.orders import OrderFilter
from app.db.shops import Offered
from app.db.tables import ChannelLink, Order, ShopMessage
from app.db.unit import Database, clock
from app.domain import orders
from app.domain.access import Role, Scope, Viewer
from app.domain.errors import Malformed, Refusal, Refused
from app.domain.orders import Wanted
from app.domain.rules.units import LIMIT
from app.domain.shops import Shops
from app.domain.stock import Books
from app.shops.shop import Shop, ShopError, ShopOrder

LEASE = timedelta(seconds=30)
"""Longer than any round of pushes: nobody else tells the shop meanwhile."""

AT_ONCE = 5
A_ROUND = 20
"""Listings told at once, and in one lease: four times 5 s at the most."""

ATTEMPTS = 8
MOST = 999_999
"""What a shop is told of what nothing limits."""


async def tell(db: Database, shops: Shops, tenant: UUID) -> None:
    """Tells the tenant's shops what they may sell, where that is not what they were told."""
    async with db.read(tenant) as session:
        due = await rows.due_links(session, tenant, clock())
    for link in due:
        async with db.unit(tenant) as unit:
            mine = await rows.lease(unit, link.id, unit.now + LEASE)
        if mine:
            await _tell(db, shops, link)


async def _tell(db: Database, shops: Shops, link: ChannelLink) -> None:
    async with db.read(link.tenant_id) as session:
        revision, offered = await rows.offered(session, link.tenant_id, link)
    now = clock()
    news = [each for each in offered if _is_news(each, now)]
    shop = shops.of(link)
    for start in range(0, min(len(news), A_ROUND), AT_ONCE):
        some = news[start : min(start + AT_ONCE, A_ROUND)]
        await asyncio.gather(*(_push(db, shop, link, revision, each) for each in some))
    async with db.unit(link.tenant_id) as unit:
        await rows.release(unit, link.id, revision if len(news) <= A_ROUND else None)


def _is_news(offered: Offered, now: datetime) -> bool:
    listing = offered.listing
    if listing.state == "DEAD":
        return False
    if listing.state == "WAITING":
        return listing.next_at is not None and listing.next_at <= now
    return listing.state == "NEW" or listing.told != min(offered.count, MOST)


async def _push(
    db: Database, shop: Shop, link: ChannelLink, revision: int, offered: Offered
) -> None:
    listing, count = offered.listing, min(offered.count, MOST)
    async with db.unit(link.tenant_id) as unit:
        # A stale push is dropped: its number is older than what the shop was told.
        if not await rows.begin(unit, listing.id, revision):
            return
    try:
        await shop.set_stock(listing.sku, listing.item, count, f"{listing.id.hex}-{revision}")
    except ShopError as error:
        again = error.passing and listing.attempts + 1 < ATTEMPTS
        async with db.unit(link.tenant_id) as unit:
            next_at = later(unit.now, listing.attempts) if again else None
            await rows.untold(unit, listing.id, str(error), next_at)
        return
    async with db.unit(link.tenant_id) as unit:
        await rows.told(unit, listing.id, revision, count)


def later(now: datetime, attempts: int) -> datetime:
    """1, 2, 4 … seconds, at most five minutes."""
    return now + timedelta(seconds=min(2**attempts, 300))


async def follow(books: Books, shops: Shops, tenant: UUID) -> None:
    """Brings our orders to the state in which the shops that spoke of them have theirs."""
    async with books.db.unit(tenant) as unit:
        due = await rows.due_messages(unit, LEASE, A_ROUND)
    for message in due:
        async with books.db.read(tenant) as session:
            [link] = await rows.links_by_id(session, tenant, [message.link_id])
        error, passing = await _followed(books, shops, link, message)
        async with books.db.unit(tenant) as unit:
            again = passing and message.attempts < ATTEMPTS
            state = "DONE" if error is None else "WAITING" if again else "DEAD"
            next_at = later(unit.now, message.attempts)
            await rows.followed(unit, message, state, error, next_at)


async def _followed(
    books: Books, shops: Shops, link: ChannelLink, message: ShopMessage
) -> tuple[str | None, bool]:
    """What went wrong, and whether it may go well later."""
    try:
        theirs = await shops.of(link).order(message.order_number)
        await _bring(books, link, theirs)
    except ShopError as error:
        return str(error), error.passing
    except Refused as refused:
        # What is short may come in, whoever waits for a lock gets it.
        return type(refused.refusal).__name__, True
    except Malformed as error:
        return str(error), False
    return None, False


async def _bring(books: Books, link: ChannelLink, theirs: ShopOrder) -> None:
    ours = await _ours(books.db, link, theirs.number)
    viewer = _machine(link)
    if ours is None:
        if theirs.state == "CANCELLED":
            return
        ours = await _place(books, link, viewer, theirs)
    key = uuid5(ours.id, theirs.state)
    if theirs.state == "PAID" and ours.state in ("HELD", "EXPIRED"):
        await orders.pay(books, viewer, key, ours.id, theirs.number)
    elif theirs.state == "CANCELLED" and ours.state in ("HELD", "PAID"):
        await orders.cancel(books.db, viewer, key, ours, "渠道取消")


async def _ours(db: Database, link: ChannelLink, number: str) -> Order | None:
    wanted = OrderFilter([link.store_id], channel=link.channel, external_id=number)
    async with db.read(link.tenant_id) as session:
        found = await order_rows.orders(session, link.tenant_id, wanted, None, 1)
    return found[0] if found else None


class _Line(NamedTuple):
    product_id: UUID
    quantity: Decimal
    code: str | None = None
    packs: Decimal | None = None
    unit: str | None = None


async def _place(books: Books, link: ChannelLink, viewer: Viewer, theirs: ShopOrder) -> Order:
    async with books.db.read(link.tenant_id) as session:
        listings = await rows.listings_of(session, link.tenant_id, [link.id])
    products = {each.sku: each.product_id for each in listings}
    if unknown := {line.sku for line in theirs.lines} - products.keys():
        raise Malformed(f"sku {', '.join(sorted(unknown))}: no product is listed by it")
    lines: Sequence[_Line] = [
        _Line(products[line.sku], Decimal(min(line.count, LIMIT))) for line in theirs.lines
    ]
    # The key is the shop's own number: however often it is told, it is one order.
    key = uuid5(link.id, theirs.number)
    wanted = Wanted(
        key, link.store_id, link.channel, theirs.contact[:100], external_id=theirs.number
    )
    placed = await orders.place(books, viewer, wanted, lines)
    if isinstance(placed, Refusal):
        raise Refused(placed)
    return placed


def _machine(link: ChannelLink) -> Viewer:
    """Who acts when a shop says so."""
    scope = Scope(link.tenant_id, Role.INTEGRATOR, frozenset({"order:write"}))
    stores = frozenset([link.store_id])
    return Viewer(scope, link.id, link.channel, stores, stores)
