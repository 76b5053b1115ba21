"""The facts behind the texts and figures of alerts, read with the alerts in one query."""

from collections.abc import Collection
from datetime import date, timedelta
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import (
    Date,
    Integer,
    Uuid,
    and_,
    bindparam,
    case,
    cast,
    extract,
    func,
    literal,
    select,
)
from sqlalchemy.orm import aliased

from app.db import markdowns
from app.db.core.snapshot import AnySession
from app.db.core.statement import among
from app.db.days import first_id, store_day
from app.db.levels import Pair, bind_levels, level_keys
from app.db.tables import (
    Alert,
    Batch,
    BatchLevel,
    Entry,
    Level,
    Markdown,
    Product,
    PurchaseOrder,
    Staff,
    Store,
    Transfer,
    WriteOff,
)
from app.domain.rules.kinds import CONSUMING_BINS

E = Entry.__table__.c
TENANT = bindparam("tenant", type_=Uuid())
LATEST = 2000
"""The most entries of a level that `sold_lately` adds up."""


class AlertFacts(NamedTuple):
    """An alert with its product, batch, stock and document, as they are now.

    Quantities are in base units of `scale`; costs are in 1/10000 yuan, None if unknown. `days` is
    the number of days left until the last day of sale, or the expected arrival. `waiting_hours` is
    how long a document has waited, `origin` the store that a transfer comes from, or who requested
    a write-off. `markdown` is the percent off the batch's price.
    """

    id: UUID
    rule: str
    resolved: bool
    store_id: UUID
    product_id: UUID | None
    batch_id: UUID | None
    scale: int
    name: str
    unit: str
    quantity: int
    shelf: int
    in_batch: int
    batch: str
    days: int
    orders: int
    threshold: int
    tier: int | None
    cause: str
    number: str
    origin: str
    waiting_hours: int
    level_value: int | None
    batch_cost: int | None
    unit_cost: int | None
    cause_id: UUID | None
    category_id: UUID | None
    tracks_batches: bool
    for_sale: bool
    markdown: int | None

    @property
    def now(self) -> int:
        """The present stock of the alert's batch or product, in base units. The alert's own
        `quantity` if it is resolved or its rule does not count stock."""
        if self.resolved or self.rule in ("DISCREPANCY", "DISH_UNAVAILABLE", "AUDIT_DRIFT"):
            return self.quantity
        return self.in_batch if self.rule in ("NEAR_EXPIRY", "EXPIRED") else self.shelf


def _is_document(table: Any) -> Any:
    return and_(table.tenant_id == Alert.tenant_id, table.id == Alert.document_id)


A, P, B, H, L = Alert, Product, Batch, BatchLevel, Level
C, SENDER = aliased(Product), aliased(Store)
DAY, NEVER = func.coalesce(PurchaseOrder.expected_on, A.due_on), literal(date.max, Date())
HELD = case((A.rule == "EXPIRED", H.shelf + H.reserved + H.quarantine), else_=H.shelf)
SENT = func.coalesce(Transfer.shipped_at, Transfer.approved_at, Transfer.created_at)
WAITS = func.coalesce(WriteOff.requested_at, SENT, PurchaseOrder.ordered_at)
FACTS = (
    A.id,
    A.rule,
    A.state == "RESOLVED",
    A.store_id,
    A.product_id,
    A.batch_id,
    func.coalesce(A.scale, 1),
    func.coalesce(P.name, ""),
    func.coalesce(P.unit, ""),
    func.coalesce(A.quantity, 0),
    func.coalesce(L.shelf, 0),
    func.coalesce(HELD, 0),
    func.coalesce(B.number, ""),
    case((DAY == NEVER, 0), else_=DAY - store_day(Store.timezone, func.now())),
    func.cardinality(A.order_ids),
    func.coalesce(A.threshold, 0),
    A.tier,
    func.coalesce(C.name, ""),
    func.coalesce(PurchaseOrder.number, ""),
    func.coalesce(SENDER.name, Staff.name, ""),
    cast(func.coalesce(extract("epoch", func.now() - WAITS) / 3600, 0), Integer),
    L.value,
    B.unit_cost,
    L.unit_cost,
    A.cause_id,
    P.category_id,
    func.coalesce(P.tracks_batches, False),
    func.coalesce(P.for_sale, False),
    Markdown.percent,
)
"""The columns of `AlertFacts`, from the tables that `with_facts` joins."""


