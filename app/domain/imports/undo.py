"""Undoing an import of opening stock: all its movements, on the day on which it was written."""

from uuid import UUID, uuid5

from app.db import identity, stock
from app.db import imports as rows
from app.db.core.unit import Unit
from app.db.tables import Import
from app.domain import access
from app.domain.access import Can, Viewer
from app.domain.claims import claim
from app.domain.errors import Refused, WrongState, WrongStateReason
from app.domain.import_errors import UnknownImport
from app.domain.imports.commits import announce
from app.domain.ledger.documents import post_movements
from app.domain.movements.record import Books, reversal
from app.domain.rules.days import store_day
from app.domain.rules.import_columns import ImportKind

R = WrongStateReason


async def reverse_import(
    books: Books, viewer: Viewer, key: UUID, id: UUID, reason: str | None
) -> Import:
    """The import after all its movements are reversed, or none.

    Raises Refused: UnknownImport, KeyReused, OutOfStock when goods of it are gone, WrongState for
    another kind, one that is not finished, was reversed, or is not of the store's day.
    """
    async with books.db.unit(viewer.tenant) as unit:
        earlier = await claim(unit, viewer.claimant, key, id, "reverseImport", id, reason)
        row = await rows.locked_import(unit, id)
        if row is None or (row.store_id and not _reaches(viewer, row.store_id)):
            raise Refused(UnknownImport(str(id)))
        if earlier is None:
            await _check(unit, row)
            await _reverse(unit, viewer, key, row, reason)
            row.reversed_at = unit.now
            announce(unit, row.feed_store, row.id)
    return row


def _reaches(viewer: Viewer, store: UUID) -> bool:
    return bool(access.within(viewer, Can.REVERSE, [store]))


async def _check(unit: Unit, row: Import) -> None:
    """Raises Refused(WrongState)."""
    if row.kind != ImportKind.OPENING_STOCK.name or row.store_id is None:
        raise Refused(WrongState(R.NOT_OPENING_STOCK))
    if row.reversed_at is not None:
        raise Refused(WrongState(R.REVERSED))
    if row.finished_at is None:
        raise Refused(WrongState(R.IMPORT_RUNNING))
    [store] = await identity.stores_by_id(unit.session, unit.tenant, [row.store_id])
    if store_day(row.finished_at, store.timezone) != store_day(unit.now, store.timezone):
        raise Refused(WrongState(R.ANOTHER_DAY))


async def _reverse(unit: Unit, viewer: Viewer, key: UUID, row: Import, reason: str | None) -> None:
    """Reverses the movements that a person has not reversed already."""
    done = await stock.reversals_of(unit.session, unit.tenant, row.movements)
    drafts = [
        reversal(viewer, uuid5(key, str(id)), *movement, reason)
        for id in row.movements
        if id not in done
        and (movement := await stock.movement_with_entries(unit.session, unit.tenant, id))
    ]
    await post_movements(unit, drafts)
