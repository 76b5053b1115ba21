"""Closing a stocktake: its variances are posted as movements, in steps, while sales go on.

Each step is a transaction of its own: it locks the stocktake and some levels, compares their
counts with the books under those locks, posts the variances and marks the lines. A close that
was interrupted goes on with the next call, or by the job that calls `resume_closings`; nothing is
posted twice (I14).
"""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID, uuid5

from app.db import alerts, orders, stock
from app.db import levels as level_rows
from app.db import stocktake_closings as closings
from app.db import stocktakes as rows
from app.db.core.unit import Database, Unit
from app.db.levels import LevelState, Pair
from app.db.stocktake_closings import VarianceRow
from app.db.tables import Entry, Stocktake
from app.domain.access import Can, Viewer
from app.domain.audit_log import Act, Subject, record_act
from app.domain.claims import claim
from app.domain.documents.stocktake_lines import Corrections, load_corrections
from app.domain.documents.stocktakes import get_stocktake, require_state
from app.domain.documents.worksheet import (
    AT_ONCE,
    Worksheet,
    WorksheetLine,
    count_times,
    first_counted,
    worksheet,
)
from app.domain.errors import Refusal, Refused
from app.domain.ledger.documents import announce, change_document, movement_of
from app.domain.ledger.draft import Draft, Line, reversed_lines
from app.domain.ledger.post import post
from app.domain.ledger.reservations import retry_while_short
from app.domain.rules.kinds import Kind
from app.domain.rules.texts import clean
from app.domain.stocktake_errors import StocktakeBlocked

STEP = 100
"""Products whose levels are locked in one transaction. A sale waits for one such step at most."""

REASON = "盘点"
"""Reason of a movement whose variance has no explanation."""


async def close(db: Database, viewer: Viewer, key: UUID, stocktake_id: UUID) -> Stocktake:
    """The closed stocktake; one that is closed already stays as it is.

    Raises Refused: UnknownStocktake, StocktakeBlocked with every line that blocks, WrongState,
    OutOfStock where goods that are reserved for orders or write-offs are missing.
    """
    row = await get_stocktake(db, viewer, Can.RUN_STOCKTAKES, stocktake_id)
    return await _Closing(db, row, viewer, key).post()


async def resume_closings(db: Database, tenant: UUID, before: datetime) -> None:
    """Goes on with the closings whose last step was posted before this moment.

    One that lacks goods which are reserved stays CLOSING, and is tried again at the next run.
    """
    for row in await closings.interrupted_closings(db, tenant, before):
        with suppress(Refused):
            await _Closing(db, row).post()


