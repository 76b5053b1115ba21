"""Use cases of the stock topic: what a person asks for, made into a draft for the ledger."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, Protocol
from uuid import UUID

from app.db import stock as rows
from app.db.lane import Lane, LaneFull
from app.db.tables import Entry, Movement, Product
from app.db.unit import Database
from app.domain import access, catalog
from app.domain.access import Can, Viewer
from app.domain.batches import ARRIVING, MOST_LINES, SAID, Asked, Resolved, scanned, told_batches
from app.domain.codes import Code, packs_of, understood
from app.domain.draft import Draft, Line, Place, print_of, swapped
from app.domain.errors import Busy, InvalidQuantity, Malformed, Refused, UnknownMovement
from app.domain.errors import UnknownProduct as Unknown
from app.domain.ledger import Outcome
from app.domain.rules.kinds import Kind
from app.domain.rules.texts import clean
from app.domain.rules.units import MASSES, from_base

NAMED = ("product_id", "code", "quantity", "packs")
AHEAD = timedelta(minutes=5)


class Paper(Protocol):
    """What every movement's input carries beside its lines."""

    key: UUID
    reason: str | None
    note: str | None
    occurred_at: datetime | None


async def post(lane: Lane[Draft, Outcome], viewer: Viewer, draft: Draft) -> Outcome:
    """The movement, or the refusal; `Busy` when the lane could not take it."""
    try:
        return await lane.submit(viewer.tenant, draft)
    except LaneFull:
        return Busy()


async def draft(
    db: Database,
    viewer: Viewer,
    kind: Kind,
    store: UUID,
    asked: Sequence[Asked],
    paper: Paper,
    **more: Any,
) -> Draft:
    """A movement along the kind's own route. Raises Refused for unknown codes.

    `more` are further fields of `Draft`. Raises Malformed for an empty or endless list of
    lines, for a line that names no product or two, and for a moment in the future.
    """
    source, target = kind.value.source, kind.value.target
    assert source is not None, f"{kind.name} has no route of its own"
    assert target is not None
    resolved = await _resolved(db, viewer.tenant, asked, source in ARRIVING)
    moment = _moment(paper.occurred_at)
    batches = await told_batches(db, viewer.tenant, store, resolved, source, moment)
    lines = tuple(
        Line(
            product,
            quantity,
            Place(store, source),
            Place(store, target),
            getattr(line, "unit_cost", None),
            getattr(line, "expected_version", None),
            *batch,
        )
        for (line, product, quantity), batch in zip(resolved, batches, strict=True)
    )
    # What the client sent, not what it was found to mean: a retry is the same request.
    said = [[getattr(line, name, None) for name in (*NAMED, *SAID)] for line in asked]
    told = _told(paper)
    return Draft(
        kind=kind,
        store=store,
        actor=viewer.actor,
        key=paper.key,
        lines=lines,
        fingerprint=print_of(kind, store, said, told, paper.occurred_at, sorted(more.items())),
        occurred_at=moment,
        **told,
        **more,
    )


def _told(paper: Paper) -> dict[str, str | None]:
    return {
        "reason": clean(paper.reason, "reason", 200),
        "note": clean(paper.note, "note", 2000, lines=True),
    }


def _moment(occurred_at: datetime | None) -> datetime:
    now = datetime.now(UTC)
    if occurred_at is not None and occurred_at > now + AHEAD:
        raise Malformed("occurredAt lies in the future: check the device's clock")
    return occurred_at or now


async def _resolved(
    db: Database, tenant: UUID, asked: Sequence[Asked], arriving: bool
) -> list[Resolved]:
    if not 1 <= len(asked) <= MOST_LINES:
        raise Malformed(f"lines: from 1 to {MOST_LINES} are needed")
    for line in asked:
        if (line.product_id is None) == (line.code is None):
            raise Malformed("a line names either productId or code")
        if line.quantity is not None and line.packs is not None:
            raise Malformed("a line has either quantity or packs")
        if line.product_id is not None and line.quantity is None:
            raise Malformed("a line with productId has a quantity; packs belong to a code")
    if all(line.product_id is not None for line in asked):
        return [(line, line.product_id, line.quantity) for line in asked]  # pyright: ignore[reportReturnType]
    return await _scanned(db, tenant, asked, arriving)


async def _scanned(
    db: Database, tenant: UUID, asked: Sequence[Asked], arriving: bool
) -> list[Resolved]:
    """Codes become products, quantities and batches; a plain code means one of its packs."""
    found: list[Resolved] = []
    unknown: list[str] = []
    async with db.read(tenant) as session:
        for line in asked:
            if line.product_id is not None:
                found.append((line, line.product_id, line.quantity or Decimal(0)))
                continue
            code = understood(line.code or "")
            if code.fault:
                raise Malformed(f"code: {code.fault}: scan it again, or type the number below it")
            named = await catalog.by_code(session, tenant, code.name)
            if named is None:
                unknown.append(code.name)
                continue
            product, pack = named
            quantity = _quantity(line, code, product, pack)
            told = await scanned(session, tenant, line, code, product, quantity, arriving)
            found.append((told, product.id, quantity))
    if unknown:
        raise Refused(Unknown(tuple(unknown)))
    return found


def _quantity(line: Asked, code: Code, product: Product, pack: int) -> Decimal:
    """What is said, else what was weighed, else so many packs."""
    if line.quantity is not None:
        return line.quantity
    if code.weight is not None and product.unit in MASSES and line.packs is None:
        return from_base(code.weight, product.scale)
    packs = packs_of(code) if line.packs is None else line.packs
    base = packs * pack
    if base != int(base) or base <= 0:
        raise Refused(InvalidQuantity(product.id, str(packs)))
    return from_base(int(base), product.scale)


async def found_movement(
    db: Database, viewer: Viewer, can: Can, movement_id: UUID
) -> tuple[Movement, Sequence[Entry]]:
    """A movement of a store this permission reaches. Raises Refused(UnknownMovement)."""
    async with db.read(viewer.tenant) as session:
        found = await rows.movement_with_entries(session, viewer.tenant, movement_id)
    if found is None or not access.within(viewer, can, [found[0].store_id]):
        raise Refused(UnknownMovement(str(movement_id)))
    return found


async def reversal(
    db: Database, viewer: Viewer, key: UUID, movement_id: UUID, reason: str | None
) -> Draft:
    """The draft that undoes a movement: its entries swapped, once."""
    movement, entries = await found_movement(db, viewer, Can.REVERSE, movement_id)
    reason = clean(reason, "reason", 200)
    return Draft(
        kind=Kind.REVERSAL,
        store=movement.store_id,
        actor=viewer.actor,
        key=key,
        lines=swapped(entries),
        fingerprint=print_of(Kind.REVERSAL, movement_id, reason),
        occurred_at=datetime.now(UTC),
        channel=movement.channel,
        reason=reason,
        reverses_id=movement_id,
    )
