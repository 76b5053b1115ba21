"""Replenishment 补货: how much a store should ask for."""

PERIOD_DAYS = 30
"""Sales are looked at over so many days."""

REVIEW_DAYS = 7
"""What is asked for lasts until it arrives, and so many days more."""


def suggested(
    sold: int, lead_days: int, reorder_point: int, there: int, coming: int, scale: int
) -> int:
    """Base units to ask for, in whole units of `scale`; 0 while what is there lasts.

    `sold` is what left in the last 30 days, `coming` what is on its way or asked for already.
    A product is low when what it has does not exceed its reorder point and what will be sold
    until a delivery; it is filled up to what will be sold a week longer.
    """
    safe = reorder_point + _sold_in(sold, lead_days)
    if there + coming > safe or safe == 0:
        return 0
    full = reorder_point + _sold_in(sold, lead_days + REVIEW_DAYS)
    # At the point itself it would still be low.
    missing = max(full, safe + 1) - there - coming
    return -(-missing // scale) * scale


def _sold_in(sold: int, days: int) -> int:
    return -(-sold * days // PERIOD_DAYS)
