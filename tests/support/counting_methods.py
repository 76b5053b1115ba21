"""Random days of counting while selling, by three methods of counting."""

from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from random import Random
from typing import NamedTuple
from uuid import UUID

from app.db.tables import StocktakeCount
from app.domain.ledger.draft import Line, Place
from app.domain.rules.kinds import Kind
from tests.support.counted_day import STORE, CountedDay

PRODUCTS, TRACKED = 6, 2
PACK = 12
Method = Callable[["Counting"], None]


class Result(NamedTuple):
    """What a method did on one day: products whose final book is not the shelf, differences that
    it reported wrongly, products whose difference a second count would report again, and products
    whose book is wrong without an alert that asks for another count."""

    wrong_books: int
    wrong_reports: int
    repeated: int
    unflagged: int = 0


@dataclass
class Task:
    """A person who counts a product zone by zone; `seen` is what is not submitted yet."""

    product: UUID
    zones: list[str]
    seen: list[StocktakeCount] = field(default_factory=list[StocktakeCount])


@dataclass
class Counting:
    """A day, the people who count, and what the method reports at the end."""

    day: CountedDay
    products: list[UUID]
    tasks: list[Task]
    reported: dict[UUID, int] = field(default_factory=dict[UUID, int])
    expected: dict[UUID, int] = field(default_factory=dict[UUID, int])
    overwritten: bool = False
    """Whether the method sets the books when a product's counts are submitted."""

    def counted(self, product: UUID) -> int:
        return sum(each.quantity for each in self.day.sheets[product].counts)

    def adjust(self, product: UUID) -> None:
        """Sets the book to what was counted, as classic systems do."""
        change = self.counted(product) - self.day.books.level(product).on_hand
        self.reported[product] = change
        if not change:
            return
        shelf, variance = Place(STORE, "shelf"), Place(STORE, "variance")
        source, target = (variance, shelf) if change > 0 else (shelf, variance)
        line = Line(product, Decimal(abs(change)), source, target)
        self.day.books.post(Kind.GAIN if change > 0 else Kind.LOSS, self.day.now, line)

    def untouched(self) -> list[UUID]:
        """Products of which no count has begun."""
        seen = {task.product for task in self.tasks if task.seen} | self.day.sheets.keys()
        return [product for product in self.products if product not in seen]


def by_position(counting: Counting) -> None:
    """As this application does: each count has its position in the ledger."""
    day = counting.day
    for product, sheet in day.sheets.copy().items():
        if not day.line(product).is_ambiguous:
            continue
        if len({each.counted_at for each in sheet.counts}) == 1:
            # Seen at one moment and submitted later: a manager confirms that position.
            sheet.confirmed = sheet.counts[0].began_seq
        else:
            day.pass_time()
            day.recount(product)
    counting.expected = _expected(counting)
    counting.reported = day.close()


def at_the_end(counting: Counting) -> None:
    """The difference of what was counted and the book at the end is posted."""
    for product in counting.products:
        counting.adjust(product)
    counting.day.sheets = {}


def at_each_count(counting: Counting) -> None:
    """Each product's book was overwritten when its count was submitted."""
    counting.day.sheets = {}


def unsynchronized(counting: Counting) -> None:
    """The same, but no till synchronizes before a product in several zones is closed."""
    by_position(counting)


BY_POSITION = by_position, unsynchronized
METHODS: dict[str, Method] = {
    "by position": by_position,
    "overwritten at each count": at_each_count,
    "difference at the end": at_the_end,
}


def run(seed: str, method: Method) -> Result:
    """One day; equal seeds give equal days, whatever the method."""
    day = CountedDay(Random(seed))
    rng, day.books.strict = day.rng, method in BY_POSITION
    day.zoned = rng.random() < 0.5
    products = [day.stock(number, number < TRACKED) for number in range(PRODUCTS)]
    tasks = [Task(product, _zones(day, product)) for product in products]
    counting = Counting(day, products, tasks, overwritten=method is at_each_count)
    _plant(counting, products)
    while counting.tasks:
        for _ in range(rng.randint(0, 3)):
            _move(counting)
        _count(counting, rng.choice(counting.tasks))
        if rng.random() < 0.1:
            _plant(counting, counting.untouched())
    for _ in range(rng.randint(0, 5)):
        _move(counting)
    if method is not unsynchronized:
        _synchronize_for_zones(day)
    counting.expected = _expected(counting)
    method(counting)
    wrong = sum(counting.reported.get(each, 0) != counting.expected[each] for each in products)
    for _ in range(rng.randint(0, 5)):
        _move(counting)
    day.synchronize()
    day.hand_over()
    wrong_books = [each for each in products if day.books.level(each).on_hand != day.real(each)]
    unflagged = sum(each not in day.flagged for each in wrong_books)
    repeated = _differences_of_a_second_count(counting)
    return Result(len(wrong_books), wrong, repeated, unflagged)


