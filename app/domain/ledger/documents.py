"""Documents: what orders, passes, write-offs and transfers share when they move stock.

A document is changed in one unit: its key is claimed, its row is locked, its movement is posted
under a key made of its own.
"""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Protocol, TypeVar
from uuid import UUID, uuid5

from app.db.core.unit import Database, Unit, clock
from app.db.levels import open_levels
from app.db.tables import Movement
from app.domain.claims import claim, fingerprint_of
from app.domain.errors import Refusal, Refused
from app.domain.ledger.draft import Draft, Line
from app.domain.ledger.post import post, touched_levels
from app.domain.rules.kinds import Kind


def movement_of(
    document: UUID,
    kind: Kind,
    store: UUID,
    key: UUID,
    actor: UUID,
    lines: Sequence[Line],
    *,
    channel: str | None = None,
    reason: str | None = None,
    note: str | None = None,
) -> Draft:
    """The draft of a document's movement. Its key is made of the document's own key, so that the
    two are claimed together."""
    own = uuid5(key, kind.name)
    return Draft(
        kind=kind,
        store=store,
        actor=actor,
        key=own,
        lines=tuple(lines),
        fingerprint=fingerprint_of(kind, document, own),
        occurred_at=clock(),
        channel=channel,
        reason=reason,
        note=note,
        document_id=document,
    )


class Document(Protocol):
    """The row of one; `stores` are those whose feeds tell of it."""

    @property
    def tenant_id(self) -> Any: ...
    @property
    def id(self) -> Any: ...
    @property
    def stores(self) -> Any: ...


Row = TypeVar("Row", bound=Document)


async def changed(
    db: Database,
    actor: UUID,
    key: UUID,
    row: Row,
    asked: Sequence[Any],
    locked: Callable[[Unit, UUID], Awaitable[Row | None]],
    work: Callable[[Unit, Row], Awaitable[None]],
) -> Row:
    """The document after `work`, once a key; then its followers are told."""
    async with db.unit(row.tenant_id) as unit:
        earlier = await claim(unit, actor, key, row.id, *asked)
        mine = await locked(unit, row.id)
        assert mine is not None, "no document is ever deleted"
        if earlier is None:
            await work(unit, mine)
            file(unit, mine)
    return mine


def file(unit: Unit, row: Document) -> None:
    """The feeds of the document's stores name it."""
    for store in row.stores:
        unit.filed(store, row.id)


async def open_for(db: Database, tenant: UUID, *drafts: Draft) -> None:
    """Makes the levels these drafts will lock, in a transaction before the document's own."""
    async with db.unit(tenant) as unit:
        await open_levels(unit, touched_levels(drafts))


async def post_in(unit: Unit, draft: Draft) -> Movement | None:
    """Posts in the document's own unit; None when nothing is to be moved.

    Raises Refused with what the ledger refuses.
    """
    if not draft.lines:
        return None
    [outcome] = await post(unit, [draft])
    if isinstance(outcome, Refusal):
        raise Refused(outcome)
    return outcome
