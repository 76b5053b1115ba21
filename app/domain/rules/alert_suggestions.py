"""Suggested actions of alerts, with their quantities."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from uuid import UUID

from app.domain.rules.prices import tenths
from app.domain.rules.replenishment import PERIOD_DAYS, suggested


class SuggestionKind(Enum):
    """The action that an alert suggests."""

    REORDER = "REORDER"
    TRANSFER = "TRANSFER"
    MARKDOWN = "MARKDOWN"
    BUNDLE = "BUNDLE"
    WRITE_OFF = "WRITE_OFF"
    COUNT = "COUNT"


MARKDOWN_STEPS = ((3, 50), (7, 30), (15, 20))
"""Pairs of days and percent: the markdown of a batch with at most this number of days left."""

FIRST_STEP = 10
"""Percent off for a batch with more days left, and for a slow mover."""


@dataclass(frozen=True, slots=True)
class StoreStock:
    """The stock of a product in a store, in base units: `free` can be sold, `coming` is in transit,
    requested or on order, `sold` was sold or used in the last 30 days."""

    store_id: UUID
    free: int
    coming: int
    sold: int
    lead_days: int
    reorder_point: int

    def lacks(self, scale: int) -> int:
        """Base units that the store should request, by the rule of replenishment."""
        return suggested(
            self.sold, self.lead_days, self.reorder_point, self.free, self.coming, scale
        )

    def spare(self, scale: int) -> int:
        """Whole units beyond 30 days of sales and the reorder point, in base units."""
        return max(0, self.free - self.sold - self.reorder_point) // scale * scale


@dataclass(frozen=True, slots=True)
class Situation:
    """The facts that a suggestion is based on. `quantity` is the alert's quantity in base units of
    `scale`; `days` is the number of days left until the last day of sale. `others` has the stock of
    other stores that the viewer may see; `beside` is a product that sells well in the store.
    `for_sale` is whether customers buy the product: ingredients and supplies have no price."""

    rule: str
    quantity: int
    scale: int
    days: int
    here: StoreStock
    others: Sequence[StoreStock]
    beside: UUID | None
    tracked: bool
    for_sale: bool = True


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A suggested action. `quantity` is in base units; `store_id` is the store that goods go to or
    come from, `product_id` a product other than the alert's."""

    kind: SuggestionKind
    quantity: int
    percent: int | None = None
    store_id: UUID | None = None
    product_id: UUID | None = None


def suggest(of: Situation) -> Suggestion | None:
    """The suggested action for the alert; None when there is nothing to do or its rule has none."""
    match of.rule:
        case "LOW_STOCK" | "OUT_OF_STOCK" | "DISH_UNAVAILABLE":
            return _restock(of)
        case "NEAR_EXPIRY":
            return _sell_in_time(of)
        case "SLOW_MOVING":
            return _move(of)
        case "EXPIRED" if of.quantity > 0:
            return Suggestion(SuggestionKind.WRITE_OFF, of.quantity)
        case "DISCREPANCY":
            return Suggestion(SuggestionKind.COUNT, 0)
        case _:
            return None


def markdown_percent(days: int) -> int:
    """The suggested percent off for a batch with this number of days left until its last day of
    sale."""
    return next((percent for most, percent in MARKDOWN_STEPS if days <= most), FIRST_STEP)


def _restock(of: Situation) -> Suggestion | None:
    here = of.here
    # A level at its reorder point is low even if nothing was sold lately.
    missing = here.lacks(of.scale) or _up_to(here.reorder_point - here.free - here.coming, of.scale)
    if of.rule != "LOW_STOCK" and not missing and not here.coming:
        missing = of.scale
    if missing <= 0:
        return None
    giver = max(of.others, key=lambda other: other.spare(of.scale), default=None)
    if giver is not None and giver.spare(of.scale) >= missing:
        return Suggestion(SuggestionKind.TRANSFER, missing, store_id=giver.store_id)
    return Suggestion(SuggestionKind.REORDER, missing)


def _up_to(missing: int, scale: int) -> int:
    """The quantity that lifts a level above its reorder point, in whole units; 0 or less if it is
    above it already."""
    return (missing // scale + 1) * scale if missing >= 0 else 0


def _sell_in_time(of: Situation) -> Suggestion | None:
    """A markdown of the quantity that would be left on the last day at the present rate of
    sales; what is not for sale goes to a store that needs it."""
    left = of.quantity - of.here.sold * (of.days + 1) // PERIOD_DAYS
    if left <= 0 or of.days < 0:
        return None
    if not of.for_sale:
        return _give(of, left)
    return Suggestion(SuggestionKind.MARKDOWN, left, markdown_percent(of.days))


def _move(of: Situation) -> Suggestion | None:
    """For a slow mover: a transfer to a store that needs it, else a bundle with a product that
    sells, else a markdown; only a transfer for what is not for sale."""
    transfer = _give(of, of.here.free)
    if transfer is not None or not of.for_sale:
        return transfer
    if of.beside is not None:
        return Suggestion(SuggestionKind.BUNDLE, of.quantity, product_id=of.beside)
    if of.tracked:
        return Suggestion(SuggestionKind.MARKDOWN, of.quantity, FIRST_STEP)
    return None


def _give(of: Situation, most: int) -> Suggestion | None:
    """A transfer of whole units, at most this many base units, to the store that lacks most."""
    taker = max(of.others, key=lambda other: other.lacks(of.scale), default=None)
    if taker is None:
        return None
    quantity = min(taker.lacks(of.scale), most // of.scale * of.scale)
    if quantity <= 0:
        return None
    return Suggestion(SuggestionKind.TRANSFER, quantity, store_id=taker.store_id)


@dataclass(frozen=True, slots=True)
class SuggestionTerms:
    """The words of a suggestion: `quantity` in the product's unit, names of the other store and
    the other product. `goods` is the ingredient to restock for a dish. `restocks` is whether goods
    come to the store of the alert."""

    quantity: str
    unit: str
    percent: int = 0
    store: str = ""
    product: str = ""
    goods: str = ""
    restocks: bool = False


def suggestion_texts(kind: SuggestionKind, of: SuggestionTerms) -> tuple[str, str]:
    """The suggestion as a sentence, in Chinese and in English."""
    amount = f"{of.quantity} {of.unit}"
    goods = f" of {of.goods}" if of.goods else ""
    match kind:
        case SuggestionKind.REORDER:
            texts = f"{of.goods}建议补货 {amount}", f"Order {amount}{goods}."
        case SuggestionKind.TRANSFER if of.restocks:
            texts = (
                f"{of.goods}建议从{of.store}调入 {amount}",
                f"Request {amount}{goods} from {of.store}.",
            )
        case SuggestionKind.TRANSFER:
            texts = f"建议调拨 {amount} 到{of.store}", f"Transfer {amount} to {of.store}."
        case SuggestionKind.MARKDOWN:
            texts = (
                f"建议临期打 {tenths(of.percent)} 折，处理 {amount}",
                f"Mark down by {of.percent} % to sell {amount}.",
            )
        case SuggestionKind.BUNDLE:
            texts = f"建议与{of.product}搭配销售", f"Sell it together with {of.product}."
        case SuggestionKind.WRITE_OFF:
            texts = f"建议报损 {amount}", f"Write off {amount}."
        case SuggestionKind.COUNT:
            texts = "建议尽快盘点", "Count it soon."
    return texts
