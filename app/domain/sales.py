"""Use cases of the sales topic: taking back what was sold."""

from collections.abc import Sequence
from enum import Enum
from uuid import UUID

from app.db.unit import Database
from app.domain.access import Can, Viewer
from app.domain.draft import Draft
from app.domain.rules.kinds import Kind
from app.domain.stock import Asked, Paper, draft, found_movement


class Disposition(Enum):
    """Where returned goods go."""

    SHELF = Kind.RETURN
    QUARANTINE = Kind.RETURN_HELD
    WASTE = Kind.RETURN_WASTED


async def returning(
    db: Database,
    viewer: Viewer,
    sale_id: UUID,
    asked: Sequence[Asked],
    disposition: Disposition,
    paper: Paper,
) -> Draft:
    """A return to the store that sold; the ledger judges that no more comes back than was sold.

    Raises Refused(UnknownMovement) for a sale out of reach, and as `stock.draft` does.
    """
    sale, _ = await found_movement(db, viewer, Can.RETURN_SALE, sale_id)
    return await draft(
        db,
        viewer,
        disposition.value,
        sale.store_id,
        asked,
        paper,
        channel=sale.channel,
        sale_id=sale_id,
    )
