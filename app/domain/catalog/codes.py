"""Scanned codes: plain codes, GS1 messages (GS1-128, DataMatrix), GS1 Digital Links and labels
of the shop's own scales; and the product that a code means.

The formats follow the GS1 General Specifications; biip parses them.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import Enum
from types import ModuleType
from typing import TYPE_CHECKING, NamedTuple
from uuid import UUID

from app.db import catalog
from app.db import codes as rows
from app.db.codes import CodedProduct
from app.db.core.snapshot import AnySession
from app.db.tables import Level, Product
from app.domain.errors import Malformed
from app.domain.rules import scales
from app.domain.rules.codes import (
    LENGTHS,
    STANDS_FOR_FNC1,
    NotGs1,
    check_digit_ok,
    code_key,
    normal,
)
from app.domain.rules.spelling import plain
from app.domain.rules.texts import clean

if TYPE_CHECKING:
    from biip.gs1_element_strings import GS1ElementString

FNC1 = "\x1d"
SYMBOLOGY = re.compile(r"\][A-Za-z][0-9A-Za-z]")
MESSAGES = ("]C1", "]d2", "]Q3", "]e0", "]J1")
LEADING = ("10", "11", "13", "15", "16", "17", "21", "30", "31", "32", "33", "37", "39")
"""AIs that a message may begin with, beside those of a GTIN."""

LINK = re.compile(r"https?://.*/0[12]/", re.IGNORECASE)
PRINTED = re.compile(r"\(\d{2,4}\)")
GRAMS_PER_POUND = Decimal("453.59237")
YUAN = "156"
"""ISO 4217 number of the yuan."""

LONGEST = 300


class Form(Enum):
    PLAIN = "PLAIN"
    GS1 = "GS1"
    DIGITAL_LINK = "DIGITAL_LINK"
    SCALE = "SCALE"


class Unweighed(Enum):
    """Why a code with a measure does not give the weight of the goods, in Chinese and English."""

    GROSS = ("条码上只有毛重", "the code has the gross weight only")
    POUNDS = ("条码上的磅数不能换算成整克", "the pounds of the code are not whole grams")
    CURRENCY = ("条码上的金额不是人民币", "the amount of the code is not in yuan")


@dataclass(frozen=True, slots=True)
class Code:
    """The content of a code. `name` identifies the product: a GTIN has 14 digits.

    `expires_on` is the last day of sale: the expiry, else the earlier of the sell-by and the
    best-before date. `weight` is in grams, `count` is the number of packs, `amount` is in fen.
    `unweighed` is why a measure of it cannot be used. With a `fault`, CHECK_DIGIT or FORMAT,
    nothing else in it can be trusted.
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
    serial: str | None = None
    unweighed: Unweighed | None = None

    @property
    def packs(self) -> Decimal:
        """The number of packs scanned at once."""
        return Decimal(1 if self.count is None else self.count)


class ScannedCode(NamedTuple):
    """A code that was scanned in a store, what it names, and what the store has of that."""

    content: Code
    named: CodedProduct | None
    level: Level | None


async def scan(session: AnySession, tenant: UUID, store: UUID, text: str) -> ScannedCode:
    """What a scanner sent in a store; a misread code names nothing. Raises as `read_code`."""
    content = read_code(text, ())
    in_store = await rows.scanned_in_store(session, tenant, code_key(content.name), store)
    label = read_code(text, in_store.scale_labels)
    if label.fault:
        return ScannedCode(label, None, None)
    if label.name == content.name:
        return ScannedCode(label, in_store.named, in_store.level)
    # The store's own scale has printed it: its number names the product.
    return ScannedCode(
        label, *await rows.by_code_with_level(session, tenant, code_key(label.name), store)
    )


class StockedProduct(NamedTuple):
    """A product and its level in a store; the level is None if the product was never stocked
    there."""

    product: Product
    level: Level | None


async def get_product(
    session: AnySession, tenant: UUID, id: UUID | None, sku: str | None, barcode: str | None
) -> Product | None:
    """The product with this id, SKU or barcode. Raises Malformed unless exactly one is given."""
    require_one(id, sku, barcode)
    if id is not None:
        return next(iter(await catalog.products_by_id(session, tenant, [id])), None)
    named = await find_product(session, tenant, clean_name(sku, barcode))
    return named.product if named and is_named(named, sku) else None


async def get_stocked_product(
    session: AnySession, tenant: UUID, sku: str | None, barcode: str | None, store: UUID
) -> StockedProduct | None:
    """The product with this SKU or barcode, and its level in the store, by one statement.

    Raises Malformed unless exactly one is given.
    """
    require_one(None, sku, barcode)
    name = code_key(clean_name(sku, barcode))
    named, level = await rows.by_code_with_level(session, tenant, name, store)
    return StockedProduct(named.product, level) if named and is_named(named, sku) else None


def require_one(*identifiers: object) -> None:
    """Raises Malformed unless exactly one of id, SKU and barcode is given."""
    if sum(each is not None for each in identifiers) != 1:
        raise Malformed(
            "id",
            "商品编号、货号、条码须填且只填一个",
            "Give exactly one of id, SKU and barcode.",
        )


def clean_name(sku: str | None, barcode: str | None) -> str:
    """The SKU or the barcode, without spaces around it. Raises InvalidText."""
    if sku is not None:
        return clean(sku, "sku", 64) or ""
    return clean(barcode, "barcode", 100) or ""


def is_named(named: CodedProduct, sku: str | None) -> bool:
    """Whether the code is a SKU if a SKU was given, and a barcode otherwise."""
    return named.code.is_sku if sku is not None else named.code.code is not None


