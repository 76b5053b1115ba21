"""Prices that a request gives for what it sells, and who may give them."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple
from uuid import UUID

from app.db import catalog
from app.db.core.unit import Database
from app.db.tables import OrderLine
from app.domain import access
from app.domain.access import Can, Role, Viewer
from app.domain.errors import InvalidQuantity, Malformed, Refused
from app.domain.movements.lines import ResolvedLine
from app.domain.paths import at_path
from app.domain.rules.prices import MOST_AMOUNT, Charge, charge_of
from app.domain.rules.units import from_base

FEN = 100
"""1/10000 yuan in a fen: amounts arrive in 1/10000 and are kept in fen."""


async def charged(
    db: Database, viewer: Viewer, requests: Sequence[Any], lines: Sequence[ResolvedLine]
) -> list[ResolvedLine]:
    """The lines, charged where their requests give a price or a discount.

    Another price than the product's own, and any discount, need SET_PRICE; a product without a
    price is sold at any. Raises Denied without the permission, Malformed for parts of a fen and
    for a discount above the line's amount, Refused(InvalidQuantity) for an amount too large.
    """
    given = _given(requests)
    if not any(given):
        return list(lines)
    if viewer.scope.role is Role.CUSTOMER:
        raise Malformed(
            "lines", "顾客按售价下单，不能填写价格或优惠", "Guests pay the price of the product."
        )
    may = viewer.scope.reach(Can.SET_PRICE) is not None
    pairs = list(zip(lines, given, strict=True))
    unknown = {
        line.product_id for line, terms in pairs if terms and (terms.price is None or not may)
    }
    prices: Mapping[UUID, int | None] = {}
    if unknown:
        async with db.read(viewer.tenant) as session:
            prices = await catalog.prices(session, viewer.tenant, unknown)
    charged: list[ResolvedLine] = []
    for place, (line, terms) in enumerate(pairs):
        with at_path("lines", str(place)):
            if terms is not None and not may:
                _check_price(viewer, terms, prices.get(line.product_id))
            charge = terms and _charge(line, terms, prices.get(line.product_id))
        charged.append(replace(line, charge=charge) if charge else line)
    return charged


def ordered_charge(line: OrderLine) -> Charge | None:
    """What the customer pays for a line of an order; None without a price."""
    if line.price is None:
        return None
    if line.amount is None:
        return charge_of(line.price, from_base(line.quantity, line.scale))
    return Charge(line.price, line.discount or 0, line.amount)


class _Terms(NamedTuple):
    """What a line says of its price, in fen."""

    price: int | None
    discount: int


def _fen(amount: int, name: str) -> int:
    """An amount of 1/10000 yuan in fen. Raises Malformed for parts of a fen."""
    fen, rest = divmod(amount, FEN)
    if rest:
        raise Malformed(name, "价格最多两位小数", "A price has at most 2 decimals.")
    return fen


def _given(requests: Sequence[Any]) -> list[_Terms | None]:
    given: list[_Terms | None] = []
    for place, request in enumerate(requests):
        with at_path("lines", str(place)):
            given.append(_terms(request))
    return given


def _terms(request: Any) -> _Terms | None:
    price, discount = getattr(request, "price", None), getattr(request, "discount", None)
    if price is None and discount is None:
        return None
    return _Terms(price and _fen(price, "price"), _fen(discount or 0, "discount"))


def _check_price(viewer: Viewer, terms: _Terms, own: int | None) -> None:
    """Raises Denied when the viewer may not sell at these terms."""
    if terms.discount or (own is not None and terms.price not in (None, own)):
        access.require(viewer, Can.SET_PRICE)


def _charge(line: ResolvedLine, terms: _Terms, own: int | None) -> Charge | None:
    """What the line is charged; None for a product without a price."""
    price = own if terms.price is None else terms.price
    if line.quantity <= 0:
        return None
    if price is None:
        if not terms.discount:
            return None
        raise Malformed(
            "discount",
            "该商品没有售价，请填写价格后再优惠",
            "The product has no price: give one with the discount.",
        )
    charge = charge_of(price, line.quantity, terms.discount)
    if charge.amount > MOST_AMOUNT:
        raise Refused(InvalidQuantity(line.product_id, str(line.quantity), path=("quantity",)))
    if charge.amount < 0:
        raise Malformed(
            "discount",
            "优惠不能超过该行金额",
            "The discount is larger than the line's amount.",
        )
    return charge
