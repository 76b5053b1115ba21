"""Shops of channels: their accounts, what they were told of each product, what they said."""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import Uuid, and_, bindparam, func, literal_column, or_, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from app.db.core.statement import Statement, among, arrays, rows
from app.db.core.unit import Unit
from app.db.menu import sellable_by_offer
from app.db.tables import ChannelLink, Feed, Listing, Product, ShopMessage

SAID = ShopMessage.__table__.c
NEW, WAITING = literal_column("'NEW'"), literal_column("'WAITING'")
"""Spelled out, so that the index of what waits is found by every plan."""


async def links_by_id(
    session: AsyncSession, tenant: UUID, ids: Collection[UUID]
) -> Sequence[ChannelLink]:
    query = select(ChannelLink).where(ChannelLink.tenant_id == tenant, among(ChannelLink.id, ids))
    return (await session.scalars(query)).all()


async def links(
    session: AsyncSession, tenant: UUID, stores: Collection[UUID]
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
    session: AsyncSession, tenant: UUID, links: Collection[UUID]
) -> Sequence[Listing]:
    query = select(Listing).where(Listing.tenant_id == tenant, among(Listing.link_id, links))
    return (await session.scalars(query.order_by(Listing.link_id, Listing.sku))).all()


async def listings_by_id(
    session: AsyncSession, tenant: UUID, ids: Collection[UUID]
) -> Sequence[Listing]:
    query = select(Listing).where(Listing.tenant_id == tenant, among(Listing.id, ids))
    return (await session.scalars(query)).all()


async def due_links(
    session: AsyncSession, tenant: UUID, now: datetime, unseen: datetime
) -> Sequence[ChannelLink]:
    """Accounts whose shop was not told of all that happened, or that nobody looked at since
    `unseen`: time alone changes what can be sold. Nobody tells them just now."""
    L, F = ChannelLink, Feed
    again = (
        select(Listing.id)
        .where(Listing.tenant_id == L.tenant_id, Listing.link_id == L.id)
        # What is NEW was never told, or by somebody who died before the answer was noted.
        .where(or_(Listing.state == NEW, and_(Listing.state == WAITING, Listing.next_at <= now)))
        .exists()
    )
    query = (
        select(L)
        .join(F, and_(F.tenant_id == L.tenant_id, F.store_id == L.store_id))
        .where(L.tenant_id == tenant, L.ended_at.is_(None))
        .where(or_(L.leased_until.is_(None), L.leased_until <= now))
        .where(or_(F.revision > L.revision, again, L.leased_until <= unseen))
    )
    return (await session.scalars(query)).all()


async def lease(unit: Unit, link: UUID, until: datetime) -> bool:
    """Whether the account is the caller's alone until then."""
    L = ChannelLink
    free = or_(L.leased_until.is_(None), L.leased_until <= unit.now)
    taken = update(L).where(L.tenant_id == unit.tenant, L.id == link, free, L.ended_at.is_(None))
    found = await unit.session.execute(taken.values(leased_until=until).returning(L.id))
    return found.first() is not None


async def release(unit: Unit, link: UUID, revision: int | None) -> None:
    """Gives the account back; `revision` is what its shop was told of, None: not all of it."""
    L = ChannelLink
    told = L.revision if revision is None else func.greatest(L.revision, revision)
    mine = update(L).where(L.tenant_id == unit.tenant, L.id == link)
    await unit.session.execute(mine.values(leased_until=unit.now, revision=told))


class Offered(NamedTuple):
    """What a shop should say of a listing, in whole units of the product."""

    listing: Listing
    count: int


async def offered(
    session: AsyncSession, tenant: UUID, link: ChannelLink
) -> tuple[int, list[Offered]]:
    """What the shop should say of all it lists, and the store's revision all that is true at."""
    F = Feed
    head = select(F.revision).where(F.tenant_id == tenant, F.store_id == link.store_id)
    revision = (await session.execute(head)).scalar_one()
    listings = await listings_of(session, tenant, [link.id])
    scales = select(Product.id, Product.scale).where(
        Product.tenant_id == tenant, among(Product.id, {each.product_id for each in listings})
    )
    scale = {row[0]: row[1] for row in await session.execute(scales)}
    wanted = {(link.store_id, each.product_id, link.channel) for each in listings}
    found = await sellable_by_offer(session, tenant, wanted)
    return revision, [
        Offered(
            each,
            found[link.store_id, each.product_id, link.channel] // scale[each.product_id],
        )
        for each in listings
    ]


