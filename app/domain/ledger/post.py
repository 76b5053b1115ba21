"""The ledger: stock changes here and nowhere else.

`post` takes many movements, judges each on its own and writes the accepted ones in the caller's
transaction. The level rows are the locks; the plan is a pure function of what they hold.
"""

from collections.abc import Iterable, Mapping, Sequence
from uuid import UUID

from app.db import levels as level_rows
from app.db import movements as movement_rows
from app.db.core.unit import Unit
from app.db.levels import LevelState, Pair
from app.db.movements import ClaimKey, History
from app.db.tables import Movement
from app.domain.errors import KeyReused, Refusal, WrongState, WrongStateReason
from app.domain.ledger.bundles import count_parts
from app.domain.ledger.channel_limits import load_limits, use_limit
from app.domain.ledger.draft import Draft
from app.domain.ledger.earmarks import load_earmarks
from app.domain.ledger.guests import lock_guests
from app.domain.ledger.journal import Journal
from app.domain.ledger.limits import over_limit
from app.domain.ledger.locked import Levels, LockedLevel, Move
from app.domain.ledger.plan import Plan, References, plan
from app.domain.ledger.read_batches import read_batches
from app.domain.ledger.receipts import (
    answer,
    booked_receipts,
    claims_of,
    long_ago,
    one_per_receipt,
)
from app.domain.ledger.zone_counts import load_zone_counts
from app.domain.rules.days import BusinessDay, store_day

Outcome = Movement | Refusal

MOST_KNOWN = 200_000
"""Pairs of store and product whose level rows a lane remembers."""


class PostDrafts:
    """The lane's work: posts all waiting drafts in one transaction."""

    def __init__(self) -> None:
        self._known: set[Pair] = set()

    async def __call__(self, unit: Unit, drafts: Sequence[Draft]) -> list[Outcome]:
        await _open_levels(unit, touched_levels(drafts), self._known)
        async with unit:
            return await post(unit, drafts)


def touched_levels(drafts: Iterable[Draft]) -> set[Pair]:
    """The levels that these drafts lock."""
    pairs: set[Pair] = set()
    for draft in drafts:
        pairs |= draft.pairs
    return pairs


async def _open_levels(unit: Unit, pairs: set[Pair], known: set[Pair]) -> None:
    """Creates the level rows `post` will lock, in a transaction before its own, so that it takes
    every lock in order. `known` remembers rows that exist: they are never deleted."""
    fresh = pairs - known
    if not fresh:
        return
    async with unit:
        existing = await level_rows.open_levels(unit, fresh)
    if len(known) > MOST_KNOWN:
        known.clear()
    known |= existing


async def post(unit: Unit, drafts: Sequence[Draft]) -> list[Outcome]:
    """Accepts or refuses each movement on its own, in order, and writes the accepted ones.

    Returns one outcome a draft: the movement, or a refusal that wrote nothing. A key that was
    used before returns its first movement again, and so does a receipt number. Lock order: keys,
    levels, guests, new batches, feeds.
    """
    firsts: dict[tuple[UUID, UUID], Draft] = {}
    for draft in drafts:
        firsts.setdefault(draft.claim, draft)
    outcomes: dict[Draft, Outcome] = {}
    waiting = list(firsts.values())
    while waiting:
        # A second sale with a receipt number is answered with what the first has written.
        turn, waiting = one_per_receipt(waiting, booked_receipts(outcomes))
        outcomes |= await _post_once(unit, turn)
    for twin in drafts if len(firsts) < len(drafts) else ():
        first = firsts[twin.claim]
        same = twin.fingerprint == first.fingerprint
        outcomes[twin] = outcomes[first] if same else KeyReused(twin.key)
    return [outcomes[draft] for draft in drafts]


async def _post_once(unit: Unit, drafts: list[Draft]) -> dict[Draft, Outcome]:
    # I5: the keys are claimed before anything is read or decided.
    won, states = await level_rows.claim_and_lock(
        unit,
        [claim for draft in drafts for claim in claims_of(draft)],
        touched_levels(drafts),
    )
    repeated = [draft for draft in drafts if any(c[:2] not in won for c in claims_of(draft))]
    outcomes = await _answers(unit, repeated, won) if repeated else {}
    fresh = [draft for draft in drafts if draft not in outcomes]
    outcomes |= await long_ago(unit, fresh)
    fresh = [draft for draft in fresh if draft not in outcomes]
    levels, references = await _load(unit, states, fresh)
    guests = await lock_guests(unit, fresh)
    journal = Journal()
    for draft in fresh:
        planned = guests.refusal(draft) or _too_late(draft) or plan(draft, levels, references)
        if not isinstance(planned, Refusal):
            moves = planned.moves
            planned = guests.excess(draft, moves) or over_limit(draft, moves) or planned
        if isinstance(planned, Refusal):
            outcomes[draft] = planned
        else:
            guests.count(draft, planned.moves)
            _apply_effects(draft, planned, references)
            journal.enter(draft, _business_day(draft, levels), planned.moves)
    # I5: what wrote nothing leaves no claim.
    left = [claim[:2] for draft in drafts if draft in outcomes for claim in claims_of(draft)]
    return outcomes | await journal.write(unit, [claim for claim in left if claim in won])


