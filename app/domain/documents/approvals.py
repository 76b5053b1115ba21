"""Approvals: movements above a role's limit, which wait until another person approves them.

A waiting movement changes no stock. Its approval posts it, as of the time of the request, in the
unit that locks the approval's row: at most once.
"""

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any
from uuid import UUID, uuid5

from pydantic import TypeAdapter
from uuid_utils.compat import uuid7

from app.db import approvals as rows
from app.db import claims, notices, stock
from app.db.core.snapshot import AnySession, Reads
from app.db.core.unit import Database, Unit
from app.db.tables import Approval
from app.domain import access
from app.domain.access import Can, Viewer
from app.domain.audit_log import Act, Subject, record_act
from app.domain.errors import (
    BatchExpired,
    KeyReused,
    OutOfStock,
    OverLimit,
    Refused,
    WrongState,
    WrongStateReason,
)
from app.domain.ledger.documents import (
    announce,
    change_document,
    open_levels_for,
    post_movement,
)
from app.domain.ledger.draft import Draft, Receipt
from app.domain.ledger.limits import SecondPersonNeeded, UnknownApproval
from app.domain.ledger.post import Outcome
from app.domain.ledger.reservations import retry_while_short
from app.domain.movements.horizon import Moment
from app.domain.movements.lines import ResolvedLine
from app.domain.movements.prices import charged
from app.domain.movements.record import (
    Books,
    MovementHead,
    MovementTerms,
    PreparedMovement,
    draft,
    post_prepared,
    redrafted,
    without_shortage,
)
from app.domain.movements.role_limits import limit_of, limits_of_roles
from app.domain.rules.kinds import Kind
from app.domain.rules.recipients import Person
from app.domain.rules.texts import clean

LINES = TypeAdapter(list[ResolvedLine])
WAITING, APPROVED, REJECTED = "WAITING", "APPROVED", "REJECTED"


async def book(books: Books, viewer: Viewer, prepared: PreparedMovement) -> Outcome:
    """The movement, or why it was refused.

    Above the limit of the viewer's role it waits for a second person: SecondPersonNeeded with the
    approval. A colleague who may approve it, and sends the same request with the same key,
    approves it. Raises as `draft` does.
    """
    limit = await limit_of(books.db, viewer)
    drafted, outcome = await post_prepared(books, viewer, prepared, limit)
    if isinstance(outcome, SecondPersonNeeded):
        return await _request(books, viewer, prepared, drafted, outcome)
    if isinstance(outcome, KeyReused):
        return await _repeated(books, viewer, drafted)
    return outcome


async def _request(
    books: Books,
    viewer: Viewer,
    prepared: PreparedMovement,
    drafted: Draft,
    needed: SecondPersonNeeded,
) -> Outcome:
    """Stores the movement as an approval that waits, once per key."""
    lines = await _at_prices_of_now(books.db, viewer, prepared)
    async with books.db.unit(viewer.tenant) as unit:
        row = Approval(
            tenant_id=unit.tenant,
            id=uuid7(),
            store_id=prepared.store,
            state=WAITING,
            kind=prepared.kind.name,
            lines=stored(lines),
            reason=drafted.reason,
            note=drafted.note,
            channel=prepared.terms.channel,
            document=prepared.terms.document,
            till_id=prepared.terms.till_id,
            receipt_key=prepared.receipt and prepared.receipt.key,
            receipt_content=prepared.receipt and prepared.receipt.content,
            accept_shortage=prepared.terms.accept_shortage,
            occurred_at=prepared.moment.at,
            value=needed.value,
            role_limit=needed.limit,
            requested_by=viewer.actor,
            requested_at=unit.now,
        )
        claimed = viewer.claimant, drafted.key, drafted.fingerprint, row.id
        earlier = await claims.claimed(unit, *claimed)
        if earlier is None:
            unit.session.add(row)
            await unit.session.flush()
            announce(unit, row)
            return replace(needed, approval_id=row.id)
    return await _repeated(books, viewer, drafted)


async def _at_prices_of_now(
    db: Database, viewer: Viewer, prepared: PreparedMovement
) -> list[ResolvedLine]:
    """The lines at the prices of the request: a later approval does not change what was paid."""
    lines = list(prepared.lines)
    if prepared.kind is not Kind.SALE:
        return lines
    open_lines = [line for line in lines if line.charge is None]
    priced = iter(await charged(db, viewer, open_lines, open_lines, prepared.moment.at))
    return [next(priced) if line.charge is None else line for line in lines]


