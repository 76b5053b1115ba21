"""Channel accounts: links, listings and their stock pushes, and messages received from shops."""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    Uuid,
    and_,
    bindparam,
    func,
    literal_column,
    or_,
    select,
    update,
)
from sqlalchemy.dialects.postgresql import insert

from app.db.core.snapshot import AnySession
from app.db.core.statement import Statement, among, arrays, rows
from app.db.core.unit import Unit
from app.db.menu import sellable_by_offer
from app.db.tables import ChannelLink, Feed, Listing, Product, ShopMessage

MESSAGES = ShopMessage.__table__.c
NEW: ColumnElement[str] = literal_column("'NEW'")
WAITING: ColumnElement[str] = literal_column("'WAITING'")
"""Literals, so that every plan can use the partial index of waiting rows."""


async def links_by_id(
    session: AnySession, tenant: UUID, ids: Collection[UUID]
) -> Sequence[ChannelLink]:
    query = select(ChannelLink).where(ChannelLink.tenant_id == tenant, among(ChannelLink.id, ids))
    return (await session.scalars(query)).all()


async def links(
    session: AnySession, tenant: UUID, stores: Collection[UUID]
) -> Sequence[ChannelLink]:
    """The accounts of these stores that are connected."""
    L = ChannelLink
    query = select(L).where(L.tenant_id == tenant, among(L.store_id, stores), L.ended_at.is_(None))
    return (await session.scalars(query.order_by(L.store_id, L.channel))).all()


async def locked_link(unit: Unit, id: UUID) -> ChannelLink | None:
    L = ChannelLink
    query = select(L).where(L.tenant_id == unit.tenant, L.id == id, L.ended_at.is_(None))
    return await unit.session.scalar(query.with_for_update())


async def listings_of(
    session: AnySession, tenant: UUID, links: Collection[UUID]
) -> Sequence[Listing]:
    query = select(Listing).where(Listing.tenant_id == tenant, among(Listing.link_id, links))
    return (await session.scalars(query.order_by(Listing.link_id, Listing.sku))).all()


async def listings_by_id(
    session: AnySession, tenant: UUID, ids: Collection[UUID]
) -> Sequence[Listing]:
    query = select(Listing).where(Listing.tenant_id == tenant, among(Listing.id, ids))
    return (await session.scalars(query)).all()


async def due_links(
    session: AnySession, tenant: UUID, now: datetime, recheck: datetime
) -> Sequence[ChannelLink]:
    """Accounts that no process leases and that have changes to push or were last checked before
    `recheck`.

    Accounts without changes are checked too, because time alone changes what can be sold."""
    L, F = ChannelLink, Feed
    again = (
        select(Listing.id)
        .where(Listing.tenant_id == L.tenant_id, Listing.link_id == L.id)
        # NEW: never pushed, or the process died before it recorded the answer.
        .where(or_(Listing.state == NEW, and_(Listing.state == WAITING, Listing.next_at <= now)))
        .exists()
    )
    query = (
        select(L)
        .join(F, and_(F.tenant_id == L.tenant_id, F.store_id == L.store_id))
        .where(L.tenant_id == tenant, L.ended_at.is_(None))
        .where(or_(L.leased_until.is_(None), L.leased_until <= now))
        .where(or_(F.revision > L.revision, again, L.leased_until <= recheck))
    )
    return (await session.scalars(query)).all()


async def lease(unit: Unit, link: UUID, until: datetime) -> bool:
    """Lease the account until then; False when another process has it."""
    L = ChannelLink
    free = or_(L.leased_until.is_(None), L.leased_until <= unit.now)
    taken = update(L).where(L.tenant_id == unit.tenant, L.id == link, free, L.ended_at.is_(None))
    rows = await unit.session.execute(taken.values(leased_until=until).returning(L.id))
    return rows.first() is not None


async def release(unit: Unit, link: UUID, revision: int | None) -> None:
    """End the lease; `revision` is the store revision pushed in full, None when not in full."""
    L = ChannelLink
    pushed = L.revision if revision is None else func.greatest(L.revision, revision)
    mine = update(L).where(L.tenant_id == unit.tenant, L.id == link)
    await unit.session.execute(mine.values(leased_until=unit.now, revision=pushed))


class Offered(NamedTuple):
    """The stock to push for a listing, in whole units of the product."""

    listing: Listing
    stock: int


async def offered(
    session: AnySession, tenant: UUID, link: ChannelLink
) -> tuple[int, list[Offered]]:
    """The store's revision, and the stock to push for each listing at that revision."""
    F = Feed
    head = select(F.revision).where(F.tenant_id == tenant, F.store_id == link.store_id)
    revision = (await session.execute(head)).scalar_one()
    listings = await listings_of(session, tenant, [link.id])
    scales = select(Product.id, Product.scale).where(
        Product.tenant_id == tenant, among(Product.id, {each.product_id for each in listings})
    )
    scale = {row[0]: row[1] for row in await session.execute(scales)}
    offers = {(link.store_id, each.product_id, link.channel) for each in listings}
    sellable = await sellable_by_offer(session, tenant, offers)
    return revision, [
        Offered(
            each,
            sellable[link.store_id, each.product_id, link.channel] // scale[each.product_id],
        )
        for each in listings
    ]


async def begin_push(unit: Unit, listing: UUID, revision: int) -> bool:
    """Begin a push at this revision; False when a newer one has begun."""
    mine = update(Listing).where(Listing.tenant_id == unit.tenant, Listing.id == listing)
    begun = mine.where(Listing.pushed_revision <= revision).values(
        pushed_revision=revision, state="NEW"
    )
    return (await unit.session.execute(begun.returning(Listing.id))).first() is not None


