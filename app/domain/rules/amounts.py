"""Amounts of money as clients read them."""

from decimal import Decimal


def written_money(ten_thousandths: int) -> str:
    """1/10000 yuan as decimal digits of yuan: with 2 decimals, or more if the amount has them."""
    text = f"{Decimal(ten_thousandths) / 10_000:.4f}"
    return text[:-2] + text[-2:].rstrip("0")
