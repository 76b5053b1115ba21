"""Receipt numbers of sales: unique for the store, the till and the business day."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from app.db import identity, tills
from app.db.core.snapshot import Reads
from app.db.core.unit import Database, clock
from app.db.tables import Till
from app.domain.claims import fingerprint_of
from app.domain.errors import Refused, WrongState, WrongStateReason
from app.domain.ledger.draft import Receipt, receipt_key
from app.domain.movements.lines import ResolvedLine
from app.domain.movements.record import MovementTerms
from app.domain.rules.days import store_day
from app.domain.rules.spelling import plain
from app.domain.rules.texts import clean
from app.domain.till_errors import UnknownTill

FRESH = timedelta(minutes=1)
"""How exactly it is known when a till that sells online was last in contact."""


def receipt_number(text: str | None) -> str | None:
    """The number as it is kept: in half width, without invisible characters. Raises InvalidText."""
    number = clean(text, "receiptNo", 100)
    return None if number is None else plain(number)


class Counters(NamedTuple):
    """The time zones of stores, and the tills, that sales name."""

    zones: Mapping[UUID, str]
    tills: Mapping[UUID, Till]


async def read_counters(
    reads: Reads, tenant: UUID, stores: Collection[UUID], till_ids: Collection[UUID]
) -> Counters:
    """The zones of these stores and these tills; not read when there is none."""
    if not stores and not till_ids:
        return Counters({}, {})
    async with reads.read(tenant) as session:
        zones = await identity.stores_by_id(session, tenant, sorted(stores))
        named: Sequence[Till] = ()
        if till_ids:
            named = await tills.tills_by_id(session, tenant, till_ids)
    return Counters(
        {store.id: store.timezone for store in zones}, {till.id: till for till in named}
    )


async def note_seen(
    db: Database,
    tenant: UUID,
    stores: Collection[UUID],
    seen: Counters,
    fresh: timedelta = timedelta(0),
) -> None:
    """Notes that the tills of these stores which sent sales are in contact, unless that was noted
    within `fresh`.

    The sheet of a stocktake shows those that are not: they may still have sales.
    """
    before = clock() - fresh
    stale = [
        till.id
        for till in seen.tills.values()
        if till.store_id in stores and (till.seen_at is None or till.seen_at < before)
    ]
    if stale:
        async with db.unit(tenant) as unit:
            await tills.note_seen(unit, stale)


def receipt_of(
    store: UUID,
    moment: datetime,
    terms: MovementTerms,
    lines: Sequence[ResolvedLine],
    counters: Counters,
) -> Receipt | None:
    """The receipt number that a sale claims; None for a sale without one.

    What was sold, as the client sent it, and the channel tell a repeated sale from another one:
    the next shift may send it under another key, or a till that sold online may upload it again.
    Raises Refused: UnknownTill for a till of another store, WrongState for one that was retired
    before the sale.
    """
    if terms.till_id is not None:
        till = counters.tills.get(terms.till_id)
        if till is None or till.store_id != store:
            raise Refused(UnknownTill(str(terms.till_id)))
        if till.retired_at is not None and moment >= till.retired_at:
            raise Refused(WrongState(WrongStateReason.TILL_RETIRED))
    number = terms.document
    if number is None:
        return None
    day = store_day(min(moment, clock()), counters.zones[store])
    content = fingerprint_of(terms.channel, [line.printed for line in lines])
    return Receipt(number, receipt_key(store, terms.till_id, day, number), content)
