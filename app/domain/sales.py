"""Use cases of the sales topic: taking back what was sold."""

from collections.abc import Sequence
from enum import Enum
from uuid import UUID

from app.domain.access import Can, Viewer
from app.domain.batches import Asked
from app.domain.ledger import Outcome
from app.domain.rules.kinds import Kind
from app.domain.stock import Books, Paper, found_movement, record


class Disposition(Enum):
    """Where returned goods go."""

    SHELF = Kind.RETURN
    QUARANTINE = Kind.RETURN_HELD
    WASTE = Kind.RETURN_WASTED


async def take_back(
    books: Books,
    viewer: Viewer,
    sale_id: UUID,
    asked: Sequence[Asked],
    disposition: Disposition,
    paper: Paper,
) -> Outcome:
    """A return to the store that sold; the ledger judges that no more comes back than was sold.

    A dish that comes back is waste, whatever the disposition. Raises Refused(UnknownMovement)
    for a sale out of reach, and as `stock.draft` does.
    """
    sale, _ = await found_movement(books.db, viewer, Can.RETURN_SALE, sale_id)
    more = {"channel": sale.channel, "sale_id": sale_id}
    return await record(books, viewer, disposition.value, sale.store_id, asked, paper, **more)
