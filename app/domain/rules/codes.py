"""Barcodes: check digits, and one form for GTINs of every length."""

LENGTHS = (8, 12, 13, 14)


def check_digit_ok(code: str) -> bool:
    """Whether the last digit is the GS1 check digit (weights 3 and 1 from the right)."""
    if not code.isascii() or not code.isdigit() or len(code) < 2:
        return False
    return check_digit(code[:-1]) == code[-1]


def check_digit(digits: str) -> str:
    """The GS1 check digit for these digits."""
    weighted = (int(digit) * (3, 1)[i % 2] for i, digit in enumerate(reversed(digits)))
    return str(-sum(weighted) % 10)


def in_house(number: int) -> str:
    """An EAN-13 for use inside the chain: GS1 reserves the prefix 20 for internal use."""
    digits = f"20{number % 10**10:010d}"
    return digits + check_digit(digits)


def normal(code: str) -> str:
    """A GTIN-8/12/13/14 as 14 digits, so that all its lengths are equal; other codes trimmed."""
    code = code.strip()
    return code.zfill(14) if len(code) in LENGTHS and check_digit_ok(code) else code
