"""A simulated day of a store in memory: goods move, and are lost, while people count them.

The books are kept by the application's own rules: `plan` and `Journal` for movements, `compare`
and `Corrections` for counts. The shelf is what is really in the store.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from random import Random
from typing import Any, NamedTuple
from uuid import UUID, uuid5

from app.db.positions import EntryStep, Position
from app.db.tables import Stocktake, StocktakeCount, StocktakeLine
from app.domain.documents.stocktake_lines import Corrections
from app.domain.documents.worksheet import WorksheetLine, as_count, count_times
from app.domain.ledger.draft import Draft, Line, Place
from app.domain.ledger.journal import Journal
from app.domain.ledger.locked import Bins, Levels, LockedLevel
from app.domain.ledger.plan import Plan, References, plan
from app.domain.rules.counting import compare
from app.domain.rules.days import BusinessDay
from app.domain.rules.fefo import BatchKey
from app.domain.rules.kinds import PHYSICAL_BINS, Kind

SPACE = UUID(int=7)
STORE, DEPOT, ACTOR = (uuid5(SPACE, name) for name in ("store", "depot", "actor"))
EVENING = datetime(2026, 11, 23, 23, 0, tzinfo=UTC)
"""The day goes on until after midnight, when batches expire."""
FIRST_DAY = EVENING.date()
DEPOT_STOCK = 10_000


class Spot(NamedTuple):
    """Where goods of a product really are: a zone, and the batch they belong to."""

    zone: str
    batch: BatchKey | None = None

    @property
    def named(self) -> tuple[BatchKey | None, str | None]:
        """The batch and the zone as a line names them."""
        return self.batch, self.zone or None


@dataclass
class Books:
    """The levels of a store and its depot, and the entries that changed what the store has."""

    levels: Levels = field(default_factory=dict[tuple[UUID, UUID], LockedLevel])
    steps: dict[UUID, list[EntryStep]] = field(default_factory=dict[UUID, list[EntryStep]])
    expiries: dict[UUID, date] = field(default_factory=dict[UUID, date])
    today: date = FIRST_DAY
    posted: int = 0
    strict: bool = True
    """Whether every movement must be possible; wrong books refuse some that really happened."""

    def add(self, product: UUID, batches: Sequence[BatchKey]) -> None:
        """A product of the store and the depot."""
        self.steps[product] = []
        self.expiries |= {batch.id: batch.expires_on for batch in batches}
        for store, stock in ((STORE, 0), (DEPOT, DEPOT_STOCK)):
            own = {batch: empty_bins() for batch in batches}
            bins = empty_bins()
            bins["shelf"] = 0 if own else stock
            level = LockedLevel((store, product), bins, 0, 1, own or None, today=self.today)
            self.levels[level.pair] = level

    def level(self, product: UUID) -> LockedLevel:
        return self.levels[STORE, product]

    def post(self, kind: Kind, at: datetime, *lines: Line, **more: Any) -> None:
        """Posts a movement of the store."""
        self.posted += 1
        id = uuid5(SPACE, str(self.posted))
        draft = Draft(kind, STORE, ACTOR, id, lines, b"", at, id=id, **more)
        planned = plan(draft, self.levels, References({}, self.expiries))
        if not isinstance(planned, Plan):
            assert not self.strict, (kind, planned)
            return
        journal, dated = Journal(), bool(more.get("dated"))
        for move in planned.moves:
            level = self.level(move.line.product)
            before = level.on_hand
            journal.enter(draft, BusinessDay(self.today, "UTC"), [move])
            if change := level.on_hand - before:
                batch = move.batch and move.batch.id
                step = EntryStep(level.version, change, batch, id, at, dated, move.line.zone)
                self.steps[move.line.product].append(step)

    def at_midnight(self, now: datetime) -> None:
        """The next day begins: expired batches go to quarantine."""
        self.today = now.date()
        for level in self.levels.values():
            level.today = self.today
            for batch, bins in (level.batches or {}).items():
                if level.pair[0] == STORE and batch.expires_on < self.today and bins["shelf"]:
                    line = moved(level.pair[1], bins["shelf"], "shelf", "quarantine", batch)
                    self.post(Kind.EXPIRE, now, line)

    def position(self, product: UUID) -> Position:
        level = self.level(product)
        _, reserved, quarantine, transit = (level.bins[name] for name in PHYSICAL_BINS)
        aside = reserved, quarantine, transit
        return Position(level.version, level.on_hand, *aside, level.value, level.unit_cost)


def empty_bins() -> Bins:
    return {bin: 0 for bin in PHYSICAL_BINS}


def moved(
    product: UUID,
    quantity: int,
    source: str,
    target: str,
    batch: BatchKey | None = None,
    zone: str | None = None,
) -> Line:
    """A line between two bins of the store."""
    named = batch and (batch.id,)
    places = Place(STORE, source), Place(STORE, target)
    return Line(product, Decimal(quantity), *places, batches=named, zone=zone)


class Taken(NamedTuple):
    """A quantity that was taken from a zone; None if the movement does not name it."""

    zone: str | None
    quantity: int


class OfflineSale(NamedTuple):
    product: UUID
    quantity: int
    at: datetime
    zone: str | None


@dataclass
class CountSheet:
    """The counts of one product in a stocktake, and the position that was confirmed for them."""

    counts: list[StocktakeCount] = field(default_factory=list[StocktakeCount])
    confirmed: int | None = None


@dataclass
class CountedDay:
    """A store with its books, its shelf, and what was planted on a random day."""

    rng: Random
    books: Books = field(default_factory=Books)
    shelf: dict[UUID, Counter[Spot]] = field(default_factory=dict[UUID, Counter[Spot]])
    planted: Counter[UUID] = field(default_factory=Counter[UUID])
    offline: list[OfflineSale] = field(default_factory=list[OfflineSale])
    reserved: list[tuple[UUID, int]] = field(default_factory=list[tuple[UUID, int]])
    sheets: dict[UUID, CountSheet] = field(default_factory=dict[UUID, CountSheet])
    now: datetime = EVENING
    zoned: bool = False
    """Whether movements name the zones that goods leave and are put in."""
    flagged: set[UUID] = field(default_factory=set[UUID])
    """Products of which a late sale was recorded that may or may not be counted already."""

    # The store.

    def stock(self, number: int, tracked: bool) -> UUID:
        """A new product with its opening stock, in two zones or in two batches."""
        product = uuid5(SPACE, f"product {number}")
        days = (self.books.today, date(2027, 1, 1)) if tracked else ()
        batches = [BatchKey(day, uuid5(product, day.isoformat())) for day in days]
        self.books.add(product, batches)
        spots = [Spot("", batch) for batch in batches] or [Spot("前场"), Spot("仓库")]
        self.shelf[product] = Counter({spot: self.rng.randint(20, 40) for spot in spots})
        held = self.shelf[product]
        for batch in batches or [None]:
            quantity = sum(n for spot, n in held.items() if spot.batch == batch)
            line = moved(product, quantity, "opening", "shelf", batch)
            self.books.post(Kind.OPENING, self.now, line)
        return product

    def real(self, product: UUID) -> int:
        return self.shelf[product].total()

    def sellable(self, product: UUID) -> int:
        """What is really there and may be sold, beyond a margin that keeps the books from running
        short of it."""
        held = sum(n for spot, n in self.shelf[product].items() if self._is_good(spot))
        return held - 15 - sum(n for name, n in self.reserved if name == product)

    def _is_good(self, spot: Spot) -> bool:
        return spot.batch is None or spot.batch.expires_on >= self.now.date()

    def take(self, product: UUID, quantity: int) -> list[Taken]:
        """Really takes goods that may be sold, of the batch that expires first, from any zone;
        returns what a till records of them."""
        taken: Counter[str | None] = Counter()
        spots = sorted(filter(self._is_good, self.shelf[product]))
        if self.rng.random() < 0.5 and not any(spot.batch for spot in spots):
            spots.reverse()
        for spot in spots:
            number = min(quantity, self.shelf[product][spot])
            self.shelf[product][spot] -= number
            quantity -= number
            taken[(spot.zone or None) if self.zoned else None] += number
        assert quantity == 0
        return [Taken(zone, number) for zone, number in taken.items() if number]

    def put(self, product: UUID, quantity: int) -> Spot:
        """Really puts goods there: in a zone, or with the batch that expires last."""
        spot = max(self.shelf[product], key=lambda spot: (spot.batch or (), spot.zone))
        self.shelf[product][spot] += quantity
        return spot if self.zoned else spot._replace(zone="")

    def pass_time(self) -> None:
        day = self.now.date()
        self.now += timedelta(seconds=self.rng.randint(20, 240))
        if self.now.date() != day:
            self.books.at_midnight(self.now)

    # What goes through the books.

    def sell(self, product: UUID, quantity: int) -> None:
        for zone, number in self.take(product, quantity):
            self.sold(product, number, zone=zone)

    def sold(
        self, product: UUID, quantity: int, at: datetime | None = None, zone: str | None = None
    ) -> None:
        line = moved(product, quantity, "shelf", "customer", zone=zone)
        dated = {"dated": at is not None, "accept_shortage": True}
        if at is not None and self.books.level(product).was_counted_during(at, zone):
            self.flagged.add(product)
        self.books.post(Kind.SALE, at or self.now, line, **dated)

    def receive(self, product: UUID, quantity: int, times: int = 1) -> None:
        spot = self.put(product, quantity)
        for _ in range(times):
            line = moved(product, quantity, "supplier", "shelf", *spot.named)
            self.books.post(Kind.RECEIPT, self.now, line)

    def sell_offline(self, product: UUID, quantity: int) -> None:
        for zone, number in self.take(product, quantity):
            self.offline.append(OfflineSale(product, number, self.now, zone))

    def synchronize(self) -> None:
        self.rng.shuffle(self.offline)
        while self.offline:
            sale = self.offline.pop()
            self.sold(sale.product, sale.quantity, sale.at, sale.zone)

    def take_back(self, product: UUID, quantity: int) -> None:
        spot = self.put(product, quantity)
        line = moved(product, quantity, "customer", "shelf", *spot.named)
        self.books.post(Kind.RETURN, self.now, line)

    def write_off(self, product: UUID, quantity: int) -> None:
        """Goods are put aside and written off; an expired batch first."""
        level = self.books.level(product)
        for batch, bins in (level.batches or {}).items():
            spot = Spot("", batch)
            expired = min(bins["quarantine"], self.shelf[product][spot])
            if expired:
                self.shelf[product][spot] -= expired
                line = moved(product, expired, "quarantine", "waste", batch)
                self.books.post(Kind.WRITE_OFF, self.now, line)
                return
        for zone, number in self.take(product, quantity):
            aside = moved(product, number, "shelf", "quarantine", zone=zone)
            self.books.post(Kind.WRITE_OFF_HOLD, self.now, aside)
            wasted = moved(product, number, "quarantine", "waste", zone=zone)
            self.books.post(Kind.WRITE_OFF, self.now, wasted)

    def ship(self, product: UUID, quantity: int) -> None:
        shelf, transit = Place(STORE, "shelf"), Place(DEPOT, "transit")
        for zone, number in self.take(product, quantity):
            line = Line(product, Decimal(number), shelf, transit, zone=zone)
            self.books.post(Kind.SHIPMENT, self.now, line)

    def arrive(self, product: UUID, quantity: int) -> None:
        """Goods of the depot are on their way and arrive at once."""
        spot = self.put(product, quantity)
        there = Place(DEPOT, "shelf"), Place(STORE, "transit")
        if spot.batch is not None:
            line = moved(product, quantity, "supplier", "shelf", spot.batch)
            self.books.post(Kind.RECEIPT, self.now, line)
            return
        self.books.post(Kind.SHIPMENT, self.now, Line(product, Decimal(quantity), *there))
        line = moved(product, quantity, "transit", "shelf", *spot.named)
        self.books.post(Kind.TRANSFER_RECEIPT, self.now, line)

    def reserve(self, product: UUID, quantity: int) -> None:
        self.books.post(Kind.ORDER_HOLD, self.now, moved(product, quantity, "shelf", "reserved"))
        self.reserved.append((product, quantity))

    def hand_over(self) -> None:
        while self.reserved:
            product, quantity = self.reserved.pop()
            for zone, number in self.take(product, quantity):
                line = moved(product, number, "reserved", "customer", zone=zone)
                self.books.post(Kind.FULFILMENT, self.now, line)

    # Counting.

    def observe(self, product: UUID, zone: str) -> list[StocktakeCount]:
        """What a person sees of the product in a zone now: one count for each batch."""
        seq = self.books.level(product).version
        return [
            StocktakeCount(
                product_id=product,
                zone=zone,
                batch_id=spot.batch and spot.batch.id,
                batch_no="" if spot.batch else None,
                expires_on=spot.batch and spot.batch.expires_on,
                quantity=quantity,
                began_seq=seq,
                seq=seq,
                counted_at=self.now,
            )
            for spot, quantity in self.shelf[product].items()
            if spot.zone == zone
        ]

    def submit(self, counts: list[StocktakeCount]) -> None:
        for each in counts:
            each.seq = self.books.level(each.product_id).version
            self.sheets.setdefault(each.product_id, CountSheet()).counts.append(each)

    def recount(self, product: UUID) -> None:
        """All zones at once: nothing moves meanwhile."""
        self.sheets[product] = CountSheet()
        for zone in {spot.zone for spot in self.shelf[product]}:
            self.submit(self.observe(product, zone))

    def line(self, product: UUID) -> WorksheetLine:
        """The worksheet's line, compared with the books now."""
        sheet, level = self.sheets[product], self.books.level(product)
        held: dict[UUID | None, int] = {
            batch.id: sum(bins[name] for name in ("shelf", "reserved", "quarantine"))
            for batch, bins in (level.batches or {}).items()
        }
        held[None] = level.on_hand
        since = min(each.began_seq for each in sheet.counts)
        steps = [step for step in self.books.steps[product] if step.seq > since]
        counts = [as_count(each) for each in sheet.counts]
        row = StocktakeLine(product_id=product, scale=1)
        parts = compare(counts, steps, held, sheet.confirmed)
        now = self.books.position(product)
        return WorksheetLine(
            Stocktake(store_id=STORE), row, now, sheet.counts, (), parts, rules=None
        )

    def close(self) -> dict[UUID, int]:
        """Posts the variances of all sheets; returns them by product, without those of 0."""
        lines = [self.line(product) for product in self.sheets]
        assert not any(line.is_ambiguous for line in lines)
        corrections = self._corrections()
        for gains in (True, False):
            take = corrections.gains if gains else corrections.losses
            drafts = [part for line in lines for part in take(line)]
            if drafts:
                kind = Kind.COUNT_GAIN if gains else Kind.COUNT_LOSS
                self.books.post(kind, self.now, *drafts)
        for line in lines:
            level, times = self.books.level(line.product_id), count_times(line.counts)
            level.counted_at, level.counted_until = times.first, times.last
            level.zone_counts = dict(times.zones)
        self.sheets = {}
        return {line.product_id: line.variance for line in lines if line.variance}

    def _corrections(self) -> Corrections:
        corrections = Corrections(STORE)
        tracked: set[UUID] = set()
        for product in self.sheets:
            level = self.books.level(product)
            batches = level.batches
            for batch, bins in {None: level.bins}.items() if batches is None else batches.items():
                for bin in ("shelf", "quarantine"):
                    corrections.free[product, batch and batch.id, bin] = bins[bin]
            if batches is not None:
                tracked.add(product)
                corrections.order[product] = [batch.id for batch in sorted(batches)]
        corrections.tracked = frozenset(tracked)
        return corrections
