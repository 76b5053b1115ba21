"""Prices that a request gives for what it sells, and who may give them."""

from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

from app.db import catalog
from app.db.core.unit import Database
from app.db.tables import OrderLine
from app.domain import access
from app.domain.access import Can, Viewer
from app.domain.errors import InvalidQuantity, Malformed, Refused
from app.domain.movements.lines import ResolvedLine
from app.domain.paths import at_path
from app.domain.rules.prices import MOST_AMOUNT, Charge, charge_of
from app.domain.rules.units import from_base

FEN = 100
"""1/10000 yuan in a fen: amounts arrive in 1/10000 and are kept in fen."""


STALE = timedelta(days=30)
"""A till that was offline may sell at a price that the product had so long before the sale."""


class OwnPrice(NamedTuple):
    """A product's own price in fen, and all prices that need no permission."""

    price: int | None
    accepted: frozenset[int | None]


NO_PRICE = OwnPrice(None, frozenset())


async def charged(
    db: Database,
    viewer: Viewer,
    requests: Sequence[Any],
    lines: Sequence[ResolvedLine],
    at: datetime | None = None,
) -> list[ResolvedLine]:
    """The lines, charged where their requests give a price or a discount.

    `at` is when a late sale took place: all of its lines are charged, at their prices of then.

    Another price than the product's own, and any discount, need SET_PRICE; a product without a
    price is sold at any. Raises Denied without the permission, Malformed for parts of a fen and
    for a discount above the line's amount, Refused(InvalidQuantity) for an amount too large.
    """
    given = _given(requests)
    if at is None and not any(given):
        return list(lines)
    if any(given) and viewer.is_customer:
        raise Malformed(
            "lines", "顾客按售价下单，不能填写价格或优惠", "Guests pay the price of the product."
        )
    may = viewer.scope.reach(Can.SET_PRICE) is not None
    pairs = list(zip(lines, [each or NO_TERMS for each in given], strict=True))
    unknown = {line.product_id for line, terms in pairs if terms.price is None or not may}
    own = await _own_prices(db, viewer.tenant, unknown, at)
    charged: list[ResolvedLine] = []
    for place, (line, terms) in enumerate(pairs):
        with at_path("lines", str(place)):
            prices = own.get(line.product_id, NO_PRICE)
            if not may:
                _check_price(viewer, terms, prices)
            is_charged = at is not None or terms is not NO_TERMS
            charge = _charge(line, terms, prices.price) if is_charged else None
        charged.append(replace(line, charge=charge) if charge else line)
    return charged


async def _own_prices(
    db: Database, tenant: UUID, products: Collection[UUID], at: datetime | None
) -> dict[UUID, OwnPrice]:
    """The prices of these products, of now or at a moment; unknown products are left out."""
    if not products:
        return {}
    # A till uploads a thousand sales: those that are drafted together share a read.
    if at is None:
        now = await db.coalesce(_prices, tenant, products)
        known = [(id, now[id]) for id in products if id in now]
        return {id: OwnPrice(price, frozenset([price])) for id, price in known}
    history = await db.coalesce(_history, tenant, products)
    return {id: price_at(history[id], at) for id in products if id in history}


async def _prices(db: Database, tenant: UUID, products: Collection[UUID]) -> dict[UUID, int | None]:
    async with db.read_once(tenant, by_keys=True) as session:
        return await catalog.prices(session, tenant, products)


async def _history(
    db: Database, tenant: UUID, products: Collection[UUID]
) -> dict[UUID, list[tuple[datetime, int | None]]]:
    async with db.read_once(tenant, by_keys=True) as session:
        return await catalog.price_history(session, tenant, products)


def price_at(history: Sequence[tuple[datetime, int | None]], at: datetime) -> OwnPrice:
    """The price in force at a moment, the first one before there was any, and those of the time
    before the sale and since; `history` has each price with its first moment, in order."""
    price = next((price for since, price in reversed(history) if since <= at), history[0][1])
    ends = [since for since, _ in history[1:]]
    known = [price for (_, price), end in zip(history, ends, strict=False) if end > at - STALE]
    return OwnPrice(price, frozenset([*known, price, history[-1][1]]))


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


NO_TERMS = _Terms(None, 0)


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


def _check_price(viewer: Viewer, terms: _Terms, own: OwnPrice) -> None:
    """Raises Denied when the viewer may not sell at these terms."""
    fixed = terms.price is None or own.price is None or terms.price in own.accepted
    if terms.discount or not fixed:
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
