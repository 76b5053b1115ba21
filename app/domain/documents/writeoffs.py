"""Write-offs: goods put aside until another person approves or rejects them.

An open write-off holds its lines in quarantine: its request moved goods from the shelf there, and
goods that were there before are earmarked. Each decision first locks the write-off's row.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from decimal import Decimal
from enum import Enum
from typing import NamedTuple, Protocol
from uuid import UUID, uuid5

from uuid_utils.compat import uuid7

from app.db import batches, stock
from app.db import writeoffs as rows
from app.db.core.snapshot import Reads
from app.db.core.unit import Database, Unit
from app.db.tables import WriteOff, WriteOffLimit, WriteOffLine
from app.domain import access
from app.domain.access import Can, Role, Viewer
from app.domain.audit_log import Act, Subject, record_act
from app.domain.catalog.images import hold_image
from app.domain.claims import claim
from app.domain.errors import (
    Malformed,
    OutOfStock,
    OverLimit,
    Refusal,
    Refused,
    UnknownWriteOff,
    WrongState,
    WrongStateReason,
)
from app.domain.ledger.documents import change_document, movement_of, open_levels_for, post_movement
from app.domain.ledger.draft import Draft, Line, Place
from app.domain.ledger.post import post, preview
from app.domain.ledger.reservations import move_line, retry_while_short
from app.domain.movements.lines import LineRequest
from app.domain.movements.record import Books, MovementHead, draft, resolve
from app.domain.movements.role_limits import limit_of_role
from app.domain.rules.days import store_day
from app.domain.rules.fefo import expired
from app.domain.rules.kinds import Kind
from app.domain.rules.texts import clean, link
from app.domain.rules.units import from_base

MOST_PHOTOS = 10
LONGEST_LINK = 500
LIMITED = (Role.CASHIER, Role.MANAGER, Role.PURCHASER)
"""Roles with a limit that the owner sets; an owner has no limit."""


class Source(Enum):
    """Bin of the goods when their write-off is requested."""

    SHELF = "shelf"
    QUARANTINE = "quarantine"


class WriteOffLineRequest(LineRequest, Protocol):
    @property
    def source(self) -> Source | None: ...


class WriteOffRequest(NamedTuple):
    """A write-off to be requested, without its lines; `request` checks it."""

    key: UUID
    store_id: UUID
    reason: str
    note: str | None = None
    photo_urls: Sequence[str] = ()


async def request(
    books: Books, viewer: Viewer, request: WriteOffRequest, requests: Sequence[WriteOffLineRequest]
) -> WriteOff:
    """The write-off, whose goods wait in quarantine until another person decides: all lines or
    none.

    Without a named batch the earliest expiry is taken first, expired goods too; without a source
    the shelf comes first, and what it lacks is taken from quarantine. Raises Refused:
    UnknownStore, OutOfStock with what is free; and as `resolve` and `draft` do.
    """
    store = access.at(viewer, Can.REQUEST_WRITE_OFF, request.store_id)
    reason = clean(request.reason, "reason", 200, required=True)
    photos = _links(request.photo_urls)
    kind, head = Kind.WRITE_OFF_HOLD, MovementHead(request.key, reason, request.note)
    lines, moment = await resolve(books.db, viewer, kind, store, requests, head)
    drafted = await draft(books, viewer, kind, store, lines, head, moment)
    sources = [(line.source or Source.SHELF).value for line in requests]
    printed = ("requestWriteOff", drafted.fingerprint.hex(), sources, photos)
    await open_levels_for(books.db, viewer.tenant, drafted)

    async def once() -> WriteOff:
        async with books.db.unit(viewer.tenant) as unit:
            row = WriteOff(
                tenant_id=unit.tenant,
                id=uuid7(),
                store_id=store,
                state="REQUESTED",
                reason=reason,
                note=drafted.note,
                photo_urls=photos,
                requested_by=viewer.actor,
                requested_at=unit.now,
            )
            if earlier := await claim(unit, viewer.claimant, request.key, row.id, *printed):
                return (await rows.write_offs_by_id(unit.session, unit.tenant, [earlier]))[0]
            for photo in photos:
                await hold_image(unit, photo, "photoUrls")
            unit.session.add(row)
            await unit.session.flush()
            chosen = [line.source for line in requests]
            split = await _with_sources(unit, row, request.key, drafted, chosen)
            unit.session.add_all(await _put_aside(unit, row, request.key, drafted, split))
            unit.document_changed(store, row.id)
        return row

    return await retry_while_short(books.db, viewer.tenant, store, once)


def _links(urls: Sequence[str]) -> list[str]:
    if len(urls) > MOST_PHOTOS:
        raise Malformed(
            "photoUrls", f"照片最多 {MOST_PHOTOS} 张", f"Photos: give at most {MOST_PHOTOS}."
        )
    return [link(url, "photoUrls", LONGEST_LINK) for url in urls]


async def _with_sources(
    unit: Unit, row: WriteOff, key: UUID, drafted: Draft, sources: Sequence[Source | None]
) -> list[tuple[Line, Source]]:
    """The lines with their sources. A line without one is split: what the shelf lacks comes from
    quarantine, if that has all of it.

    Locks every level of the draft.
    """
    known = [
        (line, source or Source.SHELF) for line, source in zip(drafted.lines, sources, strict=True)
    ]
    if all(sources):
        return known
    pairs, actor = set(drafted.pairs), row.requested_by
    free = [replace(line, optional=True) for line in drafted.lines]
    shelved = [
        line for line, (_, source) in zip(free, known, strict=True) if source is Source.SHELF
    ]
    moves = await preview(unit, _movement(row, Kind.WRITE_OFF_HOLD, key, actor, shelved), pairs)
    if isinstance(moves, Refusal):
        return known
    split: list[tuple[Line, Source]] = []
    for line, optional, source in zip(drafted.lines, free, sources, strict=True):
        taken = sum(from_base(m.quantity, m.source.scale) for m in moves if m.line is optional)
        if source is not None or taken == line.quantity:
            split.append((line, source or Source.SHELF))
            continue
        if taken:
            split.append((replace(line, quantity=Decimal(taken)), Source.SHELF))
        split.append((replace(line, quantity=line.quantity - taken), Source.QUARANTINE))
    if not (aside := _wasted(row, split)):
        return known
    wasted = await preview(unit, _movement(row, Kind.WRITE_OFF, key, actor, aside), pairs)
    return known if isinstance(wasted, Refusal) else split


def _wasted(row: WriteOff, both: Sequence[tuple[Line, Source]]) -> list[Line]:
    """The lines of goods that lie in quarantine already, on their way to waste."""
    quarantine, waste = Place(row.store_id, "quarantine"), Place(row.store_id, "waste")
    return [
        replace(line, source=quarantine, target=waste)
        for line, source in both
        if source is Source.QUARANTINE
    ]


async def _put_aside(
    unit: Unit,
    row: WriteOff,
    key: UUID,
    drafted: Draft,
    both: Sequence[tuple[Line, Source]],
) -> list[WriteOffLine]:
    """Moves shelf goods to quarantine and earmarks what lies there already; the lines of both.

    Raises Refused, with the shortages of both.
    """
    shelved = [line for line, source in both if source is Source.SHELF]
    there = _wasted(row, both)
    # Every level is locked here, in order, before the request moves anything.
    wasting = _movement(row, Kind.WRITE_OFF, key, row.requested_by, there)
    moves = await preview(unit, wasting, set(drafted.pairs)) if there else ()
    holding = _movement(row, Kind.WRITE_OFF_HOLD, key, row.requested_by, shelved)
    outcome = (await post(unit, [holding]))[0] if shelved else None
    if isinstance(moves, Refusal) or isinstance(outcome, Refusal):
        raise Refused(
            _one_refusal([each for each in (outcome, moves) if isinstance(each, Refusal)])
        )
    held = await stock.entries_of(unit.session, unit.tenant, [outcome.id]) if outcome else ()
    lines = [
        WriteOffLine(
            product_id=entry.product_id,
            batch_id=entry.batch_id,
            source=Source.SHELF.value,
            quantity=entry.quantity,
            scale=entry.scale,
            zone=entry.zone,
        )
        for entry in held
    ]
    lines += [
        WriteOffLine(
            product_id=move.line.product,
            batch_id=move.batch and move.batch.id,
            source=Source.QUARANTINE.value,
            quantity=move.quantity,
            scale=move.source.scale,
            zone=move.line.zone,
        )
        for move in moves
    ]
    for number, line in enumerate(lines, 1):
        line.tenant_id, line.write_off_id, line.line = unit.tenant, row.id, number
    return lines


def _one_refusal(refusals: Sequence[Refusal]) -> Refusal:
    """All shortages as one refusal; any other refusal comes before them."""
    short = [each for each in refusals if isinstance(each, OutOfStock)]
    others = [each for each in refusals if not isinstance(each, OutOfStock)]
    return others[0] if others else OutOfStock(sum((each.shortages for each in short), ()))


def _movement(row: WriteOff, kind: Kind, key: UUID, actor: UUID, lines: Sequence[Line]) -> Draft:
    """A movement for the reason that the write-off was requested for."""
    return movement_of(
        row.id, kind, row.store_id, key, actor, lines, reason=row.reason, note=row.note
    )


async def get_write_off(reads: Reads, viewer: Viewer, can: Can, write_off_id: UUID) -> WriteOff:
    """A write-off of a store this permission reaches. Raises Refused(UnknownWriteOff)."""
    async with reads.read(viewer.tenant) as session:
        write_offs = await rows.write_offs_by_id(session, viewer.tenant, [write_off_id])
    if not write_offs or not access.within(viewer, can, [write_offs[0].store_id]):
        raise Refused(UnknownWriteOff(str(write_off_id)))
    return write_offs[0]


async def approve(
    db: Database, viewer: Viewer, key: UUID, write_off_id: UUID, note: str | None
) -> WriteOff:
    """Approve a write-off: its goods move from quarantine to waste, at their cost.

    Raises Refused: UnknownWriteOff, WrongState (OWN_REQUEST for the requester, in any role),
    OverLimit when it costs more than the role may approve.
    """
    note = clean(note, "note", 500, lines=True)
    row = await get_write_off(db, viewer, Can.DECIDE_WRITE_OFF, write_off_id)
    if row.requested_by == viewer.actor:
        raise Refused(WrongState(WrongStateReason.OWN_REQUEST))

    async def work(unit: Unit, row: WriteOff, lines: Sequence[WriteOffLine]) -> None:
        quarantine, waste = Place(row.store_id, "quarantine"), Place(row.store_id, "waste")
        wasted = [
            replace(move_line(line, line.quantity, quarantine, waste), zone=line.zone)
            for line in lines
        ]
        await post_movement(unit, _movement(row, Kind.WRITE_OFF, key, viewer.actor, wasted))
        await _within_limit(unit, viewer.scope.role, row)

    return await _decide(db, viewer, key, row, "APPROVED", note, work)


async def _within_limit(unit: Unit, role: Role, row: WriteOff) -> None:
    """Compares what the goods cost, by the ledger, with the role's limit.

    Raises Refused(OverLimit), which rolls the movement to waste back.
    """
    limit = await limit_of_role(unit.session, unit.tenant, role)
    if limit is None:
        return
    wasted = await rows.wasted_of(unit.session, unit.tenant, [row.id])
    value = sum(each.cost for each in wasted)
    if value > limit:
        raise Refused(OverLimit(limit, value))


async def reject(
    db: Database, viewer: Viewer, key: UUID, write_off_id: UUID, note: str | None
) -> WriteOff:
    """Reject a write-off; its requester withdraws it the same way.

    Goods from the shelf return to it unless their batch has expired; the rest stays in quarantine.
    Raises Refused: UnknownWriteOff, WrongState.
    """
    note = clean(note, "note", 500, lines=True)
    row = await get_write_off(db, viewer, Can.REQUEST_WRITE_OFF, write_off_id)
    if row.requested_by != viewer.actor:
        access.require(viewer, Can.DECIDE_WRITE_OFF)

    async def work(unit: Unit, row: WriteOff, lines: Sequence[WriteOffLine]) -> None:
        back = await _going_back(unit, row, lines)
        kind, actor = Kind.WRITE_OFF_RELEASE, viewer.actor
        release = movement_of(
            row.id, kind, row.store_id, key, actor, back, reason="报损驳回", note=note
        )
        await post_movement(unit, release)

    return await _decide(db, viewer, key, row, "REJECTED", note, work)


async def _going_back(unit: Unit, row: WriteOff, lines: Sequence[WriteOffLine]) -> list[Line]:
    quarantine, shelf = Place(row.store_id, "quarantine"), Place(row.store_id, "shelf")
    zones = await batches.timezones(unit, [row.store_id])
    today = store_day(unit.now, zones[row.store_id])
    named = {line.batch_id for line in lines if line.batch_id is not None}
    until = await batches.expiries(unit, named)
    over = {batch for batch in named if expired(until[batch], today)}
    return [
        move_line(line, line.quantity, quarantine, shelf)
        for line in lines
        # I8: what has expired never comes back to where things are sold.
        if line.source == "shelf" and line.batch_id not in over
    ]


Work = Callable[[Unit, WriteOff, Sequence[WriteOffLine]], Awaitable[None]]


async def _decide(
    db: Database,
    viewer: Viewer,
    key: UUID,
    row: WriteOff,
    state: str,
    note: str | None,
    work: Work,
) -> WriteOff:
    """The write-off after `work`, once a key and once for all."""
    act = Act.APPROVE_WRITE_OFF if state == "APPROVED" else Act.REJECT_WRITE_OFF

    async def once(unit: Unit, locked: WriteOff) -> None:
        if locked.state != "REQUESTED":
            raise Refused(WrongState(WrongStateReason[locked.state]))
        await work(unit, locked, await rows.lines_of(unit.session, unit.tenant, [locked.id]))
        locked.state, locked.decision_note = state, note
        locked.decided_by, locked.decided_at = viewer.actor, unit.now
        await record_act(unit, viewer, act, Subject.WRITE_OFF, locked.id, locked.store_id)

    request = (state, row.id, note)
    return await change_document(
        db, viewer.claimant, key, row, request, rows.locked_write_off, once
    )


async def set_limit(
    db: Database, viewer: Viewer, key: UUID, role: Role, amount: int | None
) -> WriteOffLimit:
    """Set the role's limit in 1/10000 yuan; None, the default, for no limit.

    Up to it the role approves write-offs and the movements of others, and books adjustments, own
    use, production and shortages alone. Raises Malformed for a role that has no limit.
    """
    if role not in LIMITED:
        raise Malformed(
            "role",
            "只能给店员、店长和采购设置额度",
            "Only cashiers, managers and purchasers have a limit.",
        )
    async with db.unit(viewer.tenant) as unit:
        request = ("setWriteOffLimit", role.name, amount)
        subject = uuid5(viewer.tenant, role.name)
        if await claim(unit, viewer.claimant, key, subject, *request) is None:
            await rows.put_limit(unit, role.name, amount, viewer.actor, unit.now)
            set_limit = Act.SET_WRITE_OFF_LIMIT, Subject.CHAIN, viewer.tenant
            await record_act(unit, viewer, *set_limit, role=role.name, amount=amount)
    return next(limit for limit in await limits(db, viewer) if limit.role == role.name)


async def limits(reads: Reads, viewer: Viewer) -> list[WriteOffLimit]:
    """Approval limit of each limited role; an amount of None is no limit."""
    async with reads.read(viewer.tenant) as session:
        known = {limit.role: limit for limit in await rows.limits(session, viewer.tenant)}
    unset = {role.name: WriteOffLimit(tenant_id=viewer.tenant, role=role.name) for role in LIMITED}
    return list((unset | known).values())