@dataclass(slots=True)
class _Closing:
    """Closes a stocktake, in the name of the viewer; without one it goes on with a closing.

    `lines` are the counted lines that are not posted yet, by product, as they were compared with
    the books when this closing began.
    """

    db: Database
    row: Stocktake
    viewer: Viewer | None = None
    key: UUID | None = None
    lines: dict[UUID, WorksheetLine] | None = None
    claimed: bool = False
    opened: bool = False

    async def post(self) -> Stocktake:
        """Posts step after step until the stocktake is closed."""
        while True:
            if not self.opened:
                await self._open_levels()
            current = await retry_while_short(
                self.db, self.row.tenant_id, self.row.store_id, self._step
            )
            if current.state != "CLOSING":
                return current

    async def _open_levels(self) -> None:
        """Creates the levels of products that were never in the store, in a transaction of its own,
        so that the steps lock all levels in order."""
        async with self.db.unit(self.row.tenant_id) as unit:
            products = await closings.pending_products(unit, self.row)
            await level_rows.open_levels(unit, {(self.row.store_id, each) for each in products})
        self.opened = True

    async def _step(self) -> Stocktake:
        """Posts the next products. The first step needs a viewer; the last one ends the
        stocktake."""
        async with self.db.unit(self.row.tenant_id) as unit:
            begun = self.claimed
            if self.viewer is not None and not begun:
                begun = await self._claim(unit, self.viewer)
            current = await rows.locked_stocktake(unit, self.row.id)
            assert current is not None, "no document is ever deleted"
            if current.state != "CLOSING":
                if self.viewer is None or begun or current.state == "CLOSED":
                    return current
                await self._begin(unit, self.viewer, current)
            elif self.lines is None:
                await self._compare(unit, current)
            assert self.lines is not None
            posted = await _post_lines(unit, current, list(self.lines.values())[:STEP])
            if len(posted) == len(self.lines):
                current.state, current.closed_at = "CLOSED", unit.now
                announce(unit, current)
        self.claimed = True
        # A product without a level was counted after the levels were created.
        self.opened = len(posted) == min(STEP, len(self.lines))
        for product in posted:
            del self.lines[product]
        return current

    async def _claim(self, unit: Unit, viewer: Viewer) -> bool:
        """Claims the key. Returns whether an earlier request with it began this closing.

        Raises Refused(KeyReused).
        """
        assert self.key is not None, "a viewer closes with a key"
        request = "closeStocktake", self.row.id
        return await claim(unit, viewer.claimant, self.key, self.row.id, *request) is not None

    async def _begin(self, unit: Unit, viewer: Viewer, row: Stocktake) -> None:
        """Makes the locked stocktake CLOSING: from now on it is closed by this person.

        Raises Refused: WrongState, StocktakeBlocked.
        """
        require_state(row, "OPEN", "REVIEW")
        await self._compare(unit, row)
        assert self.lines is not None
        if blocked := Worksheet(row, list(self.lines.values())).blocked:
            raise Refused(StocktakeBlocked(blocked))
        row.state, row.closed_by = "CLOSING", viewer.actor
        closed = Act.CLOSE_STOCKTAKE, Subject.STOCKTAKE, row.id, row.store_id
        await record_act(unit, viewer, *closed)
        announce(unit, row)

    async def _compare(self, unit: Unit, row: Stocktake) -> None:
        """Compares what was counted and is not posted yet with the books. The stocktake is locked,
        so that no count is added."""
        products = await closings.pending_products(unit, row)
        self.lines = {}
        for at in range(0, len(products), AT_ONCE):
            # A snapshot: the comparison reads levels, batches and entries of one moment.
            async with self.db.read(row.tenant_id) as session:
                compared = await worksheet(session, row, products[at : at + AT_ONCE])
            self.lines |= {line.product_id: line for line in compared.counted}


async def _post_lines(unit: Unit, row: Stocktake, compared: Sequence[WorksheetLine]) -> list[UUID]:
    """Posts what was counted of these lines, under the locks of their levels, if it is not posted
    yet. Returns their products; those that have no level are left out."""
    _, states = await level_rows.claim_and_lock(unit, [], {line.pair for line in compared})
    await unit.session.flush()
    compared = [line for line in compared if line.pair in states]
    if lines := await _unposted(unit, row, compared, states):
        await _post(unit, row, lines, states)
    return [line.product_id for line in compared]


async def _unposted(
    unit: Unit,
    row: Stocktake,
    compared: Sequence[WorksheetLine],
    states: Mapping[Pair, LevelState],
) -> list[WorksheetLine]:
    """Those of these lines that are not posted yet, as they are now. Their levels are locked."""
    open_products = await closings.unposted(unit, row, [line.product_id for line in compared])
    # The counts of a closing do not change: while the level has not moved, nor does the line.
    moved = {line.product_id for line in compared if states[line.pair].version != line.now.seq}
    lines = [line for line in compared if line.product_id in open_products - moved]
    if again := open_products & moved:
        lines += (await worksheet(unit.session, row, again)).counted
    return lines


async def _post(
    unit: Unit, row: Stocktake, lines: Sequence[WorksheetLine], states: Mapping[Pair, LevelState]
) -> None:
    corrections = await load_corrections(unit, row.store_id, states, lines)
    drafts = _drafts(row, lines, corrections)
    for outcome in await post(unit, drafts):
        if isinstance(outcome, Refusal):
            raise Refused(outcome)
    await closings.put_variances(unit, row, _variance_rows(lines))
    await closings.mark_posted(unit, row, [line.product_id for line in lines])
    whole = {line.product_id for line in lines if corrections.is_whole(line)}
    times = {
        line.product_id: count_times(line.counts) for line in lines if line.product_id in whole
    }
    await closings.mark_counted(unit, row.store_id, times)
    firsts = {product: each.first for product, each in times.items()}
    await alerts.resolve_discrepancies(unit, row.store_id, firsts)