def with_facts(query: Any) -> Any:
    """A query from alerts, with `FACTS`. The alert's store and product are joined under their own
    names."""
    level = and_(L.tenant_id == A.tenant_id, L.store_id == A.store_id)
    here = and_(H.tenant_id == A.tenant_id, H.store_id == A.store_id, H.batch_id == A.batch_id)
    return (
        query.add_columns(*FACTS)
        .join(Store, and_(Store.tenant_id == A.tenant_id, Store.id == A.store_id))
        .outerjoin(P, and_(P.tenant_id == A.tenant_id, P.id == A.product_id))
        .outerjoin(C, and_(C.tenant_id == A.tenant_id, C.id == A.cause_id))
        .outerjoin(L, and_(level, L.product_id == A.product_id))
        .outerjoin(B, and_(B.tenant_id == A.tenant_id, B.id == A.batch_id))
        .outerjoin(H, and_(here, H.product_id == A.product_id, H.expires_on == A.due_on))
        .outerjoin(Markdown, markdowns.is_of(A.tenant_id, A))
        .outerjoin(WriteOff, _is_document(WriteOff))
        .outerjoin(Transfer, _is_document(Transfer))
        .outerjoin(PurchaseOrder, _is_document(PurchaseOrder))
        .outerjoin(SENDER, and_(SENDER.tenant_id == A.tenant_id, SENDER.id == Transfer.from_store))
        .outerjoin(Staff, and_(Staff.tenant_id == A.tenant_id, Staff.id == WriteOff.requested_by))
    )


async def alert_facts(
    session: AnySession, tenant: UUID, ids: Collection[UUID]
) -> dict[UUID, AlertFacts]:
    """The facts of these alerts, by their ids."""
    query = with_facts(select().select_from(A)).where(A.tenant_id == tenant, among(A.id, ids))
    rows = [AlertFacts(*row) for row in await session.execute(query)]
    return {row.id: row for row in rows}


async def sold_lately(
    session: AnySession, tenant: UUID, pairs: Collection[Pair], days: int
) -> dict[Pair, int]:
    """Base units that these levels sold or used in the last `days`, less what customers returned.

    Read from the newest entries of each level, through their indexes.
    """
    keys = level_keys()
    query = select(keys.c.store_id, keys.c.product_id, sold_of(keys, days))
    rows = await session.execute(query, {"tenant": tenant, **bind_levels(pairs)})
    return {(store, product): int(total) for store, product, total in rows}


def sold_of(keys: Any, days: int) -> Any:
    """SQL: base units that the level of a row of `keys` sold in the last `days`; see
    `sold_lately`."""
    since = first_id(func.now() - timedelta(days=days))
    left = _total(keys, E.from_store, E.from_seq, E.to_bin.in_(CONSUMING_BINS), since)
    returned = _total(keys, E.to_store, E.to_seq, E.from_bin == "customer", since)
    return func.greatest(left - returned, 0)


def _total(keys: Any, store: Any, seq: Any, counted: Any, since: Any) -> Any:
    """SQL: the sum of what counts among the latest entries of each level."""
    latest = (
        select(E.quantity, and_(counted, E.movement_id >= since).label("counts"))
        .where(E.tenant_id == TENANT, store == keys.c.store_id)
        .where(E.product_id == keys.c.product_id, seq.is_not(None))
        .order_by(seq.desc())
        .limit(LATEST)
        .correlate(keys)
        .lateral()
    )
    total = func.coalesce(func.sum(latest.c.quantity).filter(latest.c.counts), 0)
    return select(total).select_from(latest).correlate(keys).scalar_subquery()