def _too_late(draft: Draft) -> WrongState | None:
    # Only a fresh request is judged: a repeated one has its answer, however late it comes again.
    if draft.earliest is None or draft.occurred_at >= draft.earliest:
        return None
    return WrongState(WrongStateReason.TOO_LONG_AGO)


def _business_day(draft: Draft, levels: Levels) -> BusinessDay:
    """The day, in the movement's own store, by which its goods were judged."""
    touched = [levels[pair] for pair in draft.pairs if pair in levels]
    level = next((each for each in touched if each.pair[0] == draft.store), touched[0])
    return BusinessDay(level.day_of(draft.occurred_at), level.timezone)


def _apply_effects(draft: Draft, planned: Plan, references: References) -> None:
    """The next drafts see what this one sells of a limit, and takes back from a sale."""
    for level, channel, quantity in planned.uses:
        use_limit(level, channel, quantity)
    if draft.reverses_id is not None:
        references.histories[draft.reverses_id].reversed = True
    elif draft.sale_id is not None:
        for returned in planned.returned:
            references.histories[draft.sale_id].take_back(*returned)


async def preview(unit: Unit, draft: Draft, pairs: set[Pair]) -> Sequence[Move] | Refusal:
    """The moves of the draft if it were posted now, or its refusal; nothing is written.

    Locks these levels, which are the draft's and all others that its unit is going to lock.
    """
    _, states = await level_rows.claim_and_lock(unit, [], pairs)
    levels, references = await _load(unit, states, [draft])
    planned = plan(draft, levels, references)
    return planned if isinstance(planned, Refusal) else planned.moves


async def _load(
    unit: Unit, states: Mapping[Pair, LevelState], drafts: list[Draft]
) -> tuple[Levels, References]:
    """The locked levels with all that planning these drafts needs, and what the drafts refer to."""
    levels = {pair: _locked_level(unit, pair, state) for pair, state in states.items()}
    histories = await _histories(unit, drafts)
    await load_limits(unit, levels, drafts)
    await load_earmarks(unit, levels, drafts)
    await load_zone_counts(unit, levels, drafts)
    tracked = [levels[pair] for pair, state in states.items() if state.tracks_batches]
    expiries = await read_batches(unit, tracked, drafts, histories) if tracked else {}
    return levels, References(histories, expiries)


def _locked_level(unit: Unit, pair: Pair, state: LevelState) -> LockedLevel:
    until = state.sold_out_until
    return LockedLevel(
        pair,
        {
            "shelf": state.shelf,
            "reserved": state.reserved,
            "quarantine": state.quarantine,
            "transit": state.transit,
        },
        state.version,
        state.scale,
        timezone=state.timezone,
        today=store_day(unit.now, state.timezone),
        container=state.container,
        recipe_id=state.recipe_id,
        sold_out=until is not None and until > unit.now,
        value=state.value,
        unit_cost=state.unit_cost,
        price=state.price,
        held_until=state.held_until,
        reorder_point=state.reorder_point,
        shelf_before=state.shelf,
        transit_before=state.transit,
        counted_at=state.counted_at,
        counted_until=state.counted_until,
    )


async def _answers(unit: Unit, drafts: list[Draft], won: set[ClaimKey]) -> dict[Draft, Outcome]:
    """The outcomes of keys and receipt numbers that were claimed before: the first movement, or
    KeyReused or ReceiptTaken."""
    claims = {claim[:2] for draft in drafts for claim in claims_of(draft)}
    earlier = await movement_rows.answered(unit, list(claims - won))
    answers: dict[Draft, Outcome] = {}
    for draft in drafts:
        if draft.claim in won:
            answers[draft] = answer(draft, earlier)
            continue
        # A key that created something else, such as a product, has no movement to return.
        fingerprint, movement = earlier.get(draft.claim, (None, None))
        if movement is not None and fingerprint == draft.fingerprint:
            answers[draft] = movement
        else:
            answers[draft] = KeyReused(draft.key)
    return answers


async def _histories(unit: Unit, drafts: Iterable[Draft]) -> dict[UUID, History]:
    ids = {origin for d in drafts if (origin := d.sale_id or d.reverses_id) is not None}
    histories = await movement_rows.histories(unit, ids) if ids else {}
    # All returns of a sale have the same parts.
    for sale, parts in {d.sale_id: d.parts for d in drafts if d.sale_id and d.parts}.items():
        count_parts(histories[sale], parts)
    return histories
