"""What changed since a moment: rows that a commit stamped at or after it.

Levels and orders are stamped by the change row of their store's feed, products by a row of their
own; both stamps are made at the end of a transaction, under a lock that ends with its commit.
`wait_for_commits` waits for these locks: what a later snapshot does not see is stamped later.
"""

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import and_, func, literal_column, select, union_all

from app.db.core.snapshot import Snapshot
from app.db.core.statement import among
from app.db.core.unit import Database, clock
from app.db.tables import Change, Entry, Movement, Order, ProductUpdate

CHANGES_KEPT = timedelta(days=7)
"""How far back changes are known: a feed resumes, and an earlier moment selects every row."""
LONGEST_COMMIT = timedelta(seconds=60)
"""No transaction is at its end for longer."""

WAIT = """
SELECT 1 FROM feeds WHERE tenant_id = '{tenant}' ORDER BY store_id FOR SHARE;
SELECT pg_advisory_xact_lock(hashtextextended('products {tenant}', 0))
"""


async def wait_for_commits(db: Database, tenant: UUID, snapshot: Snapshot) -> datetime:
    """Waits until what is being committed is visible; the moment before which the snapshot misses
    no change, if it begins afterwards. One that has begun gets an earlier moment."""
    async with db.unit(tenant) as unit:
        await unit.raw.execute(WAIT.format(tenant=tenant))
        moment = await unit.raw.fetchval("SELECT clock_timestamp()")
    return moment - LONGEST_COMMIT if snapshot.begun else moment


def is_kept(since: datetime) -> bool:
    """Whether the changes since this moment are kept."""
    return since >= clock() - CHANGES_KEPT


def products_since(tenant: UUID, since: datetime) -> Any:
    """SQL: ids of the products that changed."""
    U = ProductUpdate
    return select(U.product_id).where(U.tenant_id == tenant, U.at >= since)


def levels_since(tenant: UUID, stores: Collection[UUID], since: datetime) -> Any:
    """SQL: (store, product) of the levels that changed, or whose reservations ended by time."""
    C = Change
    touched = select(C.store_id, func.unnest(C.product_ids)).where(
        C.tenant_id == tenant, among(C.store_id, stores), C.at >= since
    )
    overdue = (
        select(Order.store_id, Entry.product_id)
        .join(
            Movement, and_(Movement.tenant_id == Order.tenant_id, Movement.document_id == Order.id)
        )
        .join(Entry, and_(Entry.tenant_id == tenant, Entry.movement_id == Movement.id))
        .where(*_overdue(tenant, stores, since))
    )
    return union_all(touched, overdue)


def orders_since(tenant: UUID, stores: Collection[UUID], since: datetime) -> Any:
    """SQL: ids of the orders that changed, or whose hold ended by time."""
    C = Change
    touched = select(func.unnest(C.document_ids)).where(
        C.tenant_id == tenant, among(C.store_id, stores), C.at >= since
    )
    return union_all(touched, select(Order.id).where(*_overdue(tenant, stores, since)))


def _overdue(tenant: UUID, stores: Collection[UUID], since: datetime) -> list[Any]:
    return [
        Order.tenant_id == tenant,
        among(Order.store_id, stores),
        Order.state == literal_column("'HELD'"),
        Order.expires_at >= since,
        Order.expires_at <= func.now(),
    ]
