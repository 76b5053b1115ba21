"""Lines: which product each line of a request means, how much of it, and of which batches.

`resolve_lines` is the only way from a client's lines to resolved ones: every movement, order and
document calls it once and passes its result on.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from typing import Any, NamedTuple, Protocol
from uuid import UUID

from app.db import catalog, identity, units
from app.db.batches import ArrivingBatch
from app.db.core.snapshot import AnySession
from app.db.core.unit import Database, clock
from app.db.tables import Product
from app.domain.catalog.codes import Code, find_product, read_code
from app.domain.catalog.cookbook import NO_WISH, Wish
from app.domain.errors import (
    Malformed,
    Refused,
    UnknownProduct,
    unknown_products,
)
from app.domain.movements.batches import (
    MOST_LINES,
    BatchTerms,
    arriving_batch,
    named_batches,
    scanned_batches,
)
from app.domain.movements.scanned import scanned_quantity, whole
from app.domain.paths import at_path
from app.domain.rules.days import store_day
from app.domain.rules.prices import Charge
from app.domain.rules.texts import clean
from app.domain.rules.units import size_of

BATCH_SOURCES = ("supplier", "opening", "kitchen")
"""Where goods come from that make a batch of their own."""


class LineRequest(Protocol):
    """A line as a client sends it: a product or a code, a quantity (in `unit`) or packs.

    Some inputs have more: see `PRINTED`.
    """

    @property
    def product_id(self) -> UUID | None: ...
    @property
    def code(self) -> str | None: ...
    @property
    def quantity(self) -> Decimal | None: ...
    @property
    def packs(self) -> Decimal | None: ...
    @property
    def unit(self) -> str | None: ...


PRINTED = (
    "product_id",
    "code",
    "quantity",
    "packs",
    "unit",
    "without",
    "unit_cost",
    "expected_version",
    "batch_no",
    "expires_on",
    "produced_on",
    "supplier",
)
"""The attributes of a line that a request's fingerprint covers; None where an input has none."""


@dataclass(frozen=True, slots=True)
class PlainLine:
    """A line with a product or a code, and a quantity in the product's unit."""

    product_id: UUID | None
    quantity: Decimal
    code: str | None = None
    batch_no: str | None = None
    expires_on: date | None = None
    packs: Decimal | None = None
    unit: str | None = None


@dataclass(frozen=True, slots=True)
class ResolvedLine:
    """A line that is read completely; nothing of it is looked up again.

    `quantity` is in the product's unit and `unit_cost` in 1/10000 yuan. `batches` are the only
    ones it may touch, None for any; `arriving` is the batch that comes in; `shown_expiry` is the
    last day of sale that its code shows. `printed` is what the client sent, for the fingerprint: a
    retry stays the same request if a code has changed. `charge` is what a customer pays at a given
    price; None for the product's own price. `zone` is where in the store the goods lie.
    """

    product_id: UUID
    quantity: Decimal
    unit_cost: int | None = None
    expected_version: int | None = None
    batches: tuple[UUID, ...] | None = None
    arriving: ArrivingBatch | None = None
    shown_expiry: date | None = None
    wish: Wish = NO_WISH
    printed: tuple[object, ...] = ()
    charge: Charge | None = None
    zone: str | None = None


class _MeasuredLine(NamedTuple):
    """The product and quantity of a line; `product` is None when no such product exists."""

    request: LineRequest
    product_id: UUID
    quantity: Decimal
    product: Product | None
    code: Code | None


async def resolve_lines(
    db: Database,
    tenant: UUID,
    store: UUID,
    requests: Sequence[LineRequest],
    source: str | None = None,
    moment: datetime | None = None,
) -> list[ResolvedLine]:
    """Each line with its product, a quantity in the product's unit, and its batches.

    `source` is the bin that the goods leave; None when no goods move, and batches are ignored.
    `moment` is when goods come in, now by default.

    Raises Refused: UnknownProduct with all unknown codes, InvalidQuantity, UnknownBatch. Raises
    Malformed for a code that cannot be read, for a line without a product or with two, and for
    batch details of a product that keeps no batches.
    """
    _check(requests)
    if not _needs_reading(requests, source):
        return [
            _resolved(each, each.product_id, each.quantity)
            for each in requests
            if each.product_id is not None and each.quantity is not None
        ]
    async with db.read(tenant) as session:
        measured = await _find_products(session, tenant, store, requests)
        if source is None:
            return [_resolved(each.request, each.product_id, each.quantity) for each in measured]
        if source in BATCH_SOURCES:
            return await _with_arriving(session, tenant, store, measured, moment or clock())
        lines: list[ResolvedLine] = []
        for place, each in enumerate(measured):
            with at_path("lines", str(place)):
                batches = await _batches_of(session, tenant, each)
            line = _resolved(each.request, each.product_id, each.quantity, batches)
            shown_expiry = each.code.expires_on if each.code else None
            lines.append(replace(line, shown_expiry=shown_expiry))
        return lines


