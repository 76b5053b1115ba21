"""Use cases of the stock topic: what a person asks for, made into a draft for the ledger."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple, Protocol, TypeVar
from uuid import UUID

from app.db import stock as rows
from app.db.core.lane import Lane, LaneFull
from app.db.core.unit import Database
from app.db.tables import Entry, Movement
from app.domain import access
from app.domain.access import Can, Viewer
from app.domain.catalog.cookbook import NO_WISH, Cookbook, Wish
from app.domain.claims import fingerprint_of
from app.domain.errors import BatchExpired, Busy, Malformed, OutOfStock, Refused, UnknownMovement
from app.domain.ledger.draft import Draft, Line, Outdated, Place, swapped
from app.domain.ledger.post import Outcome
from app.domain.ledger.reservations import freed, short_of
from app.domain.movements.batches import ARRIVING, SAID, LineRequest, resolve_batches
from app.domain.movements.lines import lines_of
from app.domain.rules.kinds import Kind
from app.domain.rules.texts import clean

NAMED = ("product_id", "code", "quantity", "packs", "unit", "without")
ATTEMPTS = 5
T = TypeVar("T")
AHEAD = timedelta(minutes=5)


class MovementInput(Protocol):
    """What every movement's input carries beside its lines."""

    @property
    def key(self) -> UUID: ...
    @property
    def reason(self) -> str | None: ...
    @property
    def note(self) -> str | None: ...
    @property
    def occurred_at(self) -> datetime | None: ...


class MovementHead(NamedTuple):
    """The paper of a movement that is made by its document."""

    key: UUID
    reason: str | None = None
    note: str | None = None
    occurred_at: datetime | None = None


class Books(NamedTuple):
    """What stock is recorded with."""

    db: Database
    lane: Lane[Draft, Outcome]
    cookbook: Cookbook

    async def post(self, tenant: UUID, draft: Draft) -> Outcome:
        """The movement, or the refusal; `Busy` when the lane could not take it.

        What is held for orders whose time is over is there for whoever needs it.
        """
        try:
            # What is there is taken first: only what is missing then was never on the books.
            plain = replace(draft, accept_shortage=False) if draft.accept_shortage else draft
            outcome = await self.lane.submit(tenant, plain)
            if isinstance(outcome, OutOfStock):
                async for _ in freed(self.db, tenant, short_of(draft.store, outcome)):
                    outcome = await self.lane.submit(tenant, plain)
                    if not isinstance(outcome, OutOfStock):
                        break
            if isinstance(outcome, OutOfStock | BatchExpired) and draft.accept_shortage:
                outcome = await self.lane.submit(tenant, draft)
            return outcome
        except LaneFull:
            return Busy()


async def record(
    books: Books,
    viewer: Viewer,
    kind: Kind,
    store: UUID,
    asked: Sequence[LineRequest],
    paper: MovementInput,
    **more: Any,
) -> Outcome:
    """Drafts the movement and posts it; once more when a recipe changed in between."""

    def drafting() -> Awaitable[Draft]:
        return draft(books, viewer, kind, store, asked, paper, **more)

    return (await until_current(books, viewer.tenant, drafting))[1]


async def until_current(
    books: Books, tenant: UUID, drafting: Callable[[], Awaitable[Draft]]
) -> tuple[Draft, Outcome]:
    """Drafts and posts, again when a recipe changed in between; the last draft, and its outcome."""
    attempt = 0
    while True:
        drafted = await drafting()
        outcome = await books.post(tenant, drafted)
        if not isinstance(outcome, Outdated):
            return drafted, outcome
        books.cookbook.forget(outcome.product_id)
        attempt += 1
        if attempt == ATTEMPTS:
            return drafted, Busy()


async def redrafted(books: Books, work: Callable[[], Awaitable[T]]) -> T:
    """Does a document's work, again when what it drafted was outdated under its locks.

    Raises Refused(Busy) when that never ends.
    """
    for _ in range(ATTEMPTS):
        try:
            return await work()
        except Refused as refused:
            if not isinstance(refused.refusal, Outdated):
                raise
            books.cookbook.forget(refused.refusal.product_id)
    raise Refused(Busy())