def _zones(day: CountedDay, product: UUID) -> list[str]:
    zones = sorted({spot.zone for spot in day.shelf[product]})
    day.rng.shuffle(zones)
    return zones


def _expected(counting: Counting) -> dict[UUID, int]:
    """What a correct report says: what was planted, and what tills have not synchronized of the
    goods that were gone when they were counted."""
    day = counting.day
    expected = {product: day.planted[product] for product in counting.products}
    for sale in day.offline:
        counts = day.sheets[sale.product].counts
        of_zone = [each for each in counts if sale.zone is None or each.zone == sale.zone]
        if all(each.counted_at > sale.at for each in of_zone):
            expected[sale.product] -= sale.quantity
    return expected


def _synchronize_for_zones(day: CountedDay) -> None:
    """Tills that do not record zones synchronize before a product is closed whose zones were
    counted at several moments: it is not known from which of them they sold."""
    if day.zoned:
        return
    moments = [{each.counted_at for each in sheet.counts} for sheet in day.sheets.values()]
    if any(len(each) > 1 for each in moments):
        day.synchronize()


def _differences_of_a_second_count(counting: Counting) -> int:
    """Products that differ when all are counted again: their differences are asked for twice."""
    day = counting.day
    for product in counting.products:
        for zone in _zones(day, product):
            day.submit(day.observe(product, zone))
    return sum(day.line(product).variance != 0 for product in counting.products)


def _count(counting: Counting, task: Task) -> None:
    """The person sees the next zone, or submits what they have seen."""
    day = counting.day
    day.pass_time()
    if task.zones:
        task.seen += day.observe(task.product, task.zones.pop())
        if day.rng.random() < 0.3:
            return
    if task.seen:
        day.submit(task.seen)
        task.seen = []
    if not task.zones:
        counting.tasks.remove(task)
        if counting.overwritten:
            counting.adjust(task.product)


def _move(counting: Counting) -> None:
    """Something that goes through the books now, or when a till synchronizes."""
    day, rng = counting.day, counting.day.rng
    day.pass_time()
    product, quantity = rng.choice(counting.products), rng.randint(1, 3)
    moves = [day.sell, day.sell, day.sell_offline, day.sell_offline, day.write_off, day.ship]
    moves += [day.receive, day.take_back, day.arrive, day.reserve]
    move, other = rng.choice(moves), rng.random()
    if other < 0.05:
        day.synchronize()
    elif other < 0.1:
        day.hand_over()
    elif day.sellable(product) >= quantity:
        move(product, quantity)


def _plant(counting: Counting, products: list[UUID]) -> None:
    """A difference of some of these products, of which no count has begun."""
    day, rng = counting.day, counting.day.rng
    for product in products:
        quantity = rng.randint(1, 4)
        what = rng.choice(("loss", "find", "mix-up", "pack", "double", *["nothing"] * 5))
        if day.sellable(product) < PACK:
            continue
        if what in ("loss", "pack"):
            taken = quantity if what == "loss" else PACK
            # A pack is sold as a piece, or spoilt and stolen goods are gone without a movement.
            booked = 0 if what == "loss" else 1
            day.take(product, taken)
            if booked:
                day.sold(product, booked)
            day.planted[product] -= taken - booked
        elif what == "find":
            day.put(product, quantity)
            day.planted[product] += quantity
        elif what == "double":
            day.receive(product, quantity, times=2)
            day.planted[product] -= quantity
        elif what == "mix-up" and (other := rng.choice(products)) != product:
            # One product leaves, another is booked.
            day.take(product, quantity)
            day.sold(other, quantity)
            day.planted[product] -= quantity
            day.planted[other] += quantity
