"""The worksheet of a stocktake: each product's counts compared with the books.

While the stocktake is open the comparison is made at each read; once it is closed, what was
posted is read back.
"""

import asyncio
import time
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from functools import cached_property
from typing import Any, TypeVar
from uuid import UUID

from app.db import positions as position_rows
from app.db import stocktakes as rows
from app.db.core.snapshot import AnySession
from app.db.positions import Position
from app.db.stocktake_closings import CountTimes
from app.db.tables import (
    Stocktake,
    StocktakeCount,
    StocktakeLine,
    StocktakeRules,
    StocktakeVariance,
)
from app.domain.documents.count_writes import NOWHERE
from app.domain.rules.costs import average_cost
from app.domain.rules.counting import Comparison, Count, compare, observed
from app.domain.stocktake_errors import BlockedLine, Blocker

T = TypeVar("T")

AT_ONCE = 500
"""Products that are compared at a time, so that other work of the process goes on between."""


class LineState(Enum):
    """How the counts of a product compare with the books."""

    UNCOUNTED = "Not counted yet; nothing is posted for it. 未盘"
    MATCHES = "Counted, and equal to the books. 相符"
    DIFFERS = "Counted, and different from the books. 有差异"
    COUNTED = "Counted; the comparison is hidden while the count is blind. 已盘"
    AMBIGUOUS = "Goods moved while it was counted: recount or confirm it. 待确认"


class Narrowing(Enum):
    """What makes the variance of a product exact."""

    RECOUNT = "Count all zones of the product again, one right after the other. 重盘"
    CONFIRM = "Confirm which of the movements the counts include. 确认"
    NAME_ZONES = "Name the zone in the lines of sales and receipts. 单据填写区域"
    SYNC_TILLS = "Let the tills that are offline upload their sales before it is closed. 收银机联网"


@dataclass(frozen=True, eq=False)
class WorksheetLine:
    """A product on the worksheet, in base units.

    `counts` are those that hold, `replaced` those that a recount replaced. `parts` compare each
    counted batch; of a product that was not counted there is none.
    """

    stocktake: Stocktake
    row: StocktakeLine
    now: Position
    counts: Sequence[StocktakeCount]
    replaced: Sequence[StocktakeCount]
    parts: Sequence[Comparison]
    rules: StocktakeRules | None

    @property
    def tenant_id(self) -> UUID:
        return self.stocktake.tenant_id

    @property
    def store_id(self) -> UUID:
        return self.stocktake.store_id

    @property
    def id(self) -> UUID:
        return self.row.id

    @property
    def product_id(self) -> UUID:
        return self.row.product_id

    @property
    def scale(self) -> int:
        return self.row.scale

    @property
    def pair(self) -> tuple[UUID, UUID]:
        return self.store_id, self.product_id

    @cached_property
    def expected(self) -> int:
        """The book at the position of the counts; of an uncounted product, the book now."""
        return sum(part.expected for part in self.parts) if self.parts else self.now.on_hand

    @cached_property
    def counted(self) -> int | None:
        return sum(part.counted for part in self.parts) if self.parts else None

    @cached_property
    def variance(self) -> int | None:
        return sum(part.variance for part in self.parts) if self.parts else None

    @cached_property
    def low(self) -> int | None:
        return sum(part.low for part in self.parts) if self.parts else None

    @cached_property
    def high(self) -> int | None:
        return sum(part.high for part in self.parts) if self.parts else None

    @cached_property
    def is_ambiguous(self) -> bool:
        return any(part.low < part.high for part in self.parts)

    @property
    def moments(self) -> set[datetime]:
        """When people saw the goods; several for a product in several zones."""
        return {each.counted_at for each in observed([as_count(row) for row in self.counts])}

    @property
    def narrowed_by(self) -> list[Narrowing]:
        """How the bounds of an ambiguous variance become one number."""
        if not self.is_ambiguous:
            return []
        unnamed = any(step.zone is None for part in self.parts for step in part.between)
        named = unnamed and any(each.zone for each in self.counts) and len(self.moments) > 1
        return [Narrowing.RECOUNT, Narrowing.CONFIRM, *([Narrowing.NAME_ZONES] if named else [])]

    @cached_property
    def differs(self) -> bool:
        """Whether a batch, or the whole, was counted differently from the books."""
        return any(part.variance for part in self.parts)

    @cached_property
    def state(self) -> LineState:
        if not self.parts:
            return LineState.UNCOUNTED
        if self.is_ambiguous:
            return LineState.AMBIGUOUS
        return LineState.DIFFERS if self.differs else LineState.MATCHES

    @cached_property
    def value(self) -> int | None:
        """The variance at the moving-average cost, in 1/10000 yuan."""
        variance, now = self.variance, self.now
        if variance is None:
            return None
        held = now.on_hand + now.transit
        worth = average_cost(abs(variance), held, now.value, self.scale, now.unit_cost)
        return worth if variance > 0 else -worth

    @property
    def seq(self) -> int:
        """The level's position that the line speaks of."""
        return max((part.seq for part in self.parts), default=self.now.seq)

    @cached_property
    def needs_recount(self) -> bool:
        """Whether the variance is so large that another person must count it, and none has."""
        if self.rules is None or not self.differs or any(each.checks for each in self.counts):
            return False
        value, percent = self.rules.recount_value, self.rules.recount_percent
        size, worth = abs(self.variance or 0), abs(self.value or 0)
        by_value = value is not None and worth > value
        return by_value or (percent is not None and size * 100 > percent * abs(self.expected))

    @cached_property
    def blocker(self) -> Blocker | None:
        """What keeps the stocktake from being closed."""
        if self.is_ambiguous:
            return Blocker.AMBIGUOUS
        if self.needs_recount:
            return Blocker.NEEDS_RECOUNT
        limit = self.rules and self.rules.reason_value
        unexplained = self.differs and self.row.reason is None
        if limit is not None and unexplained and abs(self.value or 0) > limit:
            return Blocker.NEEDS_REASON
        return None


