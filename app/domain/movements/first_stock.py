"""Opening stock of a new product, booked in the unit that creates the product."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from itertools import groupby
from operator import attrgetter
from uuid import UUID, uuid5

from app.db import identity
from app.db.core.unit import Unit
from app.db.levels import open_levels
from app.db.tables import Product
from app.domain import access
from app.domain.access import Can, Viewer
from app.domain.catalog.new_products import Stocking
from app.domain.claims import fingerprint_of
from app.domain.errors import Refused, WrongState, WrongStateReason
from app.domain.ledger.documents import post_movement
from app.domain.ledger.draft import Draft, Line, Place
from app.domain.ledger.post import touched_levels
from app.domain.movements.batches import BatchTerms, arriving_batch
from app.domain.paths import at_path
from app.domain.rules.days import store_day
from app.domain.rules.kinds import Kind
from app.domain.rules.texts import clean


@dataclass(frozen=True, slots=True)
class Opening:
    """Goods of a new product in a store; `quantity` is in its unit, `unit_cost` in 1/10000 yuan."""

    store: UUID
    quantity: Decimal
    unit_cost: int | None = None
    batch_no: str | None = None
    produced_on: date | None = None
    expires_on: date | None = None


def stocking(viewer: Viewer, key: UUID, openings: Sequence[Opening]) -> Stocking:
    """The function that books the goods, in one movement for each store.

    Raises Refused(UnknownStore). The function raises Refused for what the ledger refuses,
    Malformed for impossible batch details, and InvalidText.
    """
    for place, opening in enumerate(openings):
        with at_path("openingStock", str(place), "storeId"):
            access.at(viewer, Can.RECEIVE, opening.store)

    async def book(unit: Unit, product: Product) -> None:
        if openings and product.kind != "GOODS":
            reason = WrongStateReason.NOT_STOCKED
            raise Refused(WrongState(reason, path=("openingStock",)))
        ids = {opening.store for opening in openings}
        stores = await identity.stores_by_id(unit.session, unit.tenant, ids)
        days = {store.id: store_day(unit.now, store.timezone) for store in stores}
        lines: list[Line] = []
        for place, opening in enumerate(openings):
            with at_path("openingStock", str(place)):
                lines.append(_line(unit, product, opening, days[opening.store]))
        # In store order: levels are locked and feeds announced in it.
        lines.sort(key=attrgetter("target.store"))
        for store, of_store in groupby(lines, key=attrgetter("target.store")):
            draft = _draft(unit, viewer, uuid5(key, str(store)), store, tuple(of_store))
            await open_levels(unit, touched_levels([draft]))
            with at_path("openingStock"):
                await post_movement(unit, draft)

    return book


def _line(unit: Unit, product: Product, opening: Opening, today: date) -> Line:
    number = clean(opening.batch_no, "batchNo", 50)
    terms = BatchTerms(number, None, opening.produced_on, opening.expires_on, opening.unit_cost)
    arriving = arriving_batch(product, terms, today, unit.now)
    return Line(
        product.id,
        opening.quantity,
        Place(opening.store, "opening"),
        Place(opening.store, "shelf"),
        opening.unit_cost,
        batches=(arriving.id,) if arriving else None,
        arriving=arriving,
    )


def _draft(unit: Unit, viewer: Viewer, key: UUID, store: UUID, lines: tuple[Line, ...]) -> Draft:
    return Draft(
        Kind.OPENING,
        store,
        viewer.actor,
        key,
        lines,
        fingerprint_of(Kind.OPENING, store, key),
        unit.now,
        claimant=viewer.claimant,
    )