def _check(requests: Sequence[LineRequest]) -> None:
    if not 1 <= len(requests) <= MOST_LINES:
        raise Malformed(
            "lines", f"明细须为 1 至 {MOST_LINES} 行", f"Lines: give 1 to {MOST_LINES}."
        )
    for place, line in enumerate(requests):
        with at_path("lines", str(place)):
            _check_line(line)


def _check_line(line: LineRequest) -> None:
    """Raises Malformed for a line without a product or a quantity, or with two of them."""
    if (line.product_id is None) == (line.code is None):
        raise Malformed(
            "productId",
            "每行须填商品或条码，且只填一个",
            "Give exactly one of product and code.",
        )
    if line.quantity is not None and line.packs is not None:
        raise Malformed("packs", "数量和件数只能填一个", "Give a quantity or packs, not both.")
    if line.product_id is not None and line.quantity is None:
        raise Malformed(
            "quantity", "请填写数量；件数只用于扫码", "Give a quantity; packs are for codes."
        )
    if line.unit is not None and line.quantity is None:
        raise Malformed("unit", "填写单位时须填写数量", "A unit needs a quantity.")


def _needs_reading(requests: Sequence[LineRequest], source: str | None) -> bool:
    """Whether anything has to be read: most sales are of products by id, of any batch."""
    return source in BATCH_SOURCES or any(
        line.code is not None
        or line.unit is not None
        or (source is not None and _names_a_batch(line))
        for line in requests
    )


def _names_a_batch(line: LineRequest) -> bool:
    return _optional(line, "batch_no") is not None or _optional(line, "expires_on") is not None


def _optional(line: LineRequest, name: str) -> Any:
    """An attribute that only some inputs have."""
    return getattr(line, name, None)


def _resolved(
    line: LineRequest,
    product_id: UUID,
    quantity: Decimal,
    batches: tuple[UUID, ...] | None = None,
    arriving: ArrivingBatch | None = None,
) -> ResolvedLine:
    wish = wish_of(line)
    printed = tuple([_optional(line, name) for name in PRINTED])
    if wish.used is not None:
        printed += (sorted(wish.used.items()),)
    terms = _optional(line, "price"), _optional(line, "discount")
    if terms != (None, None):
        printed += (("price", *terms),)
    if zone := zone_of(line):
        printed += (("zone", zone),)
    return ResolvedLine(
        product_id,
        quantity,
        _optional(line, "unit_cost"),
        _optional(line, "expected_version"),
        batches,
        arriving,
        wish=wish,
        printed=printed,
        zone=zone,
    )


def zone_of(line: object) -> str | None:
    """The zone that the line names. Raises InvalidText."""
    return clean(getattr(line, "zone", None), "zone", 50)


def wish_of(line: object) -> Wish:
    """Optional parts to leave out, and what was really used. Raises Malformed."""
    without, used = getattr(line, "without", None), getattr(line, "used", None)
    if not without and used is None:
        return NO_WISH
    quantities = {each.product_id: each.quantity for each in used or ()}
    if len(quantities) < len(used or ()) or any(each < 0 for each in quantities.values()):
        raise Malformed(
            "used",
            "实际用量中每种商品只填一次，数量不能小于 0",
            "Actual use: give each product once, with a quantity of 0 or more.",
        )
    return Wish(frozenset(without or ()), None if used is None else quantities)


