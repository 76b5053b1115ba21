"""The plan of a movement: what a draft does to the locked levels, or why it is refused.

Pure: nothing here reads or writes, and nothing changes a level. `ledger.post` applies a plan
under the locks, before it plans the next draft.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import NamedTuple
from uuid import UUID

from app.db.movements import History
from app.domain.errors import InvalidQuantity, OutOfStock, Refusal, Shortage
from app.domain.ledger.channel_limits import is_bound
from app.domain.ledger.draft import Draft, RecipeChanged
from app.domain.ledger.locked import Levels, LockedLevel, Move
from app.domain.ledger.plan_lines import Demands, LinePlanner
from app.domain.ledger.returns import ReturnedQuantity, origin_refusal, price_returns
from app.domain.rules.costs import MOST_VALUE, cost_of
from app.domain.rules.fefo import expired
from app.domain.rules.kinds import INCOMING_BINS
from app.domain.rules.shortages import NO_DEMAND, after_limit, shortages
from app.domain.rules.units import LIMIT, to_base


def _no_histories() -> dict[UUID, History]:
    return {}


def _no_expiries() -> dict[UUID, date]:
    return {}


@dataclass(slots=True)
class References:
    """Rows that drafts refer to: movements that they return or reverse, and batches by number."""

    histories: dict[UUID, History] = field(default_factory=_no_histories)
    expiries: dict[UUID, date] = field(default_factory=_no_expiries)


class ChannelUse(NamedTuple):
    """Base units that a channel sells of a level, of what it may still sell."""

    level: LockedLevel
    channel: str
    quantity: int


class Plan(NamedTuple):
    """The effects of an accepted movement.

    `uses` are taken from the limits of channels, `returned` from the history of the sale.
    """

    moves: Sequence[Move]
    uses: Sequence[ChannelUse] = ()
    returned: Sequence[ReturnedQuantity] = ()


def plan(draft: Draft, levels: Levels, references: References) -> Plan | Refusal:
    """The plan of a movement that is possible as a whole; else the refusal: all or nothing."""
    origin = draft.reverses_id or draft.sale_id
    history = None if origin is None else references.histories[origin]
    if history is not None and (refusal := origin_refusal(draft, history, levels)):
        return refusal
    if refusal := _outdated(draft, levels):
        return refusal
    planner = LinePlanner(draft, levels, references.expiries, history)
    if refusal := planner.plan_lines():
        return refusal
    uses = _channel_uses(draft, levels)
    demands = _with_limits(planner.demands, uses) if is_bound(draft) else planner.demands
    if refusal := _out_of_stock(demands) or _overflow(planner.moves):
        return refusal
    if draft.reverses_id is not None:
        return Plan(planner.moves, uses)
    moves = [_kept_off_shelf(move) for move in planner.moves]
    if history is None:
        return Plan(moves, uses)
    priced, returned = price_returns(draft, history, moves)
    return Plan(priced, uses, returned)


def _kept_off_shelf(move: Move) -> Move:
    """The move; goods that are past their last day of sale when they are recorded go to quarantine
    instead of the shelf (I8)."""
    line, batch = move.line, move.batch
    if batch is None or line.target.bin != "shelf" or line.source.bin not in INCOMING_BINS:
        return move
    if not expired(batch.expires_on, move.target.today):
        return move
    aside = line.target._replace(bin="quarantine")
    return move._replace(line=replace(line, target=aside, came_expired=True))


def _outdated(draft: Draft, levels: Levels) -> RecipeChanged | None:
    for product, recipe in draft.recipes.items():
        level = levels.get((draft.store, product))
        if level is not None and level.recipe_id != recipe:
            return RecipeChanged(product)
    return None


def _channel_uses(draft: Draft, levels: Levels) -> Sequence[ChannelUse]:
    """Quantity by level that the draft sells through a channel with a limit.

    A document's later movements are not charged: its order was.
    """
    channel = draft.channel
    if channel is None or (draft.document_id is not None and draft.order is None):
        return ()
    if not any(levels[pair].limits for pair in draft.pairs):
        return ()
    uses: list[ChannelUse] = []
    for product, quantity in _sold(draft, levels).items():
        level = levels[draft.store, product]
        limit = level.limits.get(channel)
        if limit is not None and limit.remaining is not None:
            uses.append(ChannelUse(level, channel, quantity))
    return uses


def _sold(draft: Draft, levels: Levels) -> Counter[UUID]:
    """Base units of the products a customer asked for; not of what they are made of."""
    sold: Counter[UUID] = Counter()
    if draft.order is not None:
        for line in draft.order.lines:
            sold[line.product_id] += line.quantity
        return sold
    for line in draft.lines:
        if line.target.bin == "customer":
            scale = levels[line.target.store, line.product].scale
            sold[line.product] += to_base(line.quantity, scale) or 0
    return sold


def _with_limits(demands: Demands, uses: Sequence[ChannelUse]) -> Demands:
    """The demands, where a sale beyond what its channel may sell is short as well."""
    if not uses:
        return demands
    limited = dict(demands)
    for level, channel, quantity in uses:
        remaining = level.limits[channel].remaining
        assert remaining is not None
        bin = level, "shelf"
        demand = after_limit(limited.get(bin, NO_DEMAND), quantity, remaining)
        if demand.missing:
            limited[bin] = demand
    return limited


def _out_of_stock(demands: Demands) -> OutOfStock | None:
    """Every shortage, with what there is."""
    short = [
        Shortage(level.pair[1], demand.requested, demand.available, level.scale)
        for (level, _), demand in shortages(demands)
    ]
    return OutOfStock(tuple(short)) if short else None


def _overflow(moves: Sequence[Move]) -> InvalidQuantity | None:
    """A level must stay below the largest quantity and the largest value."""
    held: dict[LockedLevel, int] = {}
    value: dict[LockedLevel, int] = {}
    for line, quantity, _, target, *_ in moves:
        if line.target.bin in target.bins:
            held[target] = held.get(target, target.held) + quantity
            if held[target] > LIMIT:
                return InvalidQuantity(line.product, str(line.quantity))
            if line.unit_cost is not None:
                cost = cost_of(quantity, target.scale, line.unit_cost)
                value[target] = value.get(target, target.value) + cost
                if value[target] > MOST_VALUE:
                    return InvalidQuantity(line.product, str(line.quantity))
    return None
