"""Stocktakes: opened for products of a store, counted while the store sells, reviewed, cancelled.

Counting is in `counts`, the comparison with the books in `worksheet`, closing in
`stocktake_close`.
"""

from collections.abc import Collection, Sequence
from typing import NamedTuple
from uuid import UUID

from uuid_utils.compat import uuid7

from app.db import catalog
from app.db import stocktakes as rows
from app.db.categories import categories_by_id
from app.db.core.snapshot import AnySession, Reads
from app.db.core.unit import Database, Unit
from app.db.tables import Stocktake, StocktakeLine, StocktakeRules
from app.domain import access
from app.domain.access import Can, Viewer
from app.domain.audit_log import Act, Subject, record_act
from app.domain.claims import claim
from app.domain.errors import (
    Malformed,
    Refused,
    UnknownCategory,
    WrongState,
    WrongStateReason,
    unknown_products,
)
from app.domain.ledger.documents import announce, change_document
from app.domain.movements.zones import clean_zones
from app.domain.rules.texts import clean
from app.domain.stocktake_errors import UnknownStocktake

MOST_SCOPES = 500
"""Products, or categories, that one stocktake may name."""


class StocktakeRequest(NamedTuple):
    """A stocktake to open: of these categories and products, or of everything in the store.

    While `blind`, only those who may run stocktakes see what the books expect.
    """

    key: UUID
    store_id: UUID
    category_ids: Sequence[UUID] = ()
    product_ids: Sequence[UUID] = ()
    zones: Sequence[str] = ()
    blind: bool = False


async def open_stocktake(db: Database, viewer: Viewer, request: StocktakeRequest) -> Stocktake:
    """The open stocktake. Several may be open in a store if they share no product.

    Raises Refused: UnknownStore, UnknownProduct, UnknownCategory, WrongState (NOT_STOCKED, or
    OVERLAPS with the other stocktake).
    """
    store = access.at(viewer, Can.RUN_STOCKTAKES, request.store_id)
    zones = clean_zones(request.zones)
    categories, products = sorted(set(request.category_ids)), sorted(set(request.product_ids))
    async with db.read(viewer.tenant) as session:
        await _check_scope(session, viewer.tenant, request)
    printed = ("openStocktake", store, categories, products, zones, request.blind)
    async with db.unit(viewer.tenant) as unit:
        row = Stocktake(
            tenant_id=unit.tenant,
            id=uuid7(),
            store_id=store,
            state="OPEN",
            blind=request.blind,
            everything=not categories and not products,
            zones=zones,
            category_ids=categories,
            opened_by=viewer.actor,
            opened_at=unit.now,
        )
        if earlier := await claim(unit, viewer.claimant, request.key, row.id, *printed):
            return (await rows.stocktakes_by_id(unit.session, unit.tenant, [earlier]))[0]
        if not zones:
            row.zones = await rows.zones_of(unit, store)
        await rows.lock_scopes(unit, store)
        unit.session.add(row)
        await unit.session.flush()
        await rows.add_lines(unit, row, products)
        await refuse_overlap(unit, row)
        announce(unit, row)
    return row


async def _check_scope(session: AnySession, tenant: UUID, request: StocktakeRequest) -> None:
    for field, ids in (("categoryIds", request.category_ids), ("productIds", request.product_ids)):
        if len(ids) > MOST_SCOPES:
            raise Malformed(field, f"最多选择 {MOST_SCOPES} 项", f"Choose at most {MOST_SCOPES}.")
    known = await categories_by_id(session, tenant, request.category_ids)
    if unknown := set(request.category_ids) - {each.id for each in known}:
        names = ", ".join(map(str, sorted(unknown)))
        raise Refused(UnknownCategory(names, path=("categoryIds",)))
    await check_products(session, tenant, request.product_ids)


async def check_products(session: AnySession, tenant: UUID, ids: Collection[UUID]) -> None:
    """Raises Refused: UnknownProduct, WrongState(NOT_STOCKED) for a dish or a service."""
    products = await catalog.products_by_id(session, tenant, ids)
    if unknown := set(ids) - {each.id for each in products}:
        raise unknown_products(unknown)
    if any(each.kind != "GOODS" for each in products):
        raise Refused(WrongState(WrongStateReason.NOT_STOCKED))


async def refuse_overlap(unit: Unit, row: Stocktake) -> None:
    """Raises Refused(WrongState) if another open stocktake of the store counts one of its products.

    The scopes of the store are locked.
    """
    other = await rows.overlapping(unit, row)
    if other is not None:
        raise Refused(WrongState(WrongStateReason.OVERLAPS, document_id=other))


async def get_stocktake(reads: Reads, viewer: Viewer, can: Can, id: UUID) -> Stocktake:
    """A stocktake of a store this permission reaches. Raises Refused(UnknownStocktake)."""
    async with reads.read(viewer.tenant) as session:
        stocktakes = await rows.stocktakes_by_id(session, viewer.tenant, [id])
    return reached(viewer, can, stocktakes[0] if stocktakes else None, id)