async def _find_products(
    session: AnySession, tenant: UUID, store: UUID, requests: Sequence[LineRequest]
) -> list[_MeasuredLine]:
    """The product and quantity of each line. Raises Refused with all unknown codes at once."""
    ids = {line.product_id for line in requests if line.product_id is not None}
    rows = await catalog.products_by_id(session, tenant, ids) if ids else ()
    products = {row.id: row for row in rows}
    coded = any(line.code is not None for line in requests)
    layouts = await identity.scale_labels(session, tenant, store) if coded else []
    measured: list[_MeasuredLine] = []
    unknown: dict[str, int] = {}
    for place, line in enumerate(requests):
        with at_path("lines", str(place)):
            if line.product_id is not None:
                product = products.get(line.product_id)
                quantity = await _measured(session, tenant, line, line.product_id, product)
                measured.append(_MeasuredLine(line, line.product_id, quantity, product, None))
                continue
            code = read_code(line.code or "", layouts)
            if code.fault:
                raise Malformed(
                    "code",
                    "条码读取有误，请重新扫码或手工输入",
                    "The code was misread: scan it again, or type the number below it.",
                )
            named = await find_product(session, tenant, code.name)
            if named is None:
                unknown.setdefault(code.name, place)
                continue
            product, quantity = named.product, scanned_quantity(line, code, named)
            if line.unit is not None:
                quantity = await _in_unit(session, tenant, product, quantity, line.unit)
            measured.append(_MeasuredLine(line, product.id, quantity, product, code))
    if unknown:
        path = ("lines", str(min(unknown.values())), "code")
        raise Refused(UnknownProduct(tuple(unknown), path=path))
    return measured


async def _measured(
    session: AnySession, tenant: UUID, line: LineRequest, product_id: UUID, product: Product | None
) -> Decimal:
    quantity = line.quantity or Decimal(0)
    if line.unit is None:
        return quantity
    if product is None:
        raise unknown_products([product_id])
    return await _in_unit(session, tenant, product, quantity, line.unit)


async def _in_unit(
    session: AnySession, tenant: UUID, product: Product, quantity: Decimal, unit: str
) -> Decimal:
    """A quantity of another unit, in the product's own: exact, or refused."""
    own = await units.sizes(session, tenant, [product.id])
    size = size_of(unit, product.unit, own.get(product.id, {}))
    if size is None:
        raise Malformed(
            "unit",
            f"商品 {product.sku} 没有单位“{unit}”",
            f"Product {product.sku} has no unit {unit!r}.",
        )
    return whole(product, quantity * size, str(quantity))


async def _with_arriving(
    session: AnySession,
    tenant: UUID,
    store: UUID,
    measured: Sequence[_MeasuredLine],
    moment: datetime,
) -> list[ResolvedLine]:
    """The lines with the batches that come in, dated by the store's own day."""
    zones = await identity.stores_by_id(session, tenant, [store])
    today = store_day(moment, zones[0].timezone if zones else "UTC")
    lines: list[ResolvedLine] = []
    for place, (line, product_id, quantity, product, code) in enumerate(measured):
        with at_path("lines", str(place)):
            terms = _terms(line, code if product and product.tracks_batches else None)
            arriving = arriving_batch(product, terms, today, moment) if product else None
        batches = (arriving.id,) if arriving else None
        lines.append(_resolved(line, product_id, quantity, batches, arriving))
    return lines


def _terms(line: LineRequest, code: Code | None) -> BatchTerms:
    """Details of the batch; the line's own come before those of its code."""
    number, produced_on = _optional(line, "batch_no"), _optional(line, "produced_on")
    expires_on = _optional(line, "expires_on")
    if code is not None:
        number = number or code.batch
        expires_on, produced_on = expires_on or code.expires_on, produced_on or code.produced_on
    return BatchTerms(
        number=clean(number, "batchNo", 50),
        supplier=clean(_optional(line, "supplier"), "supplier", 100),
        produced_on=produced_on,
        expires_on=expires_on,
        unit_cost=_optional(line, "unit_cost"),
    )


async def _batches_of(
    session: AnySession, tenant: UUID, line: _MeasuredLine
) -> tuple[UUID, ...] | None:
    """The batches that the line or its code names; None for any.

    What leaves is of the code's batch only if that one was ever received: a till sells what the
    customer holds in her hand. Raises as `named_batches` does.
    """
    product, code = line.product, line.code
    if product is None:
        return None
    number = clean(_optional(line.request, "batch_no"), "batchNo", 50)
    expires_on = _optional(line.request, "expires_on")
    if number is not None or expires_on is not None:
        return await named_batches(session, tenant, product, number, expires_on)
    if code is None or not product.tracks_batches:
        return None
    return await scanned_batches(session, tenant, product.id, code)
