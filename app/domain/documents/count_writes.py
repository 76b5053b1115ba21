"""Writes counts: those that arrive together are written in one unit.

While people count, each count would wait for the commit of the one before, because all announce
the same stocktake. Together they share the claims, the reads and the announcement.
"""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import NamedTuple
from uuid import UUID

from uuid_utils.compat import uuid7

from app.db import claims as claim_rows
from app.db import positions
from app.db import stocktakes as rows
from app.db.core.outage import is_passing
from app.db.core.unit import Database, Unit
from app.db.levels import Claim, claim_and_lock
from app.db.positions import Position
from app.db.stocktakes import CountRow
from app.db.tables import Product, Stocktake, StocktakeLine
from app.domain.access import Viewer
from app.domain.documents.stocktakes import refuse_overlap, require_state
from app.domain.errors import KeyReused, Malformed, Refused, WrongState, WrongStateReason
from app.domain.ledger.documents import announce
from app.domain.movements.zones import unknown_zone
from app.domain.paths import at_path

NOWHERE = Position(0, 0, 0, 0, 0, 0, None)
"""Position of a product that the store has never had."""


class CountedBatch(NamedTuple):
    """A batch by its number and expiry; it may never have been received."""

    id: UUID
    number: str
    expires_on: date


class CountedLine(NamedTuple):
    """A line that is read completely; `quantity` is in base units."""

    product: Product
    quantity: int
    batch: CountedBatch | None
    counted_at: datetime | None
    started_at_seq: int | None


@dataclass(frozen=True, slots=True, eq=False)
class CountDraft:
    """What one person counted in one zone, ready to be written; `id` is in the order of arrival."""

    viewer: Viewer
    key: UUID
    stocktake_id: UUID
    zone: str
    lines: Sequence[CountedLine]
    recount: bool
    fingerprint: bytes
    id: UUID = field(default_factory=uuid7)

    @property
    def claim(self) -> Claim:
        return Claim(self.viewer.claimant, self.key, self.fingerprint, self.stocktake_id)


Outcomes = dict[CountDraft, Stocktake | Exception]


async def write_counts(db: Database, tenant: UUID, drafts: Collection[CountDraft]) -> Outcomes:
    """The stocktake of each draft after its counts are written, or why they were refused.

    Raises what `is_passing` knows: then all of them may be written again.
    """
    groups: list[list[CountDraft]] = []
    for draft in sorted(drafts, key=lambda each: each.id):
        # A recount replaces the counts that arrived before it, and none that arrived later.
        if not groups or draft.recount or groups[-1][0].recount:
            groups.append([])
        groups[-1].append(draft)
    outcomes: Outcomes = {}
    for group in groups:
        outcomes |= await _write_group(db, tenant, group)
    return outcomes


async def _write_group(db: Database, tenant: UUID, drafts: Sequence[CountDraft]) -> Outcomes:
    try:
        return {**await _write(db, tenant, drafts)}
    except Exception as error:
        if is_passing(error):
            raise
        if len(drafts) == 1:
            return {drafts[0]: error}
    # Each alone, so that one that is refused does not refuse its neighbours.
    outcomes: Outcomes = {}
    for draft in drafts:
        outcomes |= await _write_group(db, tenant, [draft])
    return outcomes


async def _write(
    db: Database, tenant: UUID, drafts: Sequence[CountDraft]
) -> dict[CountDraft, Stocktake]:
    """Writes all of these counts, or none. Raises Refused, Malformed."""
    async with db.unit(tenant) as unit:
        fresh = await _claim(unit, drafts)
        ids = {draft.stocktake_id for draft in drafts}
        stocktakes = {row.id: row for row in await rows.shared_stocktakes(unit, ids)}
        by_stocktake: dict[UUID, list[CountDraft]] = defaultdict(list)
        for draft in fresh:
            row = stocktakes[draft.stocktake_id]
            require_state(row, *(("OPEN", "REVIEW") if draft.recount else ("OPEN",)))
            if row.zones and draft.zone not in row.zones:
                raise unknown_zone(row.zones)
            by_stocktake[row.id].append(draft)
        for id, theirs in by_stocktake.items():
            await _add_counts(unit, stocktakes[id], theirs)
            announce(unit, stocktakes[id])
    return {draft: stocktakes[draft.stocktake_id] for draft in drafts}