async def begin(unit: Unit, listing: UUID, revision: int) -> bool:
    """Whether nothing newer was told or is being told: then this may be."""
    mine = update(Listing).where(Listing.tenant_id == unit.tenant, Listing.id == listing)
    begun = mine.where(Listing.told_revision <= revision).values(
        told_revision=revision, state="NEW"
    )
    return (await unit.session.execute(begun.returning(Listing.id))).first() is not None


async def told(unit: Unit, listing: UUID, revision: int, count: int) -> None:
    """Notes that the shop has it."""
    right = {"told": count, "told_at": unit.now, "state": "TOLD"}
    await _note(unit, listing, revision, **right, attempts=0, next_at=None, error=None)


async def untold(
    unit: Unit, listing: UUID, revision: int, error: str, next_at: datetime | None
) -> None:
    """Notes why the shop did not take it, and when it is tried again; None: it is dead."""
    state = "DEAD" if next_at is None else "WAITING"
    tried = {"attempts": Listing.attempts + 1, "next_at": next_at, "error": error[:500]}
    await _note(unit, listing, revision, state=state, **tried)


async def _note(unit: Unit, listing: UUID, revision: int, **outcome: Any) -> None:
    """When something newer was begun meanwhile, nobody knows which of the two came last: it is
    told once more."""
    mine = update(Listing).where(Listing.tenant_id == unit.tenant, Listing.id == listing)
    noted = mine.where(Listing.told_revision == revision).values(outcome)
    if (await unit.session.execute(noted.returning(Listing.id))).first() is None:
        await unit.session.execute(mine.values(state="WAITING", next_at=unit.now))


def _keeping() -> Statement:
    said = rows("said", SAID.id, SAID.order_number)
    whose = bindparam("tenant", type_=Uuid()), bindparam("link", type_=Uuid())
    names = ["tenant_id", "link_id", "id", "order_number"]
    put = insert(ShopMessage).from_select(names, select(*whose, *said.c))
    return Statement(put.on_conflict_do_nothing())


KEEP = _keeping()


async def keep(unit: Unit, link: UUID, messages: Sequence[tuple[str, str]]) -> None:
    """Keeps (id, order number) of what a shop said; what it said before is kept once."""
    told = arrays("said", ["id", "order_number"], messages)
    await KEEP.fetch(unit.raw, tenant=unit.tenant, link=link, **told)


async def due_messages(unit: Unit, patience: timedelta, limit: int) -> Sequence[ShopMessage]:
    """Messages to be followed now; nobody else looks at them as long as patience lasts."""
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


async def followed(
    unit: Unit, message: ShopMessage, state: str, error: str | None, next_at: datetime
) -> None:
    M = ShopMessage
    mine = update(M).where(
        M.tenant_id == unit.tenant, M.link_id == message.link_id, M.id == message.id
    )
    told = None if error is None else error[:500]
    await unit.session.execute(mine.values(state=state, error=told, next_at=next_at))


async def revive(unit: Unit, link: UUID) -> None:
    """Whatever is dead of this account is due."""
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


async def lags(session: AsyncSession, tenant: UUID, stores: Collection[UUID]) -> list[Lag]:
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
    said = (
        select(M.error)
        .where(M.tenant_id == L.tenant_id, M.link_id == L.id, M.error.is_not(None))
        .order_by(M.received_at.desc())
        .limit(1)
        .scalar_subquery()
    )
    told_at = (
        select(func.max(S.told_at))
        .where(S.tenant_id == L.tenant_id, S.link_id == L.id)
        .scalar_subquery()
    )
    query = (
        select(
            L,
            F.revision,
            told_at,
            *counted(S, "NEW", "WAITING", "DEAD"),
            *counted(M, "WAITING", "DEAD"),
            func.coalesce(error, said),
        )
        .join(F, and_(F.tenant_id == L.tenant_id, F.store_id == L.store_id))
        .where(L.tenant_id == tenant, among(L.store_id, stores), L.ended_at.is_(None))
        .order_by(L.store_id, L.channel)
    )
    found: Any = await session.execute(query)
    return [
        Lag(link, revision, at, new + waiting + said_waiting, dead + said_dead, why)
        for link, revision, at, new, waiting, dead, said_waiting, said_dead, why in found
    ]
