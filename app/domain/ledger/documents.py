"""Documents: what orders, passes, write-offs and transfers share when they move stock.

A document is changed in one unit: its key is claimed, its row is locked, and its movement is
posted under a key derived from the document's key.
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
    """The row of a document; the feeds of its `stores` announce its changes."""

    @property
    def tenant_id(self) -> Any: ...
    @property
    def id(self) -> Any: ...
    @property
    def stores(self) -> Any: ...


Row = TypeVar("Row", bound=Document)


async def change_document(
    db: Database,
    claimant: UUID,
    key: UUID,
    row: Row,
    request: Sequence[Any],
    locked: Callable[[Unit, UUID], Awaitable[Row | None]],
    work: Callable[[Unit, Row], Awaitable[None]],
) -> Row:
    """The document after `work`, which runs once per key; its stores' feeds announce it.

    `request` is the client's input and identifies the change. Raises what `work` raises, and
    Refused(KeyReused) for a key that was used with another request.
    """
    async with db.unit(row.tenant_id) as unit:
        earlier = await claim(unit, claimant, key, row.id, *request)
        current = await locked(unit, row.id)
        assert current is not None, "no document is ever deleted"
        if earlier is None:
            await work(unit, current)
            announce(unit, current)
    return current


def announce(unit: Unit, row: Document) -> None:
    """Announces the document in the feeds of its stores."""
    for store in row.stores:
        unit.document_changed(store, row.id)


async def open_levels_for(db: Database, tenant: UUID, *drafts: Draft) -> None:
    """Creates the level rows these drafts will lock, in a transaction before the document's own."""
    async with db.unit(tenant) as unit:
        await open_levels(unit, touched_levels(drafts))


async def post_movements(unit: Unit, drafts: Sequence[Draft]) -> None:
    """Posts the drafts that have lines, together: their levels are locked in one order.

    Raises Refused when the ledger refuses one of them.
    """
    for outcome in await post(unit, [draft for draft in drafts if draft.lines]):
        if isinstance(outcome, Refusal):
            raise Refused(outcome)


async def post_movement(unit: Unit, draft: Draft) -> Movement | None:
    """Posts the draft in the document's own unit. Returns None when it has no lines.

    Raises Refused when the ledger refuses it.
    """
    if not draft.lines:
        return None
    [outcome] = await post(unit, [draft])
    if isinstance(outcome, Refusal):
        raise Refused(outcome)
    return outcome
