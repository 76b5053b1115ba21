"""Batches: the one that comes in with a line, those that a line names, and what has expired."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import groupby
from uuid import UUID, uuid5

from app.db import batches as rows
from app.db.batches import ArrivingBatch
from app.db.core.snapshot import AnySession
from app.db.core.unit import Database, clock
from app.db.tables import BatchLevel, Product
from app.domain.catalog.codes import Code
from app.domain.claims import fingerprint_of
from app.domain.errors import Malformed, Refused, UnknownBatch
from app.domain.ledger.draft import SYSTEM_ACTOR, Draft, Line, Place, batch_id
from app.domain.rules.fefo import NEVER
from app.domain.rules.kinds import Kind
from app.domain.rules.units import from_base

MOST_LINES = 500
FURTHEST_DAYS = 3650


@dataclass(frozen=True, slots=True)
class BatchTerms:
    """Batch data of an arriving line, from the line and its code; texts are cleaned."""

    number: str | None
    supplier: str | None
    produced_on: date | None
    expires_on: date | None
    unit_cost: int | None


def arriving_batch(
    product: Product, terms: BatchTerms, today: date, moment: datetime
) -> ArrivingBatch | None:
    """The batch that comes in; None for a product that keeps no batches.

    Without an expiry it expires after the product's shelf life, counted from the day it was
    produced or from `today`. Raises Malformed for impossible dates, and for batch details of a
    product that keeps no batches.
    """
    produced_on, expires_on = terms.produced_on, terms.expires_on
    if not product.tracks_batches:
        if terms.number or terms.supplier or produced_on or expires_on:
            raise _keeps_no_batches(product, "batchNo")
        return None
    if produced_on and produced_on > today + timedelta(days=1):
        raise Malformed(
            "producedOn", "生产日期不能晚于今天", "The production date lies in the future."
        )
    if produced_on and expires_on and expires_on < produced_on:
        raise Malformed(
            "expiresOn",
            "到期日不能早于生产日期",
            "The expiry date lies before the production date.",
        )
    if expires_on is None and product.shelf_life_days is not None:
        expires_on = (produced_on or today) + timedelta(days=product.shelf_life_days)
    expires_on = expires_on or NEVER
    number = terms.number or ""
    return ArrivingBatch(
        batch_id(product.id, number, expires_on),
        product.id,
        number,
        expires_on,
        produced_on,
        terms.supplier,
        terms.unit_cost,
        moment,
    )


async def named_batches(
    session: AnySession,
    tenant: UUID,
    product: Product,
    number: str | None,
    expires_on: date | None,
) -> tuple[UUID, ...]:
    """The product's batches with this number, this expiry, or both.

    Raises Refused(UnknownBatch), Malformed for a product that keeps no batches.
    """
    field = "expiresOn" if number is None else "batchNo"
    if not product.tracks_batches:
        raise _keeps_no_batches(product, field)
    batches = await rows.matching(session, tenant, product.id, number, expires_on)
    if not batches:
        raise Refused(UnknownBatch(product.id, number or "", expires_on, path=(field,)))
    return tuple(batches)


def _keeps_no_batches(product: Product, field: str) -> Malformed:
    return Malformed(
        field,
        f"商品 {product.sku} 不按批次管理，请不要填写批号和日期",
        f"Product {product.sku} does not track batches: give no batch number or dates.",
    )


async def scanned_batches(
    session: AnySession, tenant: UUID, product: UUID, code: Code
) -> tuple[UUID, ...] | None:
    """The batches that a code means: of its number and expiry, else of its number.

    None for any, where neither was ever received.
    """
    number, expires_on = code.batch, code.expires_on
    if number is None and expires_on is None:
        return None
    batches = await rows.matching(session, tenant, product, number, expires_on)
    if not batches and number is not None and expires_on is not None:
        batches = await rows.matching(session, tenant, product, number, None)
    return tuple(batches) or None


def check_days(days: int | None) -> None:
    """Raises Malformed for days to expiry out of bounds."""
    if days is not None and not 0 <= days <= FURTHEST_DAYS:
        raise Malformed(
            "expiringWithinDays",
            f"到期天数须为 0 至 {FURTHEST_DAYS}",
            f"Days to expiry: give 0 to {FURTHEST_DAYS}.",
        )


async def expiring(db: Database, tenant: UUID) -> list[Draft]:
    """Drafts that take expired goods off the tenant's shelves, one for each store.

    The key is made of what is moved: a job that runs twice, or in two places, moves it once.
    """
    now = clock()
    async with db.read(tenant) as session:
        expired = await rows.expired(session, tenant, now)
    return [
        _expiry(store, list(of_store)[:MOST_LINES], now)
        for store, of_store in groupby(expired, lambda row: row[0].store_id)
    ]


def _expiry(store: UUID, expired: Sequence[tuple[BatchLevel, int]], now: datetime) -> Draft:
    source, target = Place(store, "shelf"), Place(store, "quarantine")
    lines = tuple(
        Line(
            level.product_id,
            from_base(level.shelf, scale),
            source,
            target,
            batches=(level.batch_id,),
        )
        for level, scale in expired
    )
    fingerprint = fingerprint_of(Kind.EXPIRE, store, lines)
    key = uuid5(store, f"{now:%Y-%m-%dT%H:%M} {fingerprint.hex()}")
    return Draft(Kind.EXPIRE, store, SYSTEM_ACTOR, key, lines, fingerprint, now, reason="过期下架")