async def find_product(session: AnySession, tenant: UUID, name: str) -> CodedProduct | None:
    """The product with this barcode or SKU, in any spelling, and its code."""
    return await rows.by_code(session, tenant, code_key(name))


def read_code(text: str, layouts: Sequence[str] = (), field: str = "code") -> Code:
    """The content of what a scanner sent; `layouts` are those of the shop's own scale labels.

    Raises InvalidText for an empty or endless text, and for control characters.
    """
    # At either end FNC1 separates nothing.
    text = text.strip().replace(FNC1, STANDS_FOR_FNC1).strip(STANDS_FOR_FNC1)
    text = plain(clean(text, field, LONGEST, required=True))
    symbology = SYMBOLOGY.match(text)
    # A symbology identifier alone identifies nothing.
    shown = clean(text[3:], field, LONGEST, required=True) if symbology else text
    # Digits are printed in groups, and elements of GS1 with spaces between them.
    bare = "".join(shown.split())
    if label := scales.read(bare, layouts):
        fault = None if label.good else "CHECK_DIGIT"
        weight, amount = label.weight, label.amount
        return Code(Form.SCALE, label.plu, weight=weight, amount=amount, fault=fault)
    if bare.isascii() and bare.isdigit() and len(bare) in LENGTHS:
        # Decided first: a wrong GTIN of 13 digits would pass for a message (AI 21 or 22).
        return Code(Form.PLAIN, normal(bare))
    try:
        if LINK.match(bare):
            return _code(Form.DIGITAL_LINK, _parser().parse_link(bare))
        if PRINTED.match(bare):
            return _code(Form.GS1, _parser().parse_printed(bare))
        if (symbology and symbology[0] in MESSAGES) or _begins_like_a_message(bare):
            return _code(Form.GS1, _parser().parse_message(bare))
    except NotGs1 as error:
        digit = "check digit" in str(error).lower()
        return Code(Form.GS1, bare, fault="CHECK_DIGIT" if digit else "FORMAT")
    return _bare_message(bare) or Code(Form.PLAIN, normal(shown))


def _parser() -> ModuleType:
    # Loaded at the first message: its tables take 15 MiB and 70 ms.
    from app.domain.catalog import gs1_parser

    return gs1_parser


def _begins_like_a_message(text: str) -> bool:
    """Whether a valid GTIN stands in front of further text, as in a GS1 message."""
    return text[:2] in ("01", "02") and len(text) > 16 and check_digit_ok(text[2:16])


def _bare_message(text: str) -> Code | None:
    """A GS1 message without symbology that begins with another element than the GTIN.

    None for any other code: SKUs may begin like an element, but hold no GTIN.
    """
    if text[:2] not in LEADING or len(text) <= 16:
        return None
    try:
        code = _code(Form.GS1, _parser().parse_message(text))
    except NotGs1:
        return None
    return None if code.fault else code


def _code(form: Form, parts: "Sequence[GS1ElementString]") -> Code:
    elements = {part.ai.ai: part for part in parts}
    gtin = elements.get("01") or elements.get("02")
    if gtin is None or gtin.gtin is None:
        return Code(form, "", fault="CHECK_DIGIT" if gtin else "FORMAT")
    name = normal(gtin.value)
    weight, unweighed = _weight(elements)
    if weight is not None and weight != int(weight):
        return Code(form, name, fault="FORMAT")
    amount = _amount(elements)
    if amount is None and _measure(elements, "393"):
        unweighed = unweighed or Unweighed.CURRENCY
    count = elements.get("37") or elements.get("30")
    return Code(
        form,
        name,
        batch=_text(elements, "10"),
        expires_on=_date(elements, "17") or _earliest(elements, "15", "16"),
        produced_on=_date(elements, "11"),
        weight=None if weight is None else int(weight),
        count=int(count.value) if count else None,
        amount=amount,
        serial=_text(elements, "21"),
        unweighed=None if weight is not None else unweighed,
    )


Elements = Mapping[str, "GS1ElementString"]
"""The elements of a message by their application identifier (AI)."""


def _text(elements: Elements, ai: str) -> str | None:
    return elements[ai].value if ai in elements else None


def _date(elements: Elements, ai: str) -> date | None:
    return elements[ai].date if ai in elements else None


def _earliest(elements: Elements, *ais: str) -> date | None:
    return min((day for ai in ais if (day := _date(elements, ai))), default=None)


def _measure(elements: Elements, prefix: str) -> "GS1ElementString | None":
    """The element of a measure; its last digit is the number of decimals."""
    return next((part for ai, part in elements.items() if ai[:-1] == prefix), None)


def _weight(elements: Elements) -> tuple[Decimal | None, Unweighed | None]:
    """The net weight in grams, or why there is none."""
    if (net := _measure(elements, "310")) and net.decimal is not None:
        return net.decimal * 1000, None
    if (pounds := _measure(elements, "320")) and pounds.decimal is not None:
        grams = pounds.decimal * GRAMS_PER_POUND
        return (grams, None) if grams == int(grams) else (None, Unweighed.POUNDS)
    gross = _measure(elements, "330") or _measure(elements, "340")
    return None, Unweighed.GROSS if gross else None


def _amount(elements: Elements) -> int | None:
    """What the goods cost, in fen (AI 392n, and 393n in yuan); None for parts of a fen."""
    price, abroad = _measure(elements, "392"), _measure(elements, "393")
    if price is None and abroad is not None and abroad.value.startswith(YUAN):
        price = abroad
    if price is None or price.decimal is None:
        return None
    fen = price.decimal * 100
    return int(fen) if fen == int(fen) else None
