"""Barcodes: check digits, and one spelling for the many lengths of a GTIN."""

LENGTHS = (8, 12, 13, 14)


def check_digit_ok(code: str) -> bool:
    """Whether the last digit is the GS1 check digit (weights 3 and 1 from the right)."""
    if not code.isascii() or not code.isdigit() or len(code) < 2:
        return False
    weighted = (int(digit) * (3, 1)[i % 2] for i, digit in enumerate(reversed(code[:-1])))
    return (sum(weighted) + int(code[-1])) % 10 == 0


def normal(code: str) -> str:
    """A GTIN-8/12/13/14 as 14 digits, so that all its spellings are equal; other codes trimmed."""
    code = code.strip()
    return code.zfill(14) if len(code) in LENGTHS and check_digit_ok(code) else code