@dataclass(eq=False)
class Worksheet:
    """All lines of a stocktake, in its order."""

    stocktake: Stocktake
    lines: Sequence[WorksheetLine] = field(default_factory=list[WorksheetLine])

    @property
    def tenant_id(self) -> UUID:
        return self.stocktake.tenant_id

    @property
    def store_id(self) -> UUID:
        return self.stocktake.store_id

    @cached_property
    def counted(self) -> list[WorksheetLine]:
        return [line for line in self.lines if line.parts]

    @cached_property
    def counted_until(self) -> datetime | None:
        """When goods were seen last; None before the first count."""
        return max((at for line in self.counted for at in line.moments), default=None)

    @property
    def blocked(self) -> tuple[BlockedLine, ...]:
        return tuple(
            BlockedLine(line.id, line.product_id, blocker)
            for line in self.counted
            if (blocker := line.blocker) is not None
        )


async def worksheets(
    session: AnySession, tenant: UUID, ids: Collection[UUID]
) -> dict[UUID, Worksheet]:
    """The worksheets of these stocktakes."""
    stocktakes = await rows.stocktakes_by_id(session, tenant, ids)
    return {row.id: await _in_parts(session, row) for row in stocktakes}


async def _in_parts(session: AnySession, row: Stocktake) -> Worksheet:
    """The whole worksheet. It is read in parts with pauses between them, so that people go on
    counting while a large stocktake is followed."""
    products = await rows.all_products(session, row)
    lines: list[WorksheetLine] = []
    for at in range(0, len(products), AT_ONCE):
        began = time.monotonic()
        lines += (await worksheet(session, row, products[at : at + AT_ONCE])).lines
        if len(products) > AT_ONCE:
            await asyncio.sleep((time.monotonic() - began) / 2)
    return Worksheet(row, lines)


async def worksheet(
    session: AnySession, row: Stocktake, products: Collection[UUID] | None = None
) -> Worksheet:
    """The worksheet as it is now; of these products only, if given."""
    tenant = row.tenant_id
    lines = await rows.lines_of(session, tenant, [row.id], products)
    counts = _by_product(await rows.counts_of(session, tenant, [row.id], products))
    valid = {
        product: [each for each in theirs if each.replaced_by is None]
        for product, theirs in counts.items()
    }
    ids = {line.product_id for line in lines}
    now = await position_rows.positions(session, tenant, row.store_id, ids)
    posted = _by_product(await rows.variances_of(session, tenant, [row.id], products))
    pending = [line for line in lines if valid.get(line.product_id) and line.posted_at is None]
    compared = await _compared(session, row, pending, valid, now)
    rules = await rows.rules(session, tenant)
    return Worksheet(
        row,
        [
            WorksheetLine(
                row,
                line,
                now.get(line.product_id, NOWHERE),
                valid.get(line.product_id, ()),
                [c for c in counts.get(line.product_id, ()) if c.replaced_by is not None],
                compared.get(line.product_id)
                or [_posted(each) for each in posted.get(line.product_id, ())],
                rules,
            )
            for line in lines
        ],
    )


def _by_product(rows: Collection[Any]) -> dict[UUID, list[Any]]:
    grouped: dict[UUID, list[Any]] = defaultdict(list)
    for each in rows:
        grouped[each.product_id].append(each)
    return grouped


def _posted(row: StocktakeVariance) -> Comparison:
    variance = row.variance
    return Comparison(row.batch_id, row.seq, row.expected, row.counted, variance, variance, (), ())


async def _compared(
    session: AnySession,
    row: Stocktake,
    lines: Sequence[StocktakeLine],
    counts: Mapping[UUID, Sequence[StocktakeCount]],
    now: Mapping[UUID, Position],
) -> dict[UUID, list[Comparison]]:
    """The comparison of each of these counted lines."""
    if not lines or row.state in ("CANCELLED", "CLOSED", "REVERSED"):
        return {}
    since = {
        line.product_id: min(each.began_seq for each in counts[line.product_id]) for line in lines
    }
    tenant, store = row.tenant_id, row.store_id
    steps = await position_rows.steps_since(session, tenant, store, since)
    batches = await position_rows.batches_on_hand(session, tenant, store, since)
    compared: dict[UUID, list[Comparison]] = {}
    for line in lines:
        product = line.product_id
        held: dict[UUID | None, int] = {**batches.get(product, {})}
        held[None] = now.get(product, NOWHERE).on_hand
        compared[product] = compare(
            [as_count(each) for each in counts[product]],
            steps.get(product, ()),
            held,
            line.confirmed_seq,
        )
    return compared


def as_count(row: StocktakeCount) -> Count:
    """What the rules need of a count."""
    return Count(row.batch_id, row.quantity, row.began_seq, row.seq, row.counted_at, row.zone or "")


def count_times(counts: Sequence[StocktakeCount]) -> CountTimes:
    """When these counts of one product saw its goods."""
    seen = observed([as_count(each) for each in counts])
    moments: dict[str, set[datetime]] = defaultdict(set)
    for each in seen:
        moments[each.zone].add(each.counted_at)
    first, last = first_counted(counts), max(each.counted_at for each in seen)
    if first >= last:
        return CountTimes(first, None, {})
    zones = {zone: min(those) for zone, those in moments.items() if zone and len(those) == 1}
    return CountTimes(first, last, zones)


def first_counted(counts: Sequence[StocktakeCount]) -> datetime:
    """The moment of the first of these counts."""
    return min(each.counted_at for each in counts)
