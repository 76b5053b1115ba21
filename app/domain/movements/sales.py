"""Sales: what tills sold offline, and goods of a sale that come back."""

import asyncio
from collections.abc import Awaitable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from enum import Enum
from itertools import islice
from typing import Any, NamedTuple, Protocol, TypeVar
from uuid import UUID

from app.db.core.unit import Database
from app.domain import access
from app.domain.access import Can, Viewer
from app.domain.errors import Denied, Malformed, Refusal, Refused, Text, Unreadable
from app.domain.ledger.channel_limits import COUNTER
from app.domain.ledger.draft import Draft
from app.domain.ledger.post import Outcome
from app.domain.movements.horizon import Moment
from app.domain.movements.lines import LineRequest, ResolvedLine
from app.domain.movements.prices import charged
from app.domain.movements.receipts import (
    FRESH,
    Counters,
    note_seen,
    read_counters,
    receipt_number,
    receipt_of,
)
from app.domain.movements.record import (
    Books,
    MovementInput,
    MovementTerms,
    PreparedMovement,
    draft,
    get_movement,
    prepare,
    resolve,
    until_current,
)
from app.domain.movements.unpacking import sold_bundles, unpacked
from app.domain.rules.kinds import Kind
from app.domain.rules.texts import InvalidText

MOST_OPERATIONS = 1000
AT_ONCE = 8
"""Operations whose lines are read at the same time: fewer than there are connections."""

LONG_AGO = datetime.min.replace(tzinfo=UTC)
T = TypeVar("T")


class Disposition(Enum):
    """Destination of returned goods."""

    SHELF = Kind.RETURN
    QUARANTINE = Kind.RETURN_HELD
    WASTE = Kind.RETURN_WASTED


class OfflineSale(MovementInput, Protocol):
    """A sale that a till made while it was offline."""

    @property
    def store_id(self) -> UUID: ...
    @property
    def lines(self) -> Sequence[Any]: ...
    @property
    def receipt_no(self) -> str | None: ...
    @property
    def till_id(self) -> UUID | None: ...
    @property
    def accept_shortage(self) -> bool | None: ...


class SyncedSale(NamedTuple):
    """The outcome of one operation of a till."""

    key: UUID
    outcome: Outcome


def sale_terms(
    channel: str, receipt_no: str | None, accept_shortage: bool, till_id: UUID | None
) -> MovementTerms:
    """The terms of a sale. Raises Malformed for a shortage that no counter saw, InvalidText."""
    if accept_shortage and channel != COUNTER:
        raise Malformed(
            "acceptShortage",
            "只有柜台销售可以在库存不足时入账",
            "Only counter sales can be booked with a shortage.",
        )
    number = receipt_number(receipt_no)
    return MovementTerms(channel, number, accept_shortage=accept_shortage, till_id=till_id)


async def prepare_sale(
    db: Database,
    viewer: Viewer,
    store: UUID,
    requests: Sequence[LineRequest],
    head: MovementInput,
    terms: MovementTerms,
) -> PreparedMovement:
    """A sale, each line at its given price or the product's own.

    Raises as `prepare` and `charged` do.
    """
    sale = await prepare(db, viewer, Kind.SALE, store, requests, head, terms)
    lines = await charged(db, viewer, requests, sale.lines, head.occurred_at)
    stores, tills = [store] if terms.document else [], [terms.till_id] if terms.till_id else []
    counters = await read_counters(db, viewer.tenant, stores, tills)
    receipt = receipt_of(store, sale.moment.at, terms, lines, counters)
    await note_seen(db, viewer.tenant, [store], counters, FRESH)
    return sale._replace(lines=lines, receipt=receipt)


async def sync(books: Books, viewer: Viewer, operations: Sequence[OfflineSale]) -> list[SyncedSale]:
    """Book the offline sales of tills. Returns one outcome per operation, independent of others.

    The order of booking does not depend on the order of arrival: operations that name their
    batches come first, then by the tills' clocks. Raises Malformed for too many at once.
    """
    if not 1 <= len(operations) <= MOST_OPERATIONS:
        raise Malformed(
            "operations",
            f"每次须上传 1 至 {MOST_OPERATIONS} 笔",
            f"Operations: give 1 to {MOST_OPERATIONS}.",
        )
    places = sorted(range(len(operations)), key=lambda place: _order(operations[place]))
    mine = access.within(viewer, Can.SELL, {each.store_id for each in operations})
    tills = {each.till_id for each in operations if each.till_id is not None}
    counters = await read_counters(books.db, viewer.tenant, mine, tills)
    sales = [_Operation(books, viewer, operations[place], counters) for place in places]
    # All of them are drafted before the first is booked, so that they are booked in order.
    for several in batched(sales, AT_ONCE):
        await asyncio.gather(*(sale.prepare() for sale in several))
    outcomes = await asyncio.gather(*(sale.book() for sale in sales))
    await note_seen(books.db, viewer.tenant, mine, counters)
    by_place = dict(zip(places, outcomes, strict=True))
    return [SyncedSale(each.key, by_place[place]) for place, each in enumerate(operations)]


