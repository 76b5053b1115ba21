"""Replenishment requests: what a store requests, and what head office decides. 补货"""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from uuid_utils.compat import uuid7

from app.db import identity
from app.db import transfers as rows
from app.db.core.snapshot import AnySession, Reads
from app.db.core.unit import Database, Unit
from app.db.tables import Transfer
from app.db.transfers import Need
from app.domain import access
from app.domain.access import Can, Viewer
from app.domain.audit_log import Act, Subject, record_act
from app.domain.claims import claim
from app.domain.documents.transfers import (
    Amount,
    amounts,
    apart,
    change,
    enter,
    get_transfer,
    line_of,
    printed_lines,
)
from app.domain.errors import Refused, WrongState, WrongStateReason
from app.domain.movements.lines import LineRequest
from app.domain.rules.replenishment import PERIOD_DAYS, suggested
from app.domain.rules.texts import clean

MOST_SUGGESTED = 200


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A product that a store should request, in base units. `there` is its stock, `coming` what
    is on its way; `days_left` until it is sold out, None when it does not sell."""

    product_id: UUID
    scale: int
    there: int
    coming: int
    sold: int
    quantity: int
    days_left: int | None


async def suggestions(reads: Reads, tenant: UUID, store: UUID) -> list[Suggestion]:
    """Products that the store should request now, the most urgent first."""
    async with reads.read(tenant) as session:
        return await _suggested(session, tenant, store)


async def _suggested(session: AnySession, tenant: UUID, store: UUID) -> list[Suggestion]:
    needs = await rows.needs(session, tenant, store, PERIOD_DAYS)
    suggestions = [each for each in map(_suggestion, needs) if each.quantity]
    suggestions.sort(key=lambda each: (each.days_left is None, each.days_left))
    return suggestions[:MOST_SUGGESTED]


def _suggestion(need: Need) -> Suggestion:
    quantity = suggested(
        need.sold, need.lead_days, need.reorder_point, need.there, need.coming, need.scale
    )
    days = need.there * PERIOD_DAYS // need.sold if need.sold else None
    return Suggestion(
        need.product_id, need.scale, need.there, need.coming, need.sold, quantity, days
    )


async def request(
    db: Database,
    viewer: Viewer,
    key: UUID,
    store_id: UUID,
    requests: Sequence[LineRequest] | None,
    note: str | None,
) -> Transfer:
    """A store's request for these goods, or for all that is suggested now.

    Raises Refused: UnknownStore, WrongState(NOTHING_LOW) when nothing is suggested, and as
    `transfers.amounts` does.
    """
    access.at(viewer, Can.REQUEST_GOODS, store_id)
    note = clean(note, "note", 500, lines=True)
    listed = None if requests is None else await amounts(db, viewer.tenant, store_id, requests)
    row = Transfer(
        tenant_id=viewer.tenant,
        id=uuid7(),
        to_store=store_id,
        state="REQUESTED",
        note=note,
        requested_by=viewer.actor,
    )
    printed = ("requestReplenishment", store_id, printed_lines(requests), note)
    async with db.unit(viewer.tenant) as unit:
        if earlier := await claim(unit, viewer.claimant, key, row.id, *printed):
            return (await rows.transfers_by_id(unit.session, unit.tenant, [earlier]))[0]
        # Of two requests at once the second sees what the first has requested.
        await identity.serialize(unit, store_id)
        goods = await _all_suggested(unit, store_id) if listed is None else listed
        lines = [
            line_of(row, number, each, requested=each.base) for number, each in enumerate(goods, 1)
        ]
        await enter(unit, row, lines)
    return row


async def _all_suggested(unit: Unit, store: UUID) -> list[Amount]:
    suggestions = await _suggested(unit.session, unit.tenant, store)
    if not suggestions:
        raise Refused(WrongState(WrongStateReason.NOTHING_LOW))
    return [Amount(each.product_id, each.scale, each.quantity) for each in suggestions]


async def approve(
    db: Database,
    viewer: Viewer,
    key: UUID,
    transfer_id: UUID,
    from_store_id: UUID,
    requests: Sequence[LineRequest] | None,
) -> Transfer:
    """Approves what was requested, or exactly these lines, to be sent from a store.

    Raises Refused: UnknownTransfer, UnknownStore,
    WrongState for a request that was decided before, and as `transfers.amounts` does.
    """
    row = await get_transfer(db, viewer, Can.RUN_TRANSFERS, transfer_id)
    access.at(viewer, Can.RUN_TRANSFERS, from_store_id)
    apart(from_store_id, row.to_store)
    if requests is None:
        listed = None
    else:
        listed = await amounts(db, viewer.tenant, from_store_id, requests)

    async def work(unit: Unit, row: Transfer) -> None:
        if row.state != "REQUESTED":
            raise Refused(WrongState(WrongStateReason[row.state]))
        await _approve_lines(unit, row, listed)
        row.state, row.from_store = "APPROVED", from_store_id
        row.approved_by, row.approved_at = viewer.actor, unit.now
        approved = Act.APPROVE_REPLENISHMENT, Subject.TRANSFER, row.id
        await record_act(unit, viewer, *approved, row.to_store)

    printed = ("approveReplenishment", row.id, from_store_id, printed_lines(requests))
    return await change(db, viewer, key, row, printed, work)


async def _approve_lines(unit: Unit, row: Transfer, listed: Sequence[Amount] | None) -> None:
    """Approves these amounts, by default what was requested."""
    requested = await rows.lines_of(unit.session, unit.tenant, [row.id])
    lines = {line.product_id: line for line in requested}
    if listed is None:
        listed = [Amount(line.product_id, line.scale, line.requested) for line in requested]
    for each in listed:
        if each.product_id in lines:
            lines[each.product_id].approved = each.base
        else:
            lines[each.product_id] = line_of(row, len(lines) + 1, each, approved=each.base)
            unit.session.add(lines[each.product_id])


async def reject(
    db: Database, viewer: Viewer, key: UUID, transfer_id: UUID, reason: str
) -> Transfer:
    """Rejects a request; a reason is required. Raises Refused: UnknownTransfer, WrongState."""
    row = await get_transfer(db, viewer, Can.RUN_TRANSFERS, transfer_id)
    reason = clean(reason, "reason", 200, required=True)
    return await _end(db, viewer, key, row, "rejectReplenishment", "REJECTED", reason)


async def withdraw(
    db: Database, viewer: Viewer, key: UUID, transfer_id: UUID, reason: str | None
) -> Transfer:
    """Withdraws a request. Raises Refused: UnknownTransfer, WrongState once it was decided."""
    row = await get_transfer(db, viewer, Can.REQUEST_GOODS, transfer_id)
    reason = clean(reason, "reason", 200)
    return await _end(db, viewer, key, row, "withdrawReplenishment", "CANCELLED", reason)


async def _end(
    db: Database,
    viewer: Viewer,
    key: UUID,
    row: Transfer,
    name: str,
    state: str,
    reason: str | None,
) -> Transfer:
    async def work(unit: Unit, row: Transfer) -> None:
        if row.state != "REQUESTED":
            raise Refused(WrongState(WrongStateReason[row.state]))
        row.state, row.reason, row.ended_at = state, reason, unit.now
        if state == "REJECTED":
            rejected = Act.REJECT_REPLENISHMENT, Subject.TRANSFER, row.id
            await record_act(unit, viewer, *rejected, row.to_store)

    return await change(db, viewer, key, row, (name, row.id, reason), work)
