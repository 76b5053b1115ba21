"""The reorder plan: what to order now, of whom, in which packs, and why."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from uuid import UUID

from app.db import reorders as rows
from app.db.core.snapshot import AnySession
from app.db.reorders import Shortfall
from app.db.stock_values import StockFilter
from app.domain.rules.reordering import WINDOW_DAYS, Packing, packed
from app.domain.rules.units import written


@dataclass(frozen=True, slots=True)
class ReorderLine:
    """A product that a store should order; quantities are in base units of `scale`."""

    level: Shortfall
    packing: Packing

    @property
    def store_id(self) -> UUID:
        return self.level.store_id

    @property
    def product_id(self) -> UUID:
        return self.level.product_id

    @property
    def supplier_id(self) -> UUID | None:
        return self.level.supplier_id

    @property
    def scale(self) -> int:
        return self.level.scale

    @property
    def daily(self) -> float:
        """Demand of an open day, in product units."""
        return round(self.level.demand / self.level.open_days / self.scale, 2)

    @property
    def days_of_cover(self) -> float | None:
        """Days that the stock and what is coming last; None without demand."""
        each = self.level
        coming = each.shelf + each.transit + each.on_order
        return round(coming * each.open_days / each.demand, 1) if each.demand > 0 else None

    @property
    def cost(self) -> int | None:
        """1/10000 yuan."""
        cost = self.level.unit_cost
        return None if cost is None else cost * self.packing.quantity // self.scale


@dataclass(frozen=True, slots=True)
class SuggestedOrder:
    """What one store should order of one supplier, ready for `createPurchaseOrder`."""

    supplier_id: UUID
    store_id: UUID
    expected_on: date
    lines: list[ReorderLine]


@dataclass(frozen=True, slots=True)
class ReorderPlan:
    """The lines that run out first, and the number of all."""

    cover_days: int
    lines: list[ReorderLine]
    total: int

    @property
    def orders(self) -> list[SuggestedOrder]:
        """The lines whose supplier is known, by supplier and store."""
        grouped: dict[tuple[UUID, UUID], list[ReorderLine]] = {}
        for line in self.lines:
            if line.supplier_id is not None:
                grouped.setdefault((line.supplier_id, line.store_id), []).append(line)
        return [
            SuggestedOrder(
                supplier, store, lines[0].level.today + timedelta(lines[0].level.lead_days), lines
            )
            for (supplier, store), lines in grouped.items()
        ]


async def reorder_plan(
    session: AnySession,
    tenant: UUID,
    filter: StockFilter,
    supplier: UUID | None,
    cover_days: int,
    limit: int,
) -> ReorderPlan:
    """What to order now: what runs out first comes first."""
    short = await rows.shortfalls(session, tenant, filter, supplier, cover_days, WINDOW_DAYS, limit)
    packs = await rows.packs_of(session, tenant, {each.product_id for each in short})
    lines = [
        ReorderLine(each, packed(each.needed, packs.get(each.product_id, ()), each.scale))
        for each in short
    ]
    return ReorderPlan(cover_days, lines, _total(short))


def _total(short: Sequence[Shortfall]) -> int:
    return short[0].all_levels if short else 0


def explanation(line: ReorderLine, unit: str, language: str) -> str:
    """All figures of a line in one sentence, Chinese or English."""
    level, scale = line.level, line.scale
    of = {
        name: f"{written(getattr(level, name), scale)} {unit}"
        for name in ("demand", "shelf", "transit", "on_order", "reorder_point", "needed")
    }
    order, pack = written(line.packing.quantity, scale), written(line.packing.pack, scale)
    if language == "zh":
        return (
            f"近 {WINDOW_DAYS} 天需求 {of['demand']}，其中缺货 {level.sold_out_days} 天，"
            f"按有货 {level.open_days} 天算日均 {line.daily:g} {unit}；"
            f"现有 {of['shelf']}，在途 {of['transit']}，已订未到 {of['on_order']}；"
            f"到货需 {level.lead_days} 天，最低阈值 {of['reorder_point']}；"
            f"缺口 {of['needed']}，按每件 {pack} {unit} 订 {line.packing.packs} 件，"
            f"共 {order} {unit}"
        )
    return (
        f"Demand of {WINDOW_DAYS} days {of['demand']}, sold out on {level.sold_out_days} of "
        f"them, so {line.daily:g} {unit} a day on {level.open_days} days; on the shelf "
        f"{of['shelf']}, in transit {of['transit']}, on order {of['on_order']}; delivery takes "
        f"{level.lead_days} days, reorder point {of['reorder_point']}; missing {of['needed']}: "
        f"{line.packing.packs} packs of {pack} {unit}, {order} {unit} in all"
    )