def _order(operation: OfflineSale) -> tuple[bool, datetime, UUID]:
    unnamed = not any(line.batch_no or line.expires_on or line.code for line in operation.lines)
    return unnamed, operation.occurred_at or LONG_AGO, operation.key


def batched(sales: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    """The sales in groups of `size`; `itertools.batched` is newer than Python 3.11."""
    rest = iter(sales)
    while several := list(islice(rest, size)):
        yield several


class _Operation:
    """One operation on its way into the books: its lines are resolved once."""

    def __init__(self, books: Books, viewer: Viewer, sale: OfflineSale, counters: Counters) -> None:
        self.books, self.viewer, self.sale, self.counters = books, viewer, sale, counters
        self.lines: list[ResolvedLine] = []
        self.moment = Moment(LONG_AGO)
        self.prepared: Draft | Refusal | None = None

    async def prepare(self) -> None:
        """Drafts the sale; keeps the refusal if there is one."""
        self.prepared = await _caught(self._resolve_and_draft())

    async def book(self) -> Outcome:
        """Posts the draft, or a fresh one when a recipe changed since."""
        if isinstance(self.prepared, Refusal):
            return self.prepared
        return await _caught(self._post())

    async def _post(self) -> Outcome:
        return (await until_current(self.books, self.viewer.tenant, self._next_draft))[1]

    async def _next_draft(self) -> Draft:
        first, self.prepared = self.prepared, None
        return first if isinstance(first, Draft) else await self._draft()

    async def _resolve_and_draft(self) -> Draft:
        store = access.at(self.viewer, Can.SELL, self.sale.store_id)
        db, requests = self.books.db, self.sale.lines
        lines, self.moment = await resolve(db, self.viewer, Kind.SALE, store, requests, self.sale)
        self.lines = await charged(db, self.viewer, requests, lines, self.sale.occurred_at)
        return await self._draft()

    async def _draft(self) -> Draft:
        sale = self.sale
        accepts = sale.accept_shortage is not False
        terms = sale_terms(COUNTER, sale.receipt_no, accepts, sale.till_id)
        what = sale.store_id, self.moment.at, terms, self.lines, self.counters
        return await draft(
            self.books,
            self.viewer,
            Kind.SALE,
            sale.store_id,
            self.lines,
            sale,
            self.moment,
            terms,
            receipt_of(*what),
        )


async def _caught(work: Awaitable[T]) -> T | Refusal:
    """The result, or a refusal: also for what would be a BAD_INPUT error of a single sale."""
    try:
        return await work
    except Refused as refused:
        return refused.refusal
    except (Malformed, InvalidText) as malformed:
        return Unreadable(Text(*malformed.text), path=malformed.path or None)
    except Denied as denied:
        return Unreadable(Text(*denied.text))


async def take_back(
    books: Books,
    viewer: Viewer,
    sale_id: UUID,
    requests: Sequence[LineRequest],
    disposition: Disposition,
    head: MovementInput,
) -> Outcome:
    """Record a return to the store that sold; the ledger refuses more than was sold.

    Raises as `draft_return` does.
    """
    drafted = await draft_return(books, viewer, sale_id, requests, disposition, head)
    return await books.post(viewer.tenant, drafted)


async def draft_return(
    books: Books,
    viewer: Viewer,
    sale_id: UUID,
    requests: Sequence[LineRequest],
    disposition: Disposition,
    head: MovementInput,
) -> Draft:
    """The movement of a return. Bundles come back whole or in parts; a returned dish is waste under
    every disposition. What an order sold comes back as a movement of the order.

    Raises Refused(UnknownMovement) for a sale out of reach, and as `resolve` and `draft` do.
    """
    sale, entries = await get_movement(books.db, viewer, Can.RETURN_SALE, sale_id)
    terms = MovementTerms(channel=sale.channel, sale_id=sale_id)
    what = disposition.value, sale.store_id
    lines, moment = await resolve(books.db, viewer, *what, requests, head)
    bundles = await sold_bundles(books.db, viewer.tenant, entries)
    drafted = await draft(books, viewer, *what, lines, head, moment, terms)
    return replace(unpacked(drafted, bundles), document_id=sale.document_id)