def reached(viewer: Viewer, can: Can, row: Stocktake | None, id: UUID) -> Stocktake:
    """The stocktake with this id, if this permission reaches its store.

    Raises Refused(UnknownStocktake).
    """
    if row is None or not access.within(viewer, can, [row.store_id]):
        raise Refused(UnknownStocktake(str(id)))
    return row


def require_state(row: Stocktake, *states: str) -> None:
    """Raises Refused(WrongState) with the state of the stocktake when it is another one."""
    if row.state not in states:
        raise Refused(WrongState(WrongStateReason[row.state]))


async def review(db: Database, viewer: Viewer, key: UUID, stocktake_id: UUID) -> Stocktake:
    """Ends counting: from now on lines are only recounted, confirmed and explained.

    Raises Refused: UnknownStocktake, WrongState.
    """
    row = await get_stocktake(db, viewer, Can.RUN_STOCKTAKES, stocktake_id)

    async def work(unit: Unit, row: Stocktake) -> None:
        require_state(row, "OPEN")
        row.state, row.reviewed_by, row.reviewed_at = "REVIEW", viewer.actor, unit.now

    request = ("reviewStocktake", row.id)
    return await change_document(
        db, viewer.claimant, key, row, request, rows.locked_stocktake, work
    )


async def cancel(db: Database, viewer: Viewer, key: UUID, stocktake_id: UUID) -> Stocktake:
    """Cancels a stocktake that is not closed: nothing is posted.

    Raises Refused: UnknownStocktake, WrongState.
    """
    row = await get_stocktake(db, viewer, Can.RUN_STOCKTAKES, stocktake_id)

    async def work(unit: Unit, row: Stocktake) -> None:
        require_state(row, "OPEN", "REVIEW")
        row.state, row.closed_by, row.closed_at = "CANCELLED", viewer.actor, unit.now

    request = ("cancelStocktake", row.id)
    return await change_document(
        db, viewer.claimant, key, row, request, rows.locked_stocktake, work
    )


async def get_line(db: Database, viewer: Viewer, line_id: UUID) -> tuple[Stocktake, StocktakeLine]:
    """A line and its stocktake, in a store where the viewer runs stocktakes.

    Raises Refused(UnknownStocktake).
    """
    async with db.read(viewer.tenant) as session:
        line = await rows.line_by_id(session, viewer.tenant, line_id)
    if line is None:
        raise Refused(UnknownStocktake(str(line_id)))
    return await get_stocktake(db, viewer, Can.RUN_STOCKTAKES, line.stocktake_id), line


async def explain(
    db: Database, viewer: Viewer, key: UUID, line_id: UUID, reason: str, note: str | None
) -> Stocktake:
    """Says why a line differs. A later explanation replaces an earlier one.

    Raises Refused: UnknownStocktake, WrongState.
    """
    reason = clean(reason, "reason", 200, required=True)
    note = clean(note, "note", 500, lines=True)
    row, line = await get_line(db, viewer, line_id)

    async def work(unit: Unit, row: Stocktake) -> None:
        require_state(row, "OPEN", "REVIEW")
        [locked] = await rows.lines_of(unit.session, unit.tenant, [row.id], [line.product_id])
        locked.reason, locked.note, locked.explained_by = reason, note, viewer.actor

    request = ("explainVariance", line_id, reason, note)
    return await change_document(
        db, viewer.claimant, key, row, request, rows.locked_stocktake, work
    )


async def set_rules(
    db: Database,
    viewer: Viewer,
    key: UUID,
    recount_value: int | None,
    recount_percent: int | None,
    reason_value: int | None,
) -> StocktakeRules:
    """The rules of the chain from now on; values in 1/10000 yuan, None: never."""
    if recount_percent is not None and not 0 <= recount_percent <= 1000:
        raise Malformed(
            "recountPercent", "百分比须为 0 至 1000", "Give a percentage from 0 to 1000."
        )
    values = {
        "recount_value": recount_value,
        "recount_percent": recount_percent,
        "reason_value": reason_value,
    }
    async with db.unit(viewer.tenant) as unit:
        request = ("setStocktakeRules", *values.values())
        if await claim(unit, viewer.claimant, key, viewer.tenant, *request) is None:
            await rows.put_rules(unit, **values, set_by=viewer.actor, set_at=unit.now)
            act = Act.SET_STOCKTAKE_RULES, Subject.CHAIN, viewer.tenant
            await record_act(unit, viewer, *act, amount=recount_value)
    return await rules(db, viewer.tenant)


async def rules(reads: Reads, tenant: UUID) -> StocktakeRules:
    """When a variance needs a recount or a reason; never, until it is set."""
    async with reads.read(tenant) as session:
        return await rows.rules(session, tenant) or StocktakeRules(tenant_id=tenant)
