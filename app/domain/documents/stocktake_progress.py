"""How far a stocktake is, by zone and category, and what it found."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from app.domain.documents.worksheet import LineState, Worksheet, WorksheetLine


@dataclass(slots=True)
class Progress:
    """Numbers of products by the state of their line."""

    products: int = 0
    counted: int = 0
    differing: int = 0
    ambiguous: int = 0
    blocked: int = 0

    def add(self, line: WorksheetLine) -> None:
        self.products += 1
        self.counted += line.state is not LineState.UNCOUNTED
        self.differing += line.differs
        self.ambiguous += line.is_ambiguous
        self.blocked += line.blocker is not None


@dataclass(slots=True)
class CategoryProgress:
    """The progress of one category of a tenant; None for products without a category."""

    tenant_id: UUID
    category_id: UUID | None
    progress: Progress


@dataclass(slots=True)
class ZoneProgress:
    """What was counted in one zone, by whom, and when last."""

    tenant_id: UUID
    name: str
    products: set[UUID] = field(default_factory=set[UUID])
    people: list[UUID] = field(default_factory=list[UUID])
    last_counted_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Summary:
    """What a stocktake found; values are in 1/10000 yuan, None while unknown to all.

    `accuracy` is the share of counted products that equal the books, in 1/10000.
    """

    worksheet: Worksheet
    progress: Progress
    gains: int
    losses: int
    gain_value: int
    loss_value: int

    @property
    def tenant_id(self) -> UUID:
        return self.worksheet.tenant_id

    @property
    def store_id(self) -> UUID:
        return self.worksheet.store_id

    @property
    def accuracy(self) -> int | None:
        counted = self.progress.counted
        return (counted - self.progress.differing) * 10_000 // counted if counted else None


def progress(lines: Iterable[WorksheetLine]) -> Progress:
    total = Progress()
    for line in lines:
        total.add(line)
    return total


def by_category(
    worksheet: Worksheet, categories: Mapping[UUID, UUID | None]
) -> list[CategoryProgress]:
    """The progress of each category; `categories` are those of the products."""
    totals: dict[UUID | None, Progress] = defaultdict(Progress)
    for line in worksheet.lines:
        totals[categories.get(line.product_id)].add(line)
    return [
        CategoryProgress(worksheet.tenant_id, category, total) for category, total in totals.items()
    ]


def by_zone(worksheet: Worksheet) -> list[ZoneProgress]:
    """Each zone of the stocktake, and each other one in which something was counted."""
    zones = {name: ZoneProgress(worksheet.tenant_id, name) for name in worksheet.stocktake.zones}
    for line in worksheet.lines:
        for count in line.counts:
            if count.zone not in zones:
                zones[count.zone] = ZoneProgress(worksheet.tenant_id, count.zone)
            zone = zones[count.zone]
            zone.products.add(line.product_id)
            if count.counted_by not in zone.people:
                zone.people.append(count.counted_by)
            latest = zone.last_counted_at
            if latest is None or latest < count.recorded_at:
                zone.last_counted_at = count.recorded_at
    return list(zones.values())


def summary(worksheet: Worksheet) -> Summary:
    gains = [line for line in worksheet.counted if (line.variance or 0) > 0]
    losses = [line for line in worksheet.counted if (line.variance or 0) < 0]
    return Summary(
        worksheet,
        progress(worksheet.lines),
        len(gains),
        len(losses),
        sum(line.value or 0 for line in gains),
        sum(line.value or 0 for line in losses),
    )
