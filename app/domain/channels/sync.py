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

from app.db import channel_accounts as rows
from app.db import orders as order_rows
from app.db.channel_accounts import Offered
from app.db.core.unit import Database, clock
from app.db.tables import ChannelLink, Order, ShopMessage
from app.domain.access import Role, Scope, Viewer
from app.domain.channels.accounts import Shops
from app.domain.documents import orders
from app.domain.documents.orders import OrderRequest
from app.domain.errors import Malformed, Refusal, Refused
from app.domain.movements.record import Books
from app.domain.rules.texts import InvalidText
from app.domain.rules.units import LIMIT
from app.platforms.platform import ShopError, ShopOrder

LEASE = timedelta(seconds=60)
"""Three times longer than a shop is ever waited for: for its token and its answer, twice."""

UNSEEN = timedelta(seconds=60)
"""A day that ends, a batch that is too old: so late does a shop hear what no commit tells."""

AT_ONCE = 10
ROUNDS = 4
"""So many listings are told at once, so often in a turn."""

ATTEMPTS = 300
"""A day, five minutes apart."""

MOST = 999_999
"""What a shop is told of what nothing limits."""

STEPS = 4
"""An order is placed, paid, cancelled: no shop's order has more to be followed."""


async def tell(db: Database, shops: Shops, tenant: UUID) -> None:
    """Tells the tenant's shops what they may sell, where that is not what they were told."""
    async with db.read(tenant) as session:
        now = clock()
        due = await rows.due_links(session, tenant, now, now - UNSEEN)
    async with asyncio.TaskGroup() as links:
        for link in due:
            links.create_task(_tell(db, shops, link))


async def _tell(db: Database, shops: Shops, link: ChannelLink) -> None:
    for _ in range(ROUNDS):
        async with db.unit(link.tenant_id) as unit:
            if not await rows.lease(unit, link.id, unit.now + LEASE):
                return
        revision, more = None, False
        try:
            revision, more = await _round(db, shops, link)
        finally:
            async with db.unit(link.tenant_id) as unit:
                await rows.release(unit, link.id, revision)
        if not more:
            return


async def _round(db: Database, shops: Shops, link: ChannelLink) -> tuple[int | None, bool]:
    """The revision at which the shop has been told of all but what is dead, None when it was
    not; and whether there is more to tell at once."""
    async with db.read(link.tenant_id) as session:
        revision, offered = await rows.offered(session, link.tenant_id, link)
    now = clock()
    waiting = [each for each in offered if _is_untold(each)]
    due = [each for each in waiting if _is_due(each, now)]
    async with asyncio.TaskGroup() as pushes:
        tasks = [
            pushes.create_task(_push(db, shops, link, revision, each)) for each in due[:AT_ONCE]
        ]
    well = all(task.result() for task in tasks)
    return (revision if well and len(tasks) == len(waiting) else None), well and len(due) > AT_ONCE


def _is_untold(offered: Offered) -> bool:
    listing = offered.listing
    if listing.state == "TOLD":
        return listing.told != min(offered.stock, MOST)
    return listing.state != "DEAD"


def _is_due(offered: Offered, now: datetime) -> bool:
    listing = offered.listing
    return listing.state != "WAITING" or (listing.next_at is not None and listing.next_at <= now)


async def _push(
    db: Database, shops: Shops, link: ChannelLink, revision: int, offered: Offered
) -> bool:
    """Whether the shop has it now."""
    listing, count = offered.listing, min(offered.stock, MOST)
    async with db.unit(link.tenant_id) as unit:
        # A stale push is dropped: its number is older than what the shop was told.
        if not await rows.begin_push(unit, listing.id, revision):
            return False
    # Time alone may change a number: what is another number is another push.
    mark = f"{listing.id.hex}-{revision}-{count}"
    try:
        await shops.of(link).set_stock(listing.sku, listing.item, count, mark)
    except ShopError as error:
        again = error.passing and listing.attempts + 1 < ATTEMPTS
        async with db.unit(link.tenant_id) as unit:
            next_at = later(unit.now, listing.attempts) if again else None
            await rows.record_failure(unit, listing.id, revision, str(error), next_at)
        return False
    async with db.unit(link.tenant_id) as unit:
        await rows.record_push(unit, listing.id, revision, count)
    return True


