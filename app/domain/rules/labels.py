"""The storefront's label: how much of a product customers see."""

from dataclasses import dataclass
from enum import Enum
from typing import Final


class Label(Enum):
    PLENTY = "PLENTY"
    FEW = "FEW"
    SOLD_OUT = "SOLD_OUT"


@dataclass(frozen=True, slots=True)
class Availability:
    """A label; `remaining`, in whole product units, is set only when few or none are left."""

    label: Label
    remaining: int | None = None


PLENTY: Final = Availability(Label.PLENTY)
SOLD_OUT: Final = Availability(Label.SOLD_OUT, 0)


def availability(available: int, scale: int, few: int) -> Availability:
    """The label of `available` base units: few when at most `few` whole units are left.

    Less than one whole unit of a counted or weighed product is sold out for a customer.
    """
    whole = available // scale
    if whole <= 0:
        return SOLD_OUT
    return Availability(Label.FEW, whole) if whole <= few else PLENTY