async def draft(
    books: Books,
    viewer: Viewer,
    kind: Kind,
    store: UUID,
    asked: Sequence[LineRequest],
    paper: MovementInput,
    **more: Any,
) -> Draft:
    """A movement along the kind's own route, of what its products are made of.

    `more` are further fields of `Draft`. Raises Refused for unknown codes and batches, Malformed
    for an empty or endless list of lines, for a line that names no product or two, and for a
    moment in the future.
    """
    source, target = kind.value.source, kind.value.target
    assert source is not None, f"{kind.name} has no route of its own"
    assert target is not None
    resolved = await lines_of(books.db, viewer.tenant, store, asked, source in ARRIVING)
    moment = _moment(paper.occurred_at)
    batches = await resolve_batches(books.db, viewer.tenant, store, resolved, source, moment)
    lines = [
        Line(
            product,
            quantity,
            Place(store, source),
            Place(store, target),
            getattr(line, "unit_cost", None),
            getattr(line, "expected_version", None),
            *batch,
        )
        for (line, product, quantity), batch in zip(resolved, batches, strict=True)
    ]
    wishes = [wish_of(line) for line in asked]
    channel = more.get("channel")
    exploded = await books.cookbook.explode(viewer.tenant, lines, wishes, channel)
    # What the client sent, not what it was found to mean: a retry is the same request.
    said = [[getattr(line, name, None) for name in (*NAMED, *SAID)] for line in asked]
    said += [sorted(wish.used.items()) for wish in wishes if wish.used is not None]
    told = _told(paper)
    return Draft(
        kind=kind,
        store=store,
        actor=viewer.actor,
        key=paper.key,
        lines=exploded.lines,
        fingerprint=fingerprint_of(
            kind, store, said, told, paper.occurred_at, sorted(more.items())
        ),
        occurred_at=moment,
        recipes=exploded.recipes,
        **told,
        **more,
    )


def wish_of(line: object) -> Wish:
    """What the input says of optional parts and of actual use. Raises Malformed."""
    without, used = getattr(line, "without", None), getattr(line, "used", None)
    if not without and used is None:
        return NO_WISH
    told = {each.product_id: each.quantity for each in used or ()}
    if len(told) < len(used or ()) or any(quantity < 0 for quantity in told.values()):
        raise Malformed("used: each product once, with a quantity from 0")
    return Wish(frozenset(without or ()), None if used is None else told)


def _told(paper: MovementInput) -> dict[str, str | None]:
    return {
        "reason": clean(paper.reason, "reason", 200),
        "note": clean(paper.note, "note", 2000, lines=True),
    }


def _moment(occurred_at: datetime | None) -> datetime:
    now = datetime.now(UTC)
    if occurred_at is not None and occurred_at > now + AHEAD:
        raise Malformed("occurredAt lies in the future: check the device's clock")
    return occurred_at or now


async def get_movement(
    db: Database, viewer: Viewer, can: Can, movement_id: UUID
) -> tuple[Movement, Sequence[Entry]]:
    """A movement of a store this permission reaches. Raises Refused(UnknownMovement)."""
    async with db.read(viewer.tenant) as session:
        found = await rows.movement_with_entries(session, viewer.tenant, movement_id)
    if found is None or not access.within(viewer, can, [found[0].store_id]):
        raise Refused(UnknownMovement(str(movement_id)))
    return found


async def reversal(
    db: Database, viewer: Viewer, key: UUID, movement_id: UUID, reason: str | None
) -> Draft:
    """The draft that undoes a movement: its entries swapped, once."""
    movement, entries = await get_movement(db, viewer, Can.REVERSE, movement_id)
    reason = clean(reason, "reason", 200)
    return Draft(
        kind=Kind.REVERSAL,
        store=movement.store_id,
        actor=viewer.actor,
        key=key,
        lines=swapped(entries),
        fingerprint=fingerprint_of(Kind.REVERSAL, movement_id, reason),
        occurred_at=datetime.now(UTC),
        channel=movement.channel,
        reason=reason,
        reverses_id=movement_id,
    )