async def _repeated(books: Books, viewer: Viewer, drafted: Draft) -> Outcome:
    """The answer to a request whose key was used before."""
    async with books.db.read(viewer.tenant) as session:
        claim = await claims.claim_of(session, viewer.tenant, viewer.claimant, drafted.key)
        if claim is None or claim.fingerprint != drafted.fingerprint:
            return KeyReused(drafted.key)
        approvals = await rows.approvals_by_id(session, viewer.tenant, [claim.result_id])
        movements = await stock.movements_by_id(session, viewer.tenant, [claim.result_id])
    if not approvals:
        return movements[0] if movements else KeyReused(drafted.key)
    row = approvals[0]
    if row.state == WAITING and _may_decide(viewer, row):
        try:
            row = await approve(books, viewer, uuid5(drafted.key, "approve"), row.id, None)
        except Refused as refused:
            if not isinstance(refused.refusal, OverLimit | WrongState):
                return refused.refusal
            row = await get_approval(books.db, viewer, Can.SEE_APPROVALS, row.id)
    return await _answer(books.db, row)


async def _answer(db: Database, row: Approval) -> Outcome:
    """What an approval that was requested before is answered with, by its state."""
    if row.state == REJECTED:
        return WrongState(WrongStateReason.REJECTED)
    if row.movement_id is None:
        return SecondPersonNeeded(row.role_limit, row.value, row.id)
    async with db.read(row.tenant_id) as session:
        return (await stock.movements_by_id(session, row.tenant_id, [row.movement_id]))[0]


def _may_decide(viewer: Viewer, row: Approval) -> bool:
    within = access.within(viewer, Can.APPROVE_MOVEMENT, [row.store_id])
    return bool(within) and viewer.actor != row.requested_by


def stored(lines: Sequence[ResolvedLine]) -> list[Any]:
    """The lines as JSON, without what the client sent: it is only for the fingerprint."""
    return LINES.dump_python([replace(line, printed=()) for line in lines], mode="json")


def lines_of(row: Approval) -> list[ResolvedLine]:
    """The resolved lines of a stored movement."""
    return LINES.validate_python(row.lines)


async def get_approval(reads: Reads, viewer: Viewer, can: Can, approval_id: UUID) -> Approval:
    """An approval of a store this permission reaches. Raises Refused(UnknownApproval)."""
    async with reads.read(viewer.tenant) as session:
        approvals = await rows.approvals_by_id(session, viewer.tenant, [approval_id])
    if not approvals or not access.within(viewer, can, [approvals[0].store_id]):
        raise Refused(UnknownApproval(str(approval_id)))
    return approvals[0]


async def approve(
    books: Books, viewer: Viewer, key: UUID, approval_id: UUID, note: str | None
) -> Approval:
    """Approve a movement: it is recorded now, as of the time of its request.

    What the ledger refuses goes on waiting. Raises Refused: UnknownApproval, WrongState
    (OWN_MOVEMENT for the requester, in any role), OverLimit when it costs more than the role may
    book; and as the ledger refuses.
    """
    note = clean(note, "note", 500, lines=True)
    row = await get_approval(books.db, viewer, Can.APPROVE_MOVEMENT, approval_id)
    if row.requested_by == viewer.actor:
        raise Refused(WrongState(WrongStateReason.OWN_MOVEMENT))
    limit = await limit_of(books.db, viewer)

    async def attempt() -> Approval:
        drafted = replace(await _draft(books, viewer, row), limit=limit)
        await open_levels_for(books.db, viewer.tenant, drafted)
        return await _post_or_accept(books.db, viewer, key, row, note, drafted)

    try:
        return await redrafted(books, attempt)
    except Refused as refused:
        match refused.refusal:
            case SecondPersonNeeded(limit=most, value=value):
                raise Refused(OverLimit(most, value)) from None
            case _:
                raise


