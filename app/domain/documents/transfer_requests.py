"""Use cases of the transfers topic: what a store asks for, and what head office answers. 补货"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from uuid_utils.compat import uuid7

from app.db import identity
from app.db import transfers as rows
from app.db.core.unit import Database, Unit
from app.db.tables import Transfer
from app.db.transfers import Need
from app.domain import access
from app.domain.access import Can, Viewer
from app.domain.claims import claim
from app.domain.documents.transfers import (
    Amount,
    amounts,
    apart,
    change,
    enter,
    get_transfer,
    line_of,
    said_of,
)
from app.domain.errors import Refused, WrongState
from app.domain.movements.batches import LineRequest
from app.domain.rules.replenishment import PERIOD_DAYS, suggested
from app.domain.rules.texts import clean

MOST_SUGGESTED = 200


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A product a store should ask for, in base units; `days_left` until it is sold out, None
    when it does not sell."""

    product_id: UUID
    scale: int
    there: int
    coming: int
    sold: int
    quantity: int
    days_left: int | None


async def suggestions(db: Database, tenant: UUID, store: UUID) -> list[Suggestion]:
    """What the store should ask for now, the most urgent first."""
    async with db.read(tenant) as session:
        return await _suggested(session, tenant, store)


async def _suggested(session: Any, tenant: UUID, store: UUID) -> list[Suggestion]:
    needs = await rows.needs(session, tenant, store, PERIOD_DAYS)
    found = [_suggestion(need) for need in needs]
    wanted = [each for each in found if each.quantity]
    wanted.sort(key=lambda each: (each.days_left is None, each.days_left))
    return wanted[:MOST_SUGGESTED]


def _suggestion(need: Need) -> Suggestion:
    told = need.sold, need.lead_days, need.reorder_point, need.there, need.coming, need.scale
    days = need.there * PERIOD_DAYS // need.sold if need.sold else None
    return Suggestion(
        need.product_id, need.scale, need.there, need.coming, need.sold, suggested(*told), days
    )


async def request(
    db: Database,
    viewer: Viewer,
    key: UUID,
    store_id: UUID,
    asked: Sequence[LineRequest] | None,
    note: str | None,
) -> Transfer:
    """A store asks for goods: for what is told, or for all that is suggested now.

    Raises Refused: UnknownStore, WrongState(NOTHING_LOW) when nothing is suggested, and as
    `transfers.amounts` does.
    """
    access.at(viewer, Can.REQUEST_GOODS, store_id)
    note = clean(note, "note", 500, lines=True)
    told = None if asked is None else await amounts(db, viewer.tenant, store_id, asked)
    row = Transfer(
        tenant_id=viewer.tenant,
        id=uuid7(),
        to_store=store_id,
        state="REQUESTED",
        note=note,
        requested_by=viewer.actor,
    )
    said = ("requestReplenishment", store_id, said_of(asked), note)
    async with db.unit(viewer.tenant) as unit:
        if earlier := await claim(unit, viewer.actor, key, row.id, *said):
            return (await rows.transfers_by_id(unit.session, unit.tenant, [earlier]))[0]
        # Two who tap at once: the second sees what the first has asked for.
        await identity.serialize(unit, store_id)
        wanted = await _all_suggested(unit, store_id) if told is None else told
        lines = [
            line_of(row, number, each, requested=each.base) for number, each in enumerate(wanted, 1)
        ]
        await enter(unit, row, lines)
    return row


async def _all_suggested(unit: Unit, store: UUID) -> list[Amount]:
    found = await _suggested(unit.session, unit.tenant, store)
    if not found:
        raise Refused(WrongState("NOTHING_LOW"))
    return [Amount(each.product_id, each.scale, each.quantity) for each in found]


async def approve(
    db: Database,
    viewer: Viewer,
    key: UUID,
    transfer_id: UUID,
    from_store_id: UUID,
    asked: Sequence[LineRequest] | None,
) -> Transfer:
    """Head office sends what was requested, or other quantities and products, from a store.

    What is not among `asked` is not sent. Raises Refused: UnknownTransfer, UnknownStore,
    WrongState for what was answered before, and as `transfers.amounts` does.
    """
    row = await get_transfer(db, viewer, Can.RUN_TRANSFERS, transfer_id)
    access.at(viewer, Can.RUN_TRANSFERS, from_store_id)
    apart(from_store_id, row.to_store)
    wanted = None if asked is None else await amounts(db, viewer.tenant, from_store_id, asked)

    async def work(unit: Unit, row: Transfer) -> None:
        if row.state != "REQUESTED":
            raise Refused(WrongState(row.state))
        await _approve_lines(unit, row, wanted)
        row.state, row.from_store = "APPROVED", from_store_id
        row.approved_by, row.approved_at = viewer.actor, unit.now

    said = ("approveReplenishment", row.id, from_store_id, said_of(asked))
    return await change(db, viewer, key, row, said, work)


async def _approve_lines(unit: Unit, row: Transfer, wanted: Sequence[Amount] | None) -> None:
    lines = await rows.lines_of(unit.session, unit.tenant, [row.id])
    mine = {line.product_id: line for line in lines}
    if wanted is None:
        wanted = [Amount(line.product_id, line.scale, line.requested) for line in lines]
    for each in wanted:
        if each.product_id in mine:
            mine[each.product_id].approved = each.base
        else:
            mine[each.product_id] = line_of(row, len(mine) + 1, each, approved=each.base)
            unit.session.add(mine[each.product_id])


async def reject(
    db: Database, viewer: Viewer, key: UUID, transfer_id: UUID, reason: str
) -> Transfer:
    """Head office sends nothing, and says why. Raises Refused: UnknownTransfer, WrongState."""
    row = await get_transfer(db, viewer, Can.RUN_TRANSFERS, transfer_id)
    reason = clean(reason, "reason", 200, required=True)
    return await _end(db, viewer, key, row, "rejectReplenishment", "REJECTED", reason)


async def withdraw(
    db: Database, viewer: Viewer, key: UUID, transfer_id: UUID, reason: str | None
) -> Transfer:
    """The store asks no longer. Raises Refused: UnknownTransfer, WrongState once answered."""
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
            raise Refused(WrongState(row.state))
        row.state, row.reason, row.ended_at = state, reason, unit.now

    return await change(db, viewer, key, row, (name, row.id, reason), work)
