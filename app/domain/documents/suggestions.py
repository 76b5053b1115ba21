"""Suggested reasons of the lines of a stocktake that differ."""

from collections import defaultdict
from collections.abc import Collection
from datetime import timedelta
from uuid import UUID

from app.db import catalog, codes, history, units
from app.db.core.snapshot import AnySession
from app.db.core.unit import clock
from app.domain.documents.worksheet import worksheets
from app.domain.rules.variances import Difference, Fact, Suggestion, suggest

SINCE = timedelta(days=30)
"""How far back the ledger is searched for evidence."""


SHORT_SINCE = timedelta(days=90)
"""How far back short deliveries count for the next one."""


async def suggestions(
    session: AnySession, tenant: UUID, ids: Collection[UUID]
) -> dict[UUID, dict[UUID, Suggestion]]:
    """The suggestions for each of these stocktakes, by product."""
    by_stocktake: dict[UUID, dict[UUID, Suggestion]] = {}
    for id, sheet in (await worksheets(session, tenant, ids)).items():
        lines = [line for line in sheet.counted if line.differs]
        products = [line.product_id for line in lines]
        facts: dict[UUID, list[Fact]] = defaultdict(list)
        since = clock() - SINCE
        for product, *fact in await history.facts(session, tenant, sheet.store_id, products, since):
            facts[product].append(Fact(*fact))
        packs = await _packs(session, tenant, products)
        short = await history.short_products(
            session, tenant, sheet.store_id, products, clock() - SHORT_SINCE
        )
        named = {each.id: each for each in await catalog.products_by_id(session, tenant, products)}
        differences = [
            Difference(
                line.product_id,
                named[line.product_id].name,
                line.variance or 0,
                [part.variance for part in line.parts],
                {line.now.reserved, line.now.quarantine, line.now.reserved + line.now.quarantine},
                line.now.transit,
                {pack for pack in packs[line.product_id] if pack > max(1, line.scale)},
                facts[line.product_id],
                max(each.counted_at for each in line.counts).date(),
                line.product_id in short,
            )
            for line in lines
        ]
        reasons = {each.product_id: suggest(each, differences) for each in differences}
        by_stocktake[id] = {product: reason for product, reason in reasons.items() if reason}
    return by_stocktake


async def _packs(
    session: AnySession, tenant: UUID, products: Collection[UUID]
) -> dict[UUID, set[int]]:
    """The sizes of each product's packs and units, in base units."""
    packs: dict[UUID, set[int]] = defaultdict(set)
    for barcode in await codes.barcodes_of(session, tenant, products):
        packs[barcode.product_id].add(barcode.pack_quantity or 0)
    for unit in await units.units_of(session, tenant, products):
        packs[unit.product_id].add(unit.size)
    return packs
