"""The label of the storefront, which tells customers how available a product is."""

from dataclasses import dataclass
from enum import Enum
from typing import Final

from app.domain.rules.units import written

CHINESE: Final = {"kg": "公斤", "g": "克", "l": "升", "L": "升", "ml": "毫升", "mL": "毫升"}
ENGLISH: Final = {"公斤": "kg", "千克": "kg", "克": "g", "升": "L", "毫升": "ml"}


class Label(Enum):
    PLENTY = "PLENTY"
    FEW = "FEW"
    SOLD_OUT = "SOLD_OUT"


@dataclass(frozen=True, slots=True)
class Availability:
    """A label; `available` is in base units of `scale`, set only when few or none are left."""

    label: Label
    available: int | None = None
    scale: int = 1
    unit: str = ""

    @property
    def remaining(self) -> int | None:
        """The whole units left."""
        return None if self.available is None else self.available // self.scale

    @property
    def quantity(self) -> str | None:
        """The exact quantity in the product's unit."""
        return None if self.available is None else written(self.available, self.scale)


PLENTY: Final = Availability(Label.PLENTY)
SOLD_OUT: Final = Availability(Label.SOLD_OUT, 0)


def availability(available: int, scale: int, few: int, unit: str) -> Availability:
    """The label of `available` base units: few when at most `few` units are left.

    The smallest sale is one base unit: a piece, a gram or a millilitre. Less than that is sold out.
    """
    if available <= 0:
        return SOLD_OUT
    return Availability(Label.FEW, available, scale, unit) if available <= few * scale else PLENTY


def few_left(shown: Availability, chinese: bool) -> str:
    """The text of a label that says how many are left: 仅剩 0.8 公斤, Only 3 left."""
    if chinese:
        return f"仅剩 {shown.quantity} {CHINESE.get(shown.unit, shown.unit)}"
    measure = shown.unit if shown.unit in CHINESE else ENGLISH.get(shown.unit)
    return f"Only {shown.quantity} {measure} left" if measure else f"Only {shown.quantity} left"
