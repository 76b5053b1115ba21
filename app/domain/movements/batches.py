"""Use cases of the batches topic: which batch a line means, and what comes in with it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from itertools import groupby
from typing import Any, Protocol
from uuid import UUID, uuid5

from app.db import batches as rows
from app.db import catalog, identity
from app.db.batches import ArrivingBatch as Arriving
from app.db.core.unit import Database, clock
from app.db.tables import Product
from app.domain.catalog.codes import Code
from app.domain.claims import fingerprint_of
from app.domain.errors import Malformed, Refused, UnknownBatch
from app.domain.ledger.draft import NOBODY, Draft, Line, Place, batch_id
from app.domain.rules.days import store_day
from app.domain.rules.fefo import NEVER
from app.domain.rules.kinds import Kind
from app.domain.rules.texts import clean
from app.domain.rules.units import from_base

MOST_LINES = 500


class LineRequest(Protocol):
    """A line as a client sends it: a product or a code, a quantity (in `unit`) or packs.

    Some lines say more: see `SAID`.
    """

    @property
    def product_id(self) -> UUID | None: ...
    @property
    def code(self) -> str | None: ...
    @property
    def quantity(self) -> Decimal | None: ...
    @property
    def packs(self) -> Decimal | None: ...
    @property
    def unit(self) -> str | None: ...


SAID = ("unit_cost", "expected_version", "batch_no", "expires_on", "produced_on", "supplier")
ARRIVING = ("supplier", "opening", "kitchen")
"""Where goods come from that make a batch of their own."""


@dataclass(frozen=True, slots=True)
class Scanned:
    """A line whose code told more than its product; what the client says itself comes first."""

    product_id: UUID
    code: str | None
    quantity: Decimal
    packs: Decimal | None
    unit: str | None
    unit_cost: int | None
    expected_version: int | None
    batch_no: str | None
    expires_on: date | None
    produced_on: date | None
    supplier: str | None


Resolved = tuple[LineRequest, UUID, Decimal]
Told = tuple[tuple[UUID, ...] | None, Arriving | None]
UNTOLD: Told = (None, None)


async def resolve_batches(
    db: Database,
    tenant: UUID,
    store: UUID,
    lines: Sequence[Resolved],
    source: str,
    moment: datetime,
) -> list[Told]:
    """For each line the batches it names, and the one that comes in with it.

    Raises Refused(UnknownBatch) for a number nobody received, Malformed for what is told of a
    product that keeps no batches.
    """
    arriving = source in ARRIVING
    if not arriving and all(getattr(line, "batch_no", None) is None for line, _, _ in lines):
        return [UNTOLD] * len(lines)
    async with db.read(tenant) as session:
        ids = [product for _, product, _ in lines]
        products = {row.id: row for row in await catalog.products_by_id(session, tenant, ids)}
        if arriving:
            zones = await identity.stores_by_id(session, tenant, [store])
            today = store_day(moment, zones[0].timezone if zones else "UTC")
            return [
                _arrival(line, products.get(product), today, moment) for line, product, _ in lines
            ]
        return [
            await _named(session, tenant, line, products.get(product)) for line, product, _ in lines
        ]


async def scanned(
    session: Any,
    tenant: UUID,
    line: LineRequest,
    code: Code,
    product: Product,
    quantity: Decimal,
    arriving: bool,
) -> LineRequest:
    """The line with what its code told of the batch.

    What leaves is of that batch only when it was ever received by this number: a till sells
    what the customer holds in her hand.
    """
    said = {name: getattr(line, name, None) for name in SAID}
    if product.tracks_batches:
        known = arriving or (
            code.batch and await rows.by_number(session, tenant, product.id, code.batch)
        )
        said["batch_no"] = said["batch_no"] or (code.batch if known else None)
        if arriving:
            said["expires_on"] = said["expires_on"] or code.expires_on
            said["produced_on"] = said["produced_on"] or code.produced_on
    return Scanned(product.id, line.code, quantity, line.packs, line.unit, **said)


def _arrival(line: LineRequest, product: Product | None, today: date, moment: datetime) -> Told:
    said = {name: getattr(line, name, None) for name in SAID}
    number = clean(said["batch_no"], "batchNo", 50)
    supplier = clean(said["supplier"], "supplier", 100)
    made, until = said["produced_on"], said["expires_on"]
    if product is None:
        return UNTOLD
    if not product.tracks_batches:
        if number or supplier or made or until:
            raise Malformed(f"batchNo: {product.sku} keeps no batches: see tracksBatches")
        return UNTOLD
    if made and made > today + timedelta(days=1):
        raise Malformed("producedOn lies in the future")
    if made and until and until < made:
        raise Malformed("expiresOn lies before producedOn")
    if until is None and product.shelf_life_days is not None:
        until = (made or today) + timedelta(days=product.shelf_life_days)
    until = until or NEVER
    cost = said["unit_cost"]
    name = number or ""
    id = batch_id(product.id, name, until)
    return (id,), Arriving(id, product.id, name, until, made, supplier, cost, moment)


async def _named(session: Any, tenant: UUID, line: LineRequest, product: Product | None) -> Told:
    number = clean(getattr(line, "batch_no", None), "batchNo", 50)
    if number is None or product is None:
        return UNTOLD
    if not product.tracks_batches:
        raise Malformed(f"batchNo: {product.sku} keeps no batches: see tracksBatches")
    found = await rows.by_number(session, tenant, product.id, number)
    if not found:
        raise Refused(UnknownBatch(product.id, number))
    return tuple(found), None


async def expiring(db: Database, tenant: UUID) -> list[Draft]:
    """Drafts that take what has expired off the tenant's shelves, store by store.

    The key says what is moved, so that a job that runs twice, or at two places, moves it once.
    """
    now = clock()
    async with db.read(tenant) as session:
        found = await rows.expired(session, tenant, now)
    return [
        _expiry(store, list(of_store)[:MOST_LINES], now)
        for store, of_store in groupby(found, lambda row: row[0].store_id)
    ]


def _expiry(store: UUID, found: Sequence[Any], now: datetime) -> Draft:
    source, target = Place(store, "shelf"), Place(store, "quarantine")
    lines = tuple(
        Line(
            held.product_id,
            from_base(held.shelf, scale),
            source,
            target,
            batches=(held.batch_id,),
        )
        for held, scale in found
    )
    fingerprint = fingerprint_of(Kind.EXPIRE, store, lines)
    key = uuid5(store, f"{now:%Y-%m-%dT%H:%M} {fingerprint.hex()}")
    return Draft(Kind.EXPIRE, store, NOBODY, key, lines, fingerprint, now, reason="过期下架")
