"""Scanned codes: plain codes, GS1 messages (GS1-128, DataMatrix), GS1 Digital Links and labels
of the shop's own scales; and the product that a code means.

The formats follow the GS1 General Specifications; biip parses them.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import Enum
from uuid import UUID

from biip import BiipException, ParseConfig
from biip.gs1_digital_link_uris import GS1DigitalLinkURI
from biip.gs1_element_strings import GS1ElementString
from biip.gs1_messages import GS1Message

from app.db import codes as rows
from app.db.codes import CodedProduct
from app.db.core.snapshot import AnySession
from app.domain.rules import scales
from app.domain.rules.codes import LENGTHS, check_digit_ok, code_key, normal
from app.domain.rules.texts import clean

FNC1 = "\x1d"
# A keyboard scanner may send another character for FNC1; no control character is kept in a text.
STANDS_FOR_FNC1 = "|"
CONFIG = ParseConfig(separator_chars=(STANDS_FOR_FNC1,))
SYMBOLOGY = re.compile(r"\][A-Za-z][0-9A-Za-z]")
MESSAGES = ("]C1", "]d2", "]Q3", "]e0", "]J1")
LONGEST = 300


class Form(Enum):
    PLAIN = "PLAIN"
    GS1 = "GS1"
    DIGITAL_LINK = "DIGITAL_LINK"
    SCALE = "SCALE"


@dataclass(frozen=True, slots=True)
class Code:
    """The content of a code. `name` identifies the product: a GTIN has 14 digits.

    `weight` is in grams, `count` is the number of packs, `amount` is in fen. With a `fault`,
    CHECK_DIGIT or FORMAT, nothing else in it can be trusted.
    """

    form: Form
    name: str
    batch: str | None = None
    expires_on: date | None = None
    produced_on: date | None = None
    weight: int | None = None
    count: int | None = None
    amount: int | None = None
    fault: str | None = None

    @property
    def packs(self) -> Decimal:
        """The number of packs scanned at once."""
        return Decimal(1 if self.count is None else self.count)


async def find_product(session: AnySession, tenant: UUID, name: str) -> CodedProduct | None:
    """The product with this barcode or SKU, in any spelling, and its code."""
    return await rows.by_code(session, tenant, code_key(name))


def read_code(text: str, layouts: Sequence[str] = (), field: str = "code") -> Code:
    """The content of what a scanner sent; `layouts` are those of the shop's own scale labels.

    Raises InvalidText for an empty or endless text, and for control characters.
    """
    # At either end FNC1 separates nothing.
    text = text.strip().replace(FNC1, STANDS_FOR_FNC1).strip(STANDS_FOR_FNC1)
    text = clean(text, field, LONGEST, required=True)
    symbology = SYMBOLOGY.match(text)
    # A symbology identifier alone identifies nothing.
    bare = clean(text[3:], field, LONGEST, required=True) if symbology else text
    if label := scales.read(bare, layouts):
        fault = None if label.good else "CHECK_DIGIT"
        weight, amount = label.weight, label.amount
        return Code(Form.SCALE, label.plu, weight=weight, amount=amount, fault=fault)
    if bare.isascii() and bare.isdigit() and len(bare) in LENGTHS:
        # Decided first: a wrong GTIN of 13 digits would pass for a message (AI 21 or 22).
        return Code(Form.PLAIN, normal(bare))
    try:
        if bare.startswith(("https://", "http://")) and "/01/" in bare:
            return _code(Form.DIGITAL_LINK, GS1DigitalLinkURI.parse(bare).element_strings)
        if bare.startswith("(0"):
            return _code(Form.GS1, GS1Message.parse_hri(bare).element_strings)
        if (symbology and symbology[0] in MESSAGES) or _begins_like_a_message(bare):
            message = GS1Message.parse(bare.lstrip(STANDS_FOR_FNC1), config=CONFIG)
            return _code(Form.GS1, message.element_strings)
    except BiipException as error:
        digit = "check digit" in str(error).lower()
        return Code(Form.GS1, bare, fault="CHECK_DIGIT" if digit else "FORMAT")
    return Code(Form.PLAIN, bare)


def _begins_like_a_message(text: str) -> bool:
    """Whether a valid GTIN stands in front of further text, as in a GS1 message."""
    return text[:2] in ("01", "02") and len(text) > 16 and check_digit_ok(text[2:16])


def _code(form: Form, parts: Sequence[GS1ElementString]) -> Code:
    elements = {part.ai.ai: part for part in parts}
    gtin = elements.get("01") or elements.get("02")
    if gtin is None or gtin.gtin is None:
        return Code(form, "", fault="CHECK_DIGIT" if gtin else "FORMAT")
    weight = next((part.decimal for ai, part in elements.items() if ai.startswith("310")), None)
    grams = None if weight is None else weight * 1000
    if grams is not None and grams != int(grams):
        return Code(form, normal(gtin.value), fault="FORMAT")
    count = elements.get("37") or elements.get("30")
    batch, expiry, production = elements.get("10"), elements.get("17"), elements.get("11")
    return Code(
        form,
        normal(gtin.value),
        batch.value if batch else None,
        expiry.date if expiry else None,
        production.date if production else None,
        None if grams is None else int(grams),
        int(count.value) if count else None,
    )
