"""Synchronization with shops: push the stock of their listings, and follow their orders.

Pushes and orders do not wait for each other, and no row is locked during a request to a shop.
Failures are retried with growing pauses; after `ATTEMPTS` they are DEAD until `retryChannel`.
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
from app.domain.documents import orders, placement
from app.domain.documents.placement import OrderRequest
from app.domain.errors import Malformed, Refusal, Refused
from app.domain.movements.record import Books
from app.domain.rules.phones import masked
from app.domain.rules.texts import InvalidText
from app.domain.rules.units import LIMIT
from app.platforms.platform import ShopError, ShopOrder

LEASE = timedelta(seconds=60)
"""Three times the longest wait for a shop: two tokens and two answers."""

RECHECK = timedelta(seconds=60)
"""Time alone changes what can be sold (a day ends, a batch gets too old): check this often."""

AT_ONCE = 10
"""Pushes, or messages, at the same time."""

ROUNDS = 4
"""Batches of `AT_ONCE` in one turn."""

ATTEMPTS = 300
"""About a day of attempts, five minutes apart."""

MOST = 999_999
"""Stock to push for a product that nothing limits."""

STEPS = 4
"""Most changes that follow an order: placed, paid, cancelled, and one read that finds none."""


async def push_stock(db: Database, shops: Shops, tenant: UUID) -> None:
    """Push to the tenant's shops the stock that differs from what was pushed last."""
    async with db.read(tenant) as session:
        now = clock()
        due = await rows.due_links(session, tenant, now, now - RECHECK)
    async with asyncio.TaskGroup() as links:
        for link in due:
            links.create_task(_push_account(db, shops, link))


async def _push_account(db: Database, shops: Shops, link: ChannelLink) -> None:
    """Push the account's listings under its lease, in up to `ROUNDS` batches."""
    for _ in range(ROUNDS):
        async with db.unit(link.tenant_id) as unit:
            if not await rows.lease(unit, link.id, unit.now + LEASE):
                return
        revision, more = None, False
        try:
            revision, more = await _push_batch(db, shops, link)
        finally:
            async with db.unit(link.tenant_id) as unit:
                await rows.release(unit, link.id, revision)
        if not more:
            return


async def _push_batch(db: Database, shops: Shops, link: ChannelLink) -> tuple[int | None, bool]:
    """Push up to `AT_ONCE` listings. Returns the store's revision if the shop now has every
    listing that is not DEAD, else None; and whether more listings are due now."""
    async with db.read(link.tenant_id) as session:
        revision, offered = await rows.offered(session, link.tenant_id, link)
    now = clock()
    waiting = [each for each in offered if _is_outdated(each)]
    due = [each for each in waiting if _is_due(each, now)]
    async with asyncio.TaskGroup() as pushes:
        tasks = [
            pushes.create_task(_push(db, shops, link, revision, each)) for each in due[:AT_ONCE]
        ]
    accepted = all(task.result() for task in tasks)
    complete = accepted and len(tasks) == len(waiting)
    return revision if complete else None, accepted and len(due) > AT_ONCE


def _is_outdated(offered: Offered) -> bool:
    listing = offered.listing
    if listing.state == "PUSHED":
        return listing.pushed != min(offered.stock, MOST)
    return listing.state != "DEAD"


def _is_due(offered: Offered, now: datetime) -> bool:
    listing = offered.listing
    return listing.state != "WAITING" or (listing.next_at is not None and listing.next_at <= now)


async def _push(
    db: Database, shops: Shops, link: ChannelLink, revision: int, offered: Offered
) -> bool:
    """Push one listing. Returns whether the shop accepted it."""
    listing, count = offered.listing, min(offered.stock, MOST)
    async with db.unit(link.tenant_id) as unit:
        # A push of an older revision than the last one is dropped.
        if not await rows.begin_push(unit, listing.id, revision):
            return False
    # The count is part of the key: time alone may change it at the same revision.
    mark = f"{listing.id.hex}-{revision}-{count}"
    try:
        await shops.of(link).set_stock(listing.sku, listing.item, count, mark)
    except ShopError as error:
        again = error.passing and listing.attempts + 1 < ATTEMPTS
        async with db.unit(link.tenant_id) as unit:
            next_at = later(unit.now, listing.attempts) if again else None
            await rows.record_failure(unit, listing.id, revision, masked(str(error)), next_at)
        return False
    async with db.unit(link.tenant_id) as unit:
        await rows.record_push(unit, listing.id, revision, count)
    return True


def later(now: datetime, attempts: int) -> datetime:
    """1, 2, 4 … seconds, at most five minutes."""
    return now + timedelta(seconds=min(2 ** min(attempts, 9), 300))


async def follow_orders(books: Books, shops: Shops, tenant: UUID) -> None:
    """Bring orders to the state that they have in the shops, for each message that is due."""
    for _ in range(ROUNDS):
        async with books.db.unit(tenant) as unit:
            due = await rows.due_messages(unit, LEASE, AT_ONCE)
        async with asyncio.TaskGroup() as messages:
            for message in due:
                messages.create_task(_process(books, shops, message))
        if len(due) < AT_ONCE:
            return


async def _process(books: Books, shops: Shops, message: ShopMessage) -> None:
    """Follow the message's order, and record the outcome."""
    async with books.db.read(message.tenant_id) as session:
        [link] = await rows.links_by_id(session, message.tenant_id, [message.link_id])
    error, passing = await _follow_order(books, shops, link, message.order_number)
    async with books.db.unit(message.tenant_id) as unit:
        again = passing and message.attempts < ATTEMPTS
        state = "DONE" if error is None else "WAITING" if again else "DEAD"
        next_at = later(unit.now, message.attempts)
        await rows.record_followed(unit, message, state, error and masked(error), next_at)


async def _follow_order(
    books: Books, shops: Shops, link: ChannelLink, number: str
) -> tuple[str | None, bool]:
    """The error, None if there was none; and whether a later attempt may succeed."""
    try:
        shop = shops.of(link)
        for _ in range(STEPS):
            # Read again after each change: an earlier answer may be older than a message that
            # was processed meanwhile and had no order to cancel yet.
            if not await _apply(books, link, await shop.order(number)):
                break
    except ShopError as error:
        return str(error), error.passing
    except Refused as refused:
        # Stock may arrive, and a lock becomes free.
        return type(refused.refusal).__name__, True
    except (Malformed, InvalidText) as error:
        return str(error), False
    return None, False


async def _apply(books: Books, link: ChannelLink, theirs: ShopOrder) -> bool:
    """Place, pay or cancel our order as the shop's order says. Returns whether it changed."""
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
    # The key derives from the shop's order number: repeated messages make one order, also when
    # the shop is connected again meanwhile.
    key = uuid5(link.tenant_id, f"{link.channel} {theirs.number}")
    request = OrderRequest(
        key, link.store_id, link.channel, theirs.contact, external_id=theirs.number
    )
    placed = await placement.place(books, _machine(link, link.store_id), request, lines)
    if isinstance(placed, Refusal):
        raise Refused(placed)
    return placed


def _machine(link: ChannelLink, store: UUID) -> Viewer:
    """The viewer that acts in a store for the shop's orders."""
    scope = Scope(link.tenant_id, Role.INTEGRATOR, frozenset({"order:write"}))
    stores = frozenset([store])
    return Viewer(scope, link.id, link.channel, stores)