async def _draft(books: Books, viewer: Viewer, row: Approval) -> Draft:
    """The movement that was requested, under a key of its approval: it is posted once (I5)."""
    head = MovementHead(uuid5(row.id, "movement"), row.reason, row.note, row.occurred_at)
    terms = MovementTerms(
        channel=row.channel,
        document=row.document,
        accept_shortage=row.accept_shortage,
        till_id=row.till_id,
    )
    moment = Moment(row.occurred_at, dated=True)
    what = Kind[row.kind], row.store_id, lines_of(row), head, moment, terms
    prepared = PreparedMovement(*what, receipt=_receipt(row))
    return replace(await draft(books, viewer, *prepared), actor=row.requested_by)


def _receipt(row: Approval) -> Receipt | None:
    """The receipt number of a requested sale: it is claimed when the sale is recorded."""
    if row.document is None or row.receipt_key is None or row.receipt_content is None:
        return None
    return Receipt(row.document, row.receipt_key, row.receipt_content)


async def _post_or_accept(
    db: Database, viewer: Viewer, key: UUID, row: Approval, note: str | None, drafted: Draft
) -> Approval:
    """The approved row: booked stock is taken first, and a shortage is accepted after that."""

    async def post(drafted: Draft) -> Approval:
        async def work(unit: Unit, locked: Approval) -> None:
            movement = await post_movement(unit, drafted)
            assert movement is not None, "a movement has lines"
            locked.movement_id = movement.id

        return await _decide(db, viewer, key, row, APPROVED, note, work)

    if not drafted.accept_shortage:
        return await retry_while_short(db, viewer.tenant, row.store_id, lambda: post(drafted))
    plain = without_shortage(drafted)
    try:
        return await retry_while_short(db, viewer.tenant, row.store_id, lambda: post(plain))
    except Refused as refused:
        if not isinstance(refused.refusal, OutOfStock | BatchExpired):
            raise
        return await post(drafted)


async def reject(
    db: Database, viewer: Viewer, key: UUID, approval_id: UUID, note: str | None
) -> Approval:
    """Reject a movement; its requester withdraws it the same way. Nothing is recorded.

    Raises Refused: UnknownApproval, WrongState; Denied for requests of others without the
    permission to approve them.
    """
    note = clean(note, "note", 500, lines=True)
    row = await get_approval(db, viewer, Can.SEE_APPROVALS, approval_id)
    if row.requested_by != viewer.actor:
        access.require(viewer, Can.APPROVE_MOVEMENT)

    async def work(unit: Unit, locked: Approval) -> None:
        pass

    return await _decide(db, viewer, key, row, REJECTED, note, work)


async def _decide(
    db: Database,
    viewer: Viewer,
    key: UUID,
    row: Approval,
    state: str,
    note: str | None,
    work: Callable[[Unit, Approval], Awaitable[None]],
) -> Approval:
    """The approval after `work`, once a key and once for all."""
    act = Act.APPROVE_MOVEMENT if state == APPROVED else Act.REJECT_MOVEMENT

    async def once(unit: Unit, locked: Approval) -> None:
        if locked.state != WAITING:
            raise Refused(WrongState(WrongStateReason[locked.state]))
        await work(unit, locked)
        locked.state, locked.decision_note = state, note
        locked.decided_by, locked.decided_at = viewer.actor, unit.now
        where = Subject.APPROVAL, locked.id, locked.store_id
        await record_act(unit, viewer, act, *where, kind=locked.kind)

    request = ("decideMovement", state, row.id, note)
    return await change_document(db, viewer.claimant, key, row, request, rows.locked_approval, once)


async def approvers(
    session: AnySession, tenant: UUID, ids: Collection[UUID]
) -> dict[UUID, list[UUID]]:
    """The staff who may approve each of these approvals now, managers first; none when it is
    decided."""
    waiting = [
        row for row in await rows.approvals_by_id(session, tenant, ids) if row.state == WAITING
    ]
    limits = await limits_of_roles(session, tenant)
    people = {
        store: [person for person, _ in await notices.people_of(session, tenant, store)]
        for store in sorted({row.store_id for row in waiting})
    }
    return {row.id: _approvers(row, people[row.store_id], limits) for row in waiting}


def _approvers(
    row: Approval, people: Sequence[Person], limits: Mapping[str, int | None]
) -> list[UUID]:
    approving: list[UUID] = []
    for role in Can.APPROVE_MOVEMENT.value.roles:
        limit = limits.get(role.name)
        if limit is None or row.value <= limit:
            approving += [each.id for each in people if each.here and each.role == role.name]
    return [id for id in approving if id != row.requested_by]
