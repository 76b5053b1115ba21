"""Refusals of stocktakes."""

from dataclasses import dataclass
from enum import Enum
from uuid import UUID

from app.domain.errors import Refusal


@dataclass(frozen=True, slots=True)
class UnknownStocktake(Refusal):
    asked: str


class Blocker(Enum):
    """Why a line keeps its stocktake from being closed."""

    AMBIGUOUS = "Goods moved during the count: recount or confirm it. 盘点期间有变动"
    NEEDS_RECOUNT = "The variance is large: another person must recount it. 需他人复盘"
    NEEDS_REASON = "The variance needs a reason. 需填写原因"


@dataclass(frozen=True, slots=True)
class BlockedLine:
    """A line of a stocktake that cannot be closed yet."""

    line_id: UUID
    product_id: UUID
    blocker: Blocker


@dataclass(frozen=True, slots=True)
class StocktakeBlocked(Refusal):
    """Every line that keeps the stocktake from being closed."""

    lines: tuple[BlockedLine, ...]