async def _claim(unit: Unit, drafts: Sequence[CountDraft]) -> list[CountDraft]:
    """Claims the keys of these drafts; those whose key was not used before.

    Raises Refused(KeyReused) for a key of another request.
    """
    firsts: dict[tuple[UUID, UUID], CountDraft] = {}
    for draft in drafts:
        first = firsts.setdefault(draft.claim[:2], draft)
        if first.fingerprint != draft.fingerprint:
            raise Refused(KeyReused(draft.key))
    won, _ = await claim_and_lock(unit, [draft.claim for draft in firsts.values()], set())
    for claimed, draft in firsts.items():
        if claimed not in won:
            earlier = await claim_rows.claim_of(unit.session, unit.tenant, *claimed)
            if earlier is None or earlier.fingerprint != draft.fingerprint:
                raise Refused(KeyReused(draft.key))
    return [draft for claimed, draft in firsts.items() if claimed in won]


async def _add_counts(unit: Unit, row: Stocktake, drafts: Sequence[CountDraft]) -> None:
    products = {line.product.id: line.product for draft in drafts for line in draft.lines}
    await _include(unit, row, products)
    replaced: dict[UUID, bool] = {}
    for draft in drafts:
        if draft.recount:
            replaced = await rows.replace_counts(
                unit, row, products, draft.zone, draft.viewer.actor
            )
    now = dict.fromkeys(products, NOWHERE)
    now |= await positions.positions(unit.session, unit.tenant, row.store_id, products)
    at_moments = await _past_positions(unit, row.store_id, drafts, now)
    counts = [
        CountRow(
            id=uuid7(),
            product_id=line.product.id,
            zone=draft.zone,
            batch_id=line.batch and line.batch.id,
            batch_no=line.batch and line.batch.number,
            expires_on=line.batch and line.batch.expires_on,
            quantity=line.quantity,
            scale=line.product.scale,
            began_seq=_began(line, place, now, at_moments),
            seq=now[line.product.id].seq,
            counted_by=draft.viewer.actor,
            counted_at=line.counted_at or unit.now,
            checks=replaced.get(line.product.id, False),
        )
        for draft in drafts
        for place, line in enumerate(draft.lines)
    ]
    await rows.put_counts(unit, row, counts)
    await rows.forget_confirmations(unit, row, products)


async def _include(unit: Unit, row: Stocktake, products: Mapping[UUID, Product]) -> None:
    """Adds lines for counted products that the stocktake covers and had not listed.

    Raises Refused(WrongState): NOT_IN_STOCKTAKE, or OVERLAPS with another stocktake.
    """
    missing = products.keys() - await rows.listed_products(unit, row, products)
    if not missing:
        return
    categories = await rows.covered_categories(unit, row)
    for product in missing:
        covered = row.everything or products[product].category_id in categories
        if not covered or products[product].kind != "GOODS":
            raise Refused(WrongState(WrongStateReason.NOT_IN_STOCKTAKE))
    await rows.lock_scopes(unit, row.store_id)
    listed = await rows.listed_products(unit, row, missing)
    unit.session.add_all(
        StocktakeLine(
            tenant_id=unit.tenant,
            stocktake_id=row.id,
            product_id=product,
            id=uuid7(),
            scale=products[product].scale,
        )
        for product in missing - listed
    )
    await unit.session.flush()
    await refuse_overlap(unit, row)


async def _past_positions(
    unit: Unit, store: UUID, drafts: Sequence[CountDraft], now: Mapping[UUID, Position]
) -> dict[tuple[UUID, datetime], int]:
    """The position of each product at the moments of counts that name no position."""
    moments = {
        (line.product.id, line.counted_at)
        for draft in drafts
        for line in draft.lines
        if line.counted_at is not None and line.started_at_seq is None
    }
    if not moments:
        return {}
    return await positions.positions_at(unit.session, unit.tenant, store, now, moments)


def _began(
    line: CountedLine,
    place: int,
    now: Mapping[UUID, Position],
    at_moments: Mapping[tuple[UUID, datetime], int],
) -> int:
    """The position at which the person began to count the line, which is in this place of the
    request. Raises Malformed for one that the level has not reached."""
    product, seq = line.product.id, now[line.product.id].seq
    started = line.started_at_seq
    if started is None:
        at = line.counted_at
        return seq if at is None else min(seq, at_moments.get((product, at), seq))
    if started > seq:
        with at_path("lines", str(place)):
            raise Malformed(
                "startedAtSeq",
                "起始版本晚于当前库存版本，请重新读取",
                "The position is later than the level's version: read the level again.",
            )
    return started
