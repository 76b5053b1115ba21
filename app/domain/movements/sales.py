"""Use cases of the sales topic: what tills sold offline, and taking back what was sold."""

import asyncio
from collections.abc import Awaitable, Iterator, Sequence
from datetime import UTC, datetime
from enum import Enum
from itertools import islice
from typing import Any, NamedTuple, Protocol, TypeVar
from uuid import UUID

from app.domain import access
from app.domain.access import Can, Viewer
from app.domain.errors import Malformed, Refusal, Refused, Unreadable
from app.domain.ledger.channel_limits import COUNTER
from app.domain.ledger.draft import Draft
from app.domain.ledger.post import Outcome
from app.domain.movements.batches import LineRequest
from app.domain.movements.record import (
    Books,
    MovementInput,
    draft,
    get_movement,
    record,
    until_current,
)
from app.domain.rules.kinds import Kind
from app.domain.rules.texts import InvalidText, clean

MOST_OPERATIONS = 1000
AT_ONCE = 8
"""Operations that are looked up at the same time: a few of the connections there are."""

EVER = datetime.min.replace(tzinfo=UTC)
T = TypeVar("T")


class Disposition(Enum):
    """Where returned goods go."""

    SHELF = Kind.RETURN
    QUARANTINE = Kind.RETURN_HELD
    WASTE = Kind.RETURN_WASTED


class Offline(MovementInput, Protocol):
    """A sale that a till made while it was offline."""

    @property
    def store_id(self) -> UUID: ...
    @property
    def lines(self) -> Sequence[Any]: ...
    @property
    def receipt_no(self) -> str | None: ...
    @property
    def accept_shortage(self) -> bool | None: ...


class Synced(NamedTuple):
    """What became of one operation of a till."""

    key: UUID
    outcome: Outcome


async def sync(books: Books, viewer: Viewer, operations: Sequence[Offline]) -> list[Synced]:
    """Books what tills sold offline: one result an operation, and none hinders another.

    Whatever order they come in, they are booked in one: those that name their batches first,
    then by the tills' clocks. Raises Malformed for too many at once.
    """
    if not 1 <= len(operations) <= MOST_OPERATIONS:
        raise Malformed(f"operations: from 1 to {MOST_OPERATIONS} at once")
    inorder = sorted(range(len(operations)), key=lambda place: _booked_by(operations[place]))
    sales = [_Sale(books, viewer, operations[place]) for place in inorder]
    # All of them are drafted before the first is booked, so that they are booked in order.
    for several in batched(sales, AT_ONCE):
        await asyncio.gather(*(sale.prepare() for sale in several))
    outcomes = await asyncio.gather(*(sale.book() for sale in sales))
    told = dict(zip(inorder, outcomes, strict=True))
    return [Synced(each.key, told[place]) for place, each in enumerate(operations)]


def _booked_by(operation: Offline) -> tuple[bool, datetime, UUID]:
    unnamed = all(line.batch_no is None and line.code is None for line in operation.lines)
    return unnamed, operation.occurred_at or EVER, operation.key


def batched(sales: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    each = iter(sales)
    while several := list(islice(each, size)):
        yield several


class _Sale:
    """One operation on its way into the books."""

    def __init__(self, books: Books, viewer: Viewer, operation: Offline) -> None:
        self.books, self.viewer, self.operation = books, viewer, operation
        self.drafted: Draft | Refusal | None = None

    async def prepare(self) -> None:
        self.drafted = await self._tried(self._draft())

    async def book(self) -> Outcome:
        if isinstance(self.drafted, Refusal):
            return self.drafted
        return await self._tried(self._post())

    async def _post(self) -> Outcome:
        return (await until_current(self.books, self.viewer.tenant, self._next_draft))[1]

    async def _next_draft(self) -> Draft:
        drafted, self.drafted = self.drafted, None
        return drafted if isinstance(drafted, Draft) else await self._draft()

    async def _draft(self) -> Draft:
        told = self.operation
        return await draft(
            self.books,
            self.viewer,
            Kind.SALE,
            access.at(self.viewer, Can.SELL, told.store_id),
            told.lines,
            told,
            channel=COUNTER,
            document=clean(told.receipt_no, "receiptNo", 100),
            accept_shortage=told.accept_shortage is not False,
        )

    async def _tried(self, doing: Awaitable[T]) -> T | Refusal:
        try:
            return await doing
        except Refused as refused:
            return refused.refusal
        except (Malformed, InvalidText) as malformed:
            return Unreadable(str(malformed))


async def take_back(
    books: Books,
    viewer: Viewer,
    sale_id: UUID,
    asked: Sequence[LineRequest],
    disposition: Disposition,
    paper: MovementInput,
) -> Outcome:
    """A return to the store that sold; the ledger judges that no more comes back than was sold.

    A dish that comes back is waste, whatever the disposition. Raises Refused(UnknownMovement)
    for a sale out of reach, and as `stock.draft` does.
    """
    sale, _ = await get_movement(books.db, viewer, Can.RETURN_SALE, sale_id)
    more = {"channel": sale.channel, "sale_id": sale_id}
    return await record(books, viewer, disposition.value, sale.store_id, asked, paper, **more)