def _drafts(
    row: Stocktake, lines: Sequence[WorksheetLine], corrections: Corrections
) -> list[Draft]:
    """One movement for each kind and reason: gains first, so that losses find them."""
    assert row.closed_by is not None, "a closing has begun"
    grouped: dict[tuple[Kind, str], list[Line]] = defaultdict(list)
    for line in lines:
        reason = line.row.reason or REASON
        grouped[Kind.COUNT_GAIN, reason] += corrections.gains(line)
        grouped[Kind.COUNT_LOSS, reason] += corrections.losses(line)
    return [
        movement_of(
            row.id,
            kind,
            row.store_id,
            uuid5(row.id, f"{reason} {moved[0].product}"),
            row.closed_by,
            moved,
            reason=reason,
        )
        for (kind, reason), moved in sorted(
            grouped.items(), key=lambda item: (item[0][0] is Kind.COUNT_LOSS, item[0][1])
        )
        if moved
    ]


def _variance_rows(lines: Sequence[WorksheetLine]) -> list[VarianceRow]:
    return [
        VarianceRow(
            product_id=line.product_id,
            part=number,
            batch_id=part.batch_id,
            seq=part.seq,
            expected=part.expected,
            late=part.shifted,
            counted=part.counted,
            counted_at=first_counted(line.counts),
        )
        for line in lines
        for number, part in enumerate(line.parts, 1)
    ]


async def reverse(
    db: Database, viewer: Viewer, key: UUID, stocktake_id: UUID, reason: str | None
) -> Stocktake:
    """Undoes a closed stocktake with new movements: every variance goes back.

    Raises Refused: UnknownStocktake, WrongState, OutOfStock where what was found is gone.
    """
    reason = clean(reason, "reason", 200)
    row = await get_stocktake(db, viewer, Can.RUN_STOCKTAKES, stocktake_id)

    async def work(unit: Unit, row: Stocktake) -> None:
        require_state(row, "CLOSED")
        movements = await orders.movements_of(unit.session, unit.tenant, [row.id])
        kinds = {each.id: each.kind for each in movements}
        entries = await stock.entries_of(unit.session, unit.tenant, kinds)
        lost = [entry for entry in entries if kinds[entry.movement_id] == Kind.COUNT_LOSS.name]
        gained = [entry for entry in entries if kinds[entry.movement_id] == Kind.COUNT_GAIN.name]
        drafts = [
            _undoing(row, kind, key, viewer.actor, undone, reason)
            for kind, undone in ((Kind.COUNT_GAIN, lost), (Kind.COUNT_LOSS, gained))
            if undone
        ]
        for outcome in await post(unit, drafts):
            if isinstance(outcome, Refusal):
                raise Refused(outcome)
        await closings.unmark_counted(unit, row)
        row.state, row.reversed_by, row.reversed_at = "REVERSED", viewer.actor, unit.now
        undone = Act.REVERSE_STOCKTAKE, Subject.STOCKTAKE, row.id, row.store_id
        await record_act(unit, viewer, *undone)

    async def once() -> Stocktake:
        request = ("reverseStocktake", row.id, reason)
        locked = rows.locked_stocktake
        return await change_document(db, viewer.claimant, key, row, request, locked, work)

    return await retry_while_short(db, viewer.tenant, row.store_id, once)


def _undoing(
    row: Stocktake,
    kind: Kind,
    key: UUID,
    actor: UUID,
    entries: Collection[Entry],
    reason: str | None,
) -> Draft:
    lines = reversed_lines(list(entries))
    return movement_of(row.id, kind, row.store_id, key, actor, lines, reason=reason or "撤销盘点")
