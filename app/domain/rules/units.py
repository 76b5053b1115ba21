"""Units: exact conversion between what a shop says (1.5 kg) and base units (1500 g)."""

from decimal import Decimal

LIMIT = 10**15
"""No bin holds more base units than this, so that sums stay far inside 64 bits."""

MEASURES = {
    "kg": 1000,
    "千克": 1000,
    "公斤": 1000,
    "斤": 500,
    "两": 50,
    "g": 1,
    "克": 1,
    "l": 1000,
    "L": 1000,
    "升": 1000,
    "ml": 1,
    "mL": 1,
    "毫升": 1,
}

MASSES = ("kg", "千克", "公斤", "斤", "两", "g", "克")
"""Units of things one weighs: their base unit is the gram."""


def scale_of(unit: str) -> int:
    """Base units in one `unit`: grams or millilitres for measures, 1 for things one counts."""
    return MEASURES.get(unit, 1)


def to_base(quantity: Decimal, scale: int) -> int | None:
    """The base units in `quantity`, or None when it does not divide, is not positive, is huge."""
    if not 0 < quantity <= LIMIT:
        return None
    base = quantity * scale
    whole = int(base)
    return whole if whole == base and whole <= LIMIT else None


def from_base(base: int, scale: int) -> Decimal:
    """Exact, because every scale is a product of twos and fives."""
    return Decimal(base) if scale == 1 else Decimal(base) / scale


def written(base: int, scale: int) -> str:
    """`base` in the product's unit, as plain decimal digits without trailing zeros."""
    if scale == 1:
        return str(base)
    text = format(Decimal(base) / scale, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text