async def record_push(unit: Unit, listing: UUID, revision: int, count: int) -> None:
    """Record that the shop accepted `count`."""
    accepted = {"pushed": count, "pushed_at": unit.now, "state": "PUSHED"}
    await _record(unit, listing, revision, **accepted, attempts=0, next_at=None, error=None)


async def record_failure(
    unit: Unit, listing: UUID, revision: int, error: str, next_at: datetime | None
) -> None:
    """Record why the shop refused, and when to try again; None: never, the listing is DEAD."""
    state = "DEAD" if next_at is None else "WAITING"
    failure = {"attempts": Listing.attempts + 1, "next_at": next_at, "error": error[:500]}
    await _record(unit, listing, revision, state=state, **failure)


async def _record(unit: Unit, listing: UUID, revision: int, **outcome: Any) -> None:
    """Record the outcome of a push. If a newer push began meanwhile, push again: the shop may have
    received the two in either order."""
    mine = update(Listing).where(Listing.tenant_id == unit.tenant, Listing.id == listing)
    current = mine.where(Listing.pushed_revision == revision).values(outcome)
    if (await unit.session.execute(current.returning(Listing.id))).first() is None:
        await unit.session.execute(mine.values(state="WAITING", next_at=unit.now))


def _insert_messages() -> Statement:
    messages = rows("message", MESSAGES.id, MESSAGES.order_number)
    owner = bindparam("tenant", type_=Uuid()), bindparam("link", type_=Uuid())
    names = ["tenant_id", "link_id", "id", "order_number"]
    put = insert(ShopMessage).from_select(names, select(*owner, *messages.c))
    return Statement(put.on_conflict_do_nothing())


INSERT_MESSAGES = _insert_messages()


async def keep_messages(unit: Unit, link: UUID, messages: Sequence[tuple[str, str]]) -> None:
    """Store (id, order number) of a shop's messages; a repeated id is stored once."""
    columns = arrays("message", ["id", "order_number"], messages)
    await INSERT_MESSAGES.fetch(unit.raw, tenant=unit.tenant, link=link, **columns)


async def due_messages(unit: Unit, patience: timedelta, limit: int) -> Sequence[ShopMessage]:
    """Take due messages, which no other process takes before `patience` has passed."""
    M = ShopMessage
    due = (
        select(M.link_id, M.id)
        .where(M.tenant_id == unit.tenant, M.state == WAITING, M.next_at <= unit.now)
        .order_by(M.received_at)
        .limit(limit)
        .with_for_update(skip_locked=True)
        .cte("due")
    )
    taken = (
        update(M)
        .where(M.tenant_id == unit.tenant, M.link_id == due.c.link_id, M.id == due.c.id)
        .values(next_at=unit.now + patience, attempts=M.attempts + 1)
        .returning(M)
    )
    return (await unit.session.scalars(taken)).all()


async def record_followed(
    unit: Unit, message: ShopMessage, state: str, error: str | None, next_at: datetime
) -> None:
    """Record the outcome of processing a message, and when to try again."""
    M = ShopMessage
    mine = update(M).where(
        M.tenant_id == unit.tenant, M.link_id == message.link_id, M.id == message.id
    )
    text = None if error is None else error[:500]
    await unit.session.execute(mine.values(state=state, error=text, next_at=next_at))


async def revive(unit: Unit, link: UUID) -> None:
    """Make the account's DEAD listings and messages due again."""
    for table in (Listing, ShopMessage):
        dead = (table.tenant_id == unit.tenant, table.link_id == link, table.state == "DEAD")
        again = update(table).where(*dead)
        await unit.session.execute(again.values(state="WAITING", attempts=0, next_at=unit.now))


class Lag(NamedTuple):
    """How far a shop is behind the store. `waiting` and `dead` count listings and messages."""

    link: ChannelLink
    revision: int
    since: datetime | None
    waiting: int
    dead: int
    error: str | None


async def lags(session: AnySession, tenant: UUID, stores: Collection[UUID]) -> list[Lag]:
    L, S, M, F = ChannelLink, Listing, ShopMessage, Feed

    def counted(table: type[Listing] | type[ShopMessage], *states: str) -> list[Any]:
        return [
            select(func.count())
            .where(table.tenant_id == L.tenant_id, table.link_id == L.id)
            .where(table.state == state)
            .scalar_subquery()
            for state in states
        ]

    error = (
        select(S.error)
        .where(S.tenant_id == L.tenant_id, S.link_id == L.id, S.error.is_not(None))
        .order_by(S.attempts.desc())
        .limit(1)
        .scalar_subquery()
    )
    message_error = (
        select(M.error)
        .where(M.tenant_id == L.tenant_id, M.link_id == L.id, M.error.is_not(None))
        .order_by(M.received_at.desc())
        .limit(1)
        .scalar_subquery()
    )
    pushed_at = (
        select(func.max(S.pushed_at))
        .where(S.tenant_id == L.tenant_id, S.link_id == L.id)
        .scalar_subquery()
    )
    query = (
        select(
            L,
            F.revision,
            pushed_at,
            *counted(S, "NEW", "WAITING", "DEAD"),
            *counted(M, "WAITING", "DEAD"),
            func.coalesce(error, message_error),
        )
        .join(F, and_(F.tenant_id == L.tenant_id, F.store_id == L.store_id))
        .where(L.tenant_id == tenant, among(L.store_id, stores), L.ended_at.is_(None))
        .order_by(L.store_id, L.channel)
    )
    rows: Any = await session.execute(query)
    return [
        Lag(link, revision, at, new + waiting + messages_waiting, dead + messages_dead, why)
        for link, revision, at, new, waiting, dead, messages_waiting, messages_dead, why in rows
    ]
