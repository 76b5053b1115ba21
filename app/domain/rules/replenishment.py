"""Replenishment 补货: how much a store should request."""

PERIOD_DAYS = 30
"""The number of days over which sales are averaged."""

REVIEW_DAYS = 7
"""The number of days that a suggested quantity lasts after its arrival."""


def suggested(
    sold: int, lead_days: int, reorder_point: int, held: int, coming: int, scale: int
) -> int:
    """Base units to request, in whole units of `scale`; 0 while the stock lasts.

    `sold` is the quantity of the last 30 days, `held` the stock, `coming` the quantity in transit
    or requested already. A product is low when stock and coming goods do not exceed its reorder
    point plus the sales until a delivery. It is filled up to the sales of one more week.
    """
    safe = reorder_point + _sold_in(sold, lead_days)
    if held + coming > safe or safe == 0:
        return 0
    full = reorder_point + _sold_in(sold, lead_days + REVIEW_DAYS)
    # With exactly `safe` in stock the product would still be low.
    missing = max(full, safe + 1) - held - coming
    return -(-missing // scale) * scale


def _sold_in(sold: int, days: int) -> int:
    return -(-sold * days // PERIOD_DAYS)
