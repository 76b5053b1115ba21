"""The demo's supermarket: opening stock, a delivery, and five weeks of sales, so that reports have
something to compare."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import NamedTuple
from zlib import crc32

from app.db.tables import Product
from app.demo.trades import StockLine, Trade, book
from app.domain.movements.record import MovementTerms
from app.domain.rules.kinds import Kind

FRESH = {"MILK-1L": (30, 2), "YOGURT-4": (21, 5), "EGG-30": (45, 12), "CHEESE-166": (180, 90)}
"""Goods kept by batches: days of shelf life, and days left of the stock in the demo."""
DELIVERED = {"MILK-1L": 24, "YOGURT-4": 12, "EGG-30": 10}
DELIVERER = "城南配送中心"
DAYS = 35
"""For how many days before today the stores have sold."""
NOON = time(4, tzinfo=UTC)
"""In China."""
SATURDAY, WEEKEND = 5, Decimal("1.5")
HALF = Decimal("0.5")
SHARES = {"demo": Decimal(1), "demo-west": Decimal("0.6")}
IDLE = ("BAIJIU-500", "NUTS-500", "OYSTER-700", "BRUSH-2")
"""Goods that do not move."""
ONLINE = ("RICE-5KG", "OIL-5L", "WATER-24", "TISSUE-3", "DETERG-2KG")
"""Goods that are sold in the mini-program as well."""


class Good(NamedTuple):
    sku: str
    name: str
    spec: str
    unit: str
    price: str
    cost: str
    reorder_point: str
    east: str
    west: str


Goods = Sequence[tuple[Good, Product]]


async def stock_up(trade: Trade, goods: Goods) -> None:
    """Open both stores, most goods five weeks ago, and book what they received and sold since."""
    today = datetime.now(UTC).date()
    opened_on = today - timedelta(days=DAYS + 1)
    days = [opened_on + timedelta(days=1 + number) for number in range(DAYS + 1)]
    lasting = [each for each in goods if each[0].sku not in FRESH]
    for code in SHARES:
        store = trade.stores[code]
        opening = [
            _line(good, product, _left(good, code) + sum(_sold(good, code, day) for day in days))
            for good, product in lasting
        ]
        await book(trade, Kind.OPENING, store, opening, "期初库存", at=_noon(opened_on))
        fresh = [
            _batch(good, product, _left(good, code), today + timedelta(days=FRESH[good.sku][1]))
            for good, product in goods
            if good.sku in FRESH and _left(good, code)
        ]
        await book(trade, Kind.OPENING, store, fresh, "鲜品期初库存")
        for day in days:
            await _sell(trade, code, lasting, day, None if day == today else _noon(day))
    arrived = [
        _batch(good, product, Decimal(DELIVERED[good.sku]), today + timedelta(FRESH[good.sku][0]))
        for good, product in goods
        if good.sku in DELIVERED
    ]
    document = MovementTerms(document="SH-0001")
    await book(trade, Kind.RECEIPT, trade.stores["demo"], arrived, "鲜品到货", document)


async def _sell(trade: Trade, code: str, goods: Goods, day: date, at: datetime | None) -> None:
    """Book what a store sold on this day: at the counter, and in the mini-program."""
    for channel, letter in (("COUNTER", "XP"), ("WECHAT", "WX")):
        lines = [
            StockLine(product.id, quantity)
            for good, product in goods
            if (good.sku in ONLINE) == (channel == "WECHAT")
            and (quantity := _sold(good, code, day))
        ]
        terms = MovementTerms(channel, f"{letter}-{day:%m%d}")
        await book(trade, Kind.SALE, trade.stores[code], lines, f"{day:%m-%d} {letter}", terms, at)


def _noon(day: date) -> datetime:
    return datetime.combine(day, NOON)


def _left(good: Good, code: str) -> Decimal:
    """What the store still has today."""
    return Decimal(good.east if code == "demo" else good.west)


def _sold(good: Good, code: str, day: date) -> Decimal:
    """What the store sold of the goods on this day; the same whenever the demo is started."""
    if good.sku in IDLE:
        return Decimal(0)
    usual = Decimal(good.reorder_point) / 8 * SHARES[code]
    if day.weekday() >= SATURDAY:
        usual *= WEEKEND
    chance = Decimal(crc32(f"{good.sku} {code} {day}".encode()) % 1000) / 1000
    places = Decimal("0.1") if good.unit == "kg" else Decimal(1)
    return (usual * (chance + HALF)).quantize(places, ROUND_HALF_UP)


def _line(good: Good, product: Product, quantity: Decimal) -> StockLine:
    return StockLine(product.id, quantity, int(Decimal(good.cost) * 10_000))


def _batch(good: Good, product: Product, quantity: Decimal, until: date) -> StockLine:
    """A line of goods that are kept by batches; opening stock is close to its last day of sale,
    delivered goods are fresh."""
    produced_on = until - timedelta(days=FRESH[good.sku][0])
    return replace(
        _line(good, product, quantity),
        batch_no=f"{produced_on:%y%m%d}",
        expires_on=until,
        supplier=DELIVERER,
        produced_on=produced_on,
    )
