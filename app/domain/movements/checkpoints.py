"""Checkpoints: each level's balances are kept once a day, so that past stock is read quickly."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from app.db import checkpoints as rows
from app.db.checkpoint_days import mark, write
from app.db.checkpoints import DueLevel, Latest, Range
from app.db.core.unit import Database, clock
from app.db.history import Balance, Part, balance_of, parts
from app.db.levels import Pair
from app.db.tables import Checkpoint
from app.domain.rules.kinds import ON_HAND_BINS

PAGE = 100
"""Levels read at once: the first checkpoints read the whole ledger, within the time of a
statement."""

Place = tuple[UUID | None, str]


async def keep_checkpoints(db: Database, tenant: UUID, now: datetime) -> None:
    """Keeps a checkpoint of each level that moved since its last one, which is of an earlier day of
    its store."""
    after: Pair | None = None
    started = clock()
    while True:
        due, kept = await _next_checkpoints(db, tenant, now, after)
        if kept:
            async with db.unit(tenant) as unit:
                await write(unit, kept)
        if len(due) < PAGE:
            break
        after = due[-1].store_id, due[-1].product_id
    async with db.unit(tenant) as unit:
        await mark(unit, now, started)


async def _next_checkpoints(
    db: Database, tenant: UUID, now: datetime, after: Pair | None
) -> tuple[list[DueLevel], list[Checkpoint]]:
    """A page of levels, and their checkpoints of one moment: the read is a snapshot."""
    async with db.read(tenant) as session:
        due = await rows.due_levels(session, tenant, now, after, PAGE)
        pairs = [(level.store_id, level.product_id) for level in due]
        before = await rows.latest(session, tenant, pairs)
        since = {pair: kept.seq for pair, kept in before.items()}
        unread = [
            Range(*pair, since.get(pair, 0), level.version)
            for pair, level in zip(pairs, due, strict=True)
        ]
        summed = await parts(session, tenant, unread)
    changes: dict[Pair, list[Part]] = {pair: [] for pair in pairs}
    for part in summed:
        changes[part.balance.store_id, part.balance.product_id].append(part)
    return due, [
        _checkpoint(tenant, level, before.get(pair), changes[pair])
        for pair, level in zip(pairs, due, strict=True)
        if changes[pair]
    ]


def _checkpoint(
    tenant: UUID, level: DueLevel, before: Latest | None, changes: Sequence[Part]
) -> Checkpoint:
    """The checkpoint before, and what the entries behind it changed."""
    store, product = level.store_id, level.product_id
    balances = [part.balance for part in changes]
    lasts_at: list[datetime] = [part.last_at for part in changes]
    lasts_known = [part.last_known for part in changes]
    if before is not None:
        balances += [balance_of(store, product, each) for each in before.balances]
        lasts_at.append(before.last_at)
        lasts_known.append(before.last_known)
    places = _added_up(balances)
    return Checkpoint(
        tenant_id=tenant,
        store_id=store,
        product_id=product,
        seq=level.version,
        since_seq=0 if before is None else before.seq,
        day=level.day,
        first_at=min(part.first_at for part in changes),
        last_at=max(lasts_at),
        first_known=min(part.first_known for part in changes),
        last_known=max(lasts_known),
        balances=[
            {"batch_id": batch and str(batch), "bin": bin, "quantity": quantity, "value": value}
            for (batch, bin), (quantity, value) in places.items()
            if quantity or value
        ],
        on_hand=sum(sums[0] for (_, bin), sums in places.items() if bin in ON_HAND_BINS),
        value=sum(value for _, value in places.values()),
    )


def _added_up(balances: Sequence[Balance]) -> dict[Place, tuple[int, int]]:
    """The quantity and value of each place."""
    sums: dict[Place, tuple[int, int]] = {}
    for each in balances:
        place = each.batch_id, each.bin
        quantity, value = sums.get(place, (0, 0))
        sums[place] = quantity + each.quantity, value + each.value
    return sums
