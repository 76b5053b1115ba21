"""Receipt numbers of sales: unique for the store, the till and the business day."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from uuid import UUID

from app.db import identity
from app.db.core.snapshot import Reads
from app.db.core.unit import clock
from app.domain.claims import fingerprint_of
from app.domain.ledger.draft import Receipt, receipt_key
from app.domain.movements.lines import ResolvedLine
from app.domain.rules.days import store_day

Zones = Mapping[UUID, str]
"""Time zones of stores."""


async def read_zones(reads: Reads, tenant: UUID, stores: Collection[UUID]) -> Zones:
    """The time zones of these stores; not read when there is none."""
    if not stores:
        return {}
    async with reads.read(tenant) as session:
        rows = await identity.stores_by_id(session, tenant, sorted(stores))
    return {store.id: store.timezone for store in rows}


def receipt_of(
    number: str | None,
    store: UUID,
    moment: datetime,
    channel: str | None,
    lines: Sequence[ResolvedLine],
    zones: Zones,
) -> Receipt | None:
    """The receipt number that a sale claims; None for a sale without one.

    What was sold, as the client sent it, and the channel tell a repeated sale from another one:
    the next shift may send it under another key, or a till that sold online may upload it again.
    """
    if number is None:
        return None
    day = store_day(min(moment, clock()), zones[store])
    content = fingerprint_of(channel, [line.printed for line in lines])
    return Receipt(number, receipt_key(store, None, day, number), content)