def later(now: datetime, attempts: int) -> datetime:
    """1, 2, 4 … seconds, at most five minutes."""
    return now + timedelta(seconds=min(2 ** min(attempts, 9), 300))


async def follow(books: Books, shops: Shops, tenant: UUID) -> None:
    """Brings our orders to the state in which the shops that spoke of them have theirs."""
    for _ in range(ROUNDS):
        async with books.db.unit(tenant) as unit:
            due = await rows.due_messages(unit, LEASE, AT_ONCE)
        async with asyncio.TaskGroup() as messages:
            for message in due:
                messages.create_task(_follow(books, shops, message))
        if len(due) < AT_ONCE:
            return


async def _follow(books: Books, shops: Shops, message: ShopMessage) -> None:
    async with books.db.read(message.tenant_id) as session:
        [link] = await rows.links_by_id(session, message.tenant_id, [message.link_id])
    error, passing = await _followed(books, shops, link, message)
    async with books.db.unit(message.tenant_id) as unit:
        again = passing and message.attempts < ATTEMPTS
        state = "DONE" if error is None else "WAITING" if again else "DEAD"
        next_at = later(unit.now, message.attempts)
        await rows.record_followed(unit, message, state, error, next_at)


async def _followed(
    books: Books, shops: Shops, link: ChannelLink, message: ShopMessage
) -> tuple[str | None, bool]:
    """What went wrong, and whether it may go well later."""
    try:
        shop = shops.of(link)
        for _ in range(STEPS):
            # Asked again after each change: what it answered before may be older than what
            # others did meanwhile, who found no order to cancel.
            if not await _bring(books, link, await shop.order(message.order_number)):
                break
    except ShopError as error:
        return str(error), error.passing
    except Refused as refused:
        # What is short may come in, whoever waits for a lock gets it.
        return type(refused.refusal).__name__, True
    except (Malformed, InvalidText) as error:
        return str(error), False
    return None, False


async def _bring(books: Books, link: ChannelLink, theirs: ShopOrder) -> bool:
    """Whether anything was to be changed."""
    async with books.db.read(link.tenant_id) as session:
        ours = await order_rows.order_of_shop(session, link.tenant_id, link.channel, theirs.number)
    placed = ours is None and theirs.state != "CANCELLED"
    if ours is None:
        if not placed:
            return False
        ours = await _place(books, link, theirs)
    viewer, key = _machine(link, ours.store_id), uuid5(ours.id, theirs.state)
    if theirs.state == "PAID" and ours.state in ("HELD", "EXPIRED"):
        await orders.pay(books, viewer, key, ours.id, theirs.number)
    elif theirs.state == "CANCELLED" and ours.state in ("HELD", "PAID"):
        await orders.cancel(books.db, viewer, key, ours, "渠道取消")
    else:
        return placed
    return True


class _Line(NamedTuple):
    product_id: UUID
    quantity: Decimal
    code: str | None = None
    packs: Decimal | None = None
    unit: str | None = None


async def _place(books: Books, link: ChannelLink, theirs: ShopOrder) -> Order:
    async with books.db.read(link.tenant_id) as session:
        listings = await rows.listings_of(session, link.tenant_id, [link.id])
    products = {each.sku: each.product_id for each in listings}
    if unknown := {line.sku for line in theirs.lines} - products.keys():
        raise Malformed(
            None,
            f"渠道货号 {'、'.join(sorted(unknown))} 没有对应的商品",
            f"No product is listed as SKU {', '.join(sorted(unknown))}.",
        )
    lines: Sequence[_Line] = [
        _Line(products[line.sku], Decimal(min(line.quantity, LIMIT))) for line in theirs.lines
    ]
    # The key is the shop's own number: however often it is told, it is one order.
    key = uuid5(link.id, theirs.number)
    wanted = OrderRequest(
        key, link.store_id, link.channel, theirs.contact, external_id=theirs.number
    )
    placed = await orders.place(books, _machine(link, link.store_id), wanted, lines)
    if isinstance(placed, Refusal):
        raise Refused(placed)
    return placed


def _machine(link: ChannelLink, store: UUID) -> Viewer:
    """Who acts in a store when a shop says so."""
    scope = Scope(link.tenant_id, Role.INTEGRATOR, frozenset({"order:write"}))
    stores = frozenset([store])
    return Viewer(scope, link.id, link.channel, stores, stores)
