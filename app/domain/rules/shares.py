"""Shares of a quantity, in percent."""


def share_of(quantity: int, percent: int) -> int:
    """The share of `quantity` base units, rounded up, so that half of one piece is one piece."""
    return -(-quantity * percent // 100)
