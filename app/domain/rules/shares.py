"""Shares of a quantity, in percent."""


def share_of(quantity: int, percent: int) -> int:
    """The share of so many base units, rounded up: of the last piece, half is the piece."""
    return -(-quantity * percent // 100)
