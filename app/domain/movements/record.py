"""Movements along a kind's own route: resolved, drafted and posted; and how one is reversed."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import NamedTuple, Protocol, TypeVar
from uuid import UUID

from uuid_utils.compat import uuid7

from app.db import stock as rows
from app.db.core.lane import Lane, LaneFull
from app.db.core.unit import Database, clock
from app.db.tables import Entry, Movement
from app.domain import access
from app.domain.access import Can, Viewer
from app.domain.audit_log import Act, Subject, audit_row
from app.domain.catalog.cookbook import Cookbook
from app.domain.claims import fingerprint_of
from app.domain.errors import (
    BatchExpired,
    Busy,
    GuestLimitReached,
    OutOfStock,
    Refused,
    UnknownMovement,
)
from app.domain.ledger.draft import Draft, Line, Place, Receipt, RecipeChanged, reversed_lines
from app.domain.ledger.post import Outcome
from app.domain.ledger.reservations import end_overdue_at, short_of
from app.domain.movements.horizon import Moment, moment_of
from app.domain.movements.lines import LineRequest, ResolvedLine, resolve_lines
from app.domain.movements.zones import check_zones
from app.domain.rules.kinds import Kind
from app.domain.rules.texts import clean

ATTEMPTS = 5
ADJUSTMENTS = frozenset({Kind.GAIN, Kind.LOSS, Kind.QUARANTINE, Kind.RELEASE})
"""Kinds that correct stock by hand: the audit log names them."""

HOLDABLE = (OutOfStock, GuestLimitReached)
"""Refusals that may no longer hold once overdue orders are ended."""

T = TypeVar("T")


class MovementInput(Protocol):
    """Fields that the input of every movement has beside its lines."""

    @property
    def key(self) -> UUID: ...
    @property
    def reason(self) -> str | None: ...
    @property
    def note(self) -> str | None: ...
    @property
    def occurred_at(self) -> datetime | None: ...


class MovementHead(NamedTuple):
    """The same for a movement that a document makes."""

    key: UUID
    reason: str | None = None
    note: str | None = None
    occurred_at: datetime | None = None


class MovementTerms(NamedTuple):
    """Fields of some kinds of movement; `sale_id` is the sale whose goods are returned.

    `accept_shortage` books goods that were sold although the shelf should not have held them.
    """

    channel: str | None = None
    document: str | None = None
    sale_id: UUID | None = None
    accept_shortage: bool = False
    till_id: UUID | None = None

    @property
    def given(self) -> tuple[object, ...]:
        """The terms for the fingerprint: the till only where there is one, so that a request from
        before there were tills is still the same."""
        return tuple(self) if self.till_id else tuple(self)[:-1]


PLAIN = MovementTerms()


class Books(NamedTuple):
    """The database, the lane and the cookbook: all that recording stock takes."""

    db: Database
    lane: Lane[Draft, Outcome]
    cookbook: Cookbook

    async def post(self, tenant: UUID, draft: Draft) -> Outcome:
        """The movement, or the refusal; `Busy` when the lane could not take it.

        When stock is short, overdue orders are ended first, for what they hold.
        """
        try:
            # Booked stock is taken first; only what is missing after that is a shortage.
            plain = without_shortage(draft) if draft.accept_shortage else draft
            outcome = await self.lane.submit(tenant, plain)
            if isinstance(outcome, HOLDABLE):
                async for _ in end_overdue_at(self.db, tenant, short_of(draft.store, outcome)):
                    outcome = await self.lane.submit(tenant, plain)
                    if not isinstance(outcome, HOLDABLE):
                        break
            if isinstance(outcome, OutOfStock | BatchExpired) and draft.accept_shortage:
                outcome = await self.lane.submit(tenant, draft)
            return outcome
        except LaneFull:
            return Busy()


def without_shortage(draft: Draft) -> Draft:
    """The same sale of what the books have: no shortage, so that no limit binds it."""
    return replace(draft, accept_shortage=False, limit=None)


class PreparedMovement(NamedTuple):
    """A movement whose lines are resolved: it can be drafted, now or later."""

    kind: Kind
    store: UUID
    lines: Sequence[ResolvedLine]
    head: MovementInput
    moment: Moment
    terms: MovementTerms = PLAIN
    receipt: Receipt | None = None


async def record(
    books: Books,
    viewer: Viewer,
    kind: Kind,
    store: UUID,
    requests: Sequence[LineRequest],
    head: MovementInput,
    terms: MovementTerms = PLAIN,
) -> Outcome:
    """The movement, or why it was refused. Raises as `prepare` and `draft` do."""
    prepared = await prepare(books.db, viewer, kind, store, requests, head, terms)
    return (await post_prepared(books, viewer, prepared))[1]


async def prepare(
    db: Database,
    viewer: Viewer,
    kind: Kind,
    store: UUID,
    requests: Sequence[LineRequest],
    head: MovementInput,
    terms: MovementTerms = PLAIN,
) -> PreparedMovement:
    """The movement with its lines resolved. Raises as `resolve` does."""
    lines, moment = await resolve(db, viewer, kind, store, requests, head)
    return PreparedMovement(kind, store, lines, head, moment, terms)


async def post_prepared(
    books: Books, viewer: Viewer, prepared: PreparedMovement, limit: int | None = None
) -> tuple[Draft, Outcome]:
    """The draft and the movement, or why it was refused; drafted again when a recipe changed.

    `limit` is what it may cost, in 1/10000 yuan. Raises as `draft` does.
    """

    async def drafting() -> Draft:
        return replace(await draft(books, viewer, *prepared), limit=limit)

    return await until_current(books, viewer.tenant, drafting)


async def resolve(
    db: Database,
    viewer: Viewer,
    kind: Kind,
    store: UUID,
    requests: Sequence[LineRequest],
    head: MovementInput,
) -> tuple[list[ResolvedLine], Moment]:
    """The movement's lines as `resolve_lines` reads them, and the moment it happened.

    Raises Malformed for a moment in the future, and for a zone that the store does not have; and
    as `resolve_lines` does.
    """
    moment = await moment_of(db, viewer, store, head.occurred_at)
    source = kind.value.source
    if head.occurred_at is None:
        # What happened already is not refused because the zones have changed since.
        await check_zones(db, viewer.tenant, store, requests)
    lines = await resolve_lines(db, viewer.tenant, store, requests, source, moment.at)
    return lines, moment


async def until_current(
    books: Books, tenant: UUID, drafting: Callable[[], Awaitable[Draft]]
) -> tuple[Draft, Outcome]:
    """Drafts and posts, again when a recipe changed in between: the last draft and its outcome.

    The outcome is `Busy` after too many attempts.
    """
    attempt = 0
    while True:
        drafted = await drafting()
        outcome = await books.post(tenant, drafted)
        if not isinstance(outcome, RecipeChanged):
            return drafted, outcome
        books.cookbook.forget(outcome.product_id)
        attempt += 1
        if attempt == ATTEMPTS:
            return drafted, Busy()


async def redrafted(books: Books, work: Callable[[], Awaitable[T]]) -> T:
    """The result of a document's work, done again when a recipe changed after its draft.

    Raises Refused(Busy) after too many attempts.
    """
    for _ in range(ATTEMPTS):
        try:
            return await work()
        except Refused as refused:
            if not isinstance(refused.refusal, RecipeChanged):
                raise
            books.cookbook.forget(refused.refusal.product_id)
    raise Refused(Busy())


async def draft(
    books: Books,
    viewer: Viewer,
    kind: Kind,
    store: UUID,
    lines: Sequence[ResolvedLine],
    head: MovementInput,
    moment: Moment,
    terms: MovementTerms = PLAIN,
    receipt: Receipt | None = None,
) -> Draft:
    """A movement along the kind's own route, of what its products are made of.

    Raises as `Cookbook.explode` does, and InvalidText for a reason or a note.
    """
    source, target = kind.value.source, kind.value.target
    assert source is not None, f"{kind.name} has no route of its own"
    assert target is not None
    origin, goal = Place(store, source), Place(store, target)
    plain = [
        Line(
            line.product_id,
            line.quantity,
            origin,
            goal,
            line.unit_cost,
            line.expected_version,
            line.batches,
            line.arriving,
            rest=kind.value.rest,
            charge=line.charge,
            listed=target == "customer" and line.charge is None,
            shown_expiry=line.shown_expiry,
            zone=line.zone,
        )
        for line in lines
    ]
    wishes = [line.wish for line in lines]
    exploded = await books.cookbook.explode(viewer.tenant, plain, wishes, terms.channel)
    reason = clean(head.reason, "reason", 200)
    note = clean(head.note, "note", 2000, lines=True)
    # What the client sent, not what it was found to mean: a retry is the same request.
    printed = [line.printed for line in lines]
    id = uuid7()
    by_hand = Act.ADJUST, Subject.MOVEMENT, id, store
    return Draft(
        id=id,
        kind=kind,
        store=store,
        actor=viewer.actor,
        key=head.key,
        lines=exploded.lines,
        fingerprint=fingerprint_of(
            kind, store, printed, reason, note, head.occurred_at, terms.given
        ),
        occurred_at=moment.at,
        channel=terms.channel,
        reason=reason,
        note=note,
        document=terms.document,
        till_id=terms.till_id,
        receipt=receipt,
        sale_id=terms.sale_id,
        recipes=exploded.recipes,
        accept_shortage=terms.accept_shortage,
        dated=moment.dated,
        earliest=moment.earliest,
        act=audit_row(viewer, *by_hand, kind=kind.name) if kind in ADJUSTMENTS else None,
        claimant=viewer.claimant,
    )


async def get_movement(
    db: Database, viewer: Viewer, can: Can, movement_id: UUID
) -> tuple[Movement, Sequence[Entry]]:
    """A movement, of a store that this permission reaches, and its entries.

    Raises Refused(UnknownMovement).
    """
    async with db.read(viewer.tenant) as session:
        movement = await rows.movement_with_entries(session, viewer.tenant, movement_id)
    if movement is None or not access.within(viewer, can, [movement[0].store_id]):
        raise Refused(UnknownMovement(str(movement_id)))
    return movement


def reversal(
    viewer: Viewer, key: UUID, movement: Movement, entries: Sequence[Entry], reason: str | None
) -> Draft:
    """The draft that undoes a movement, once: its entries reversed. Raises InvalidText."""
    reason = clean(reason, "reason", 200)
    return Draft(
        kind=Kind.REVERSAL,
        store=movement.store_id,
        actor=viewer.actor,
        key=key,
        lines=reversed_lines(entries),
        fingerprint=fingerprint_of(Kind.REVERSAL, movement.id, reason),
        occurred_at=clock(),
        channel=movement.channel,
        reason=reason,
        reverses_id=movement.id,
        act=audit_row(
            viewer,
            Act.REVERSE,
            Subject.MOVEMENT,
            movement.id,
            movement.store_id,
            kind=movement.kind,
        ),
        claimant=viewer.claimant,
    )
