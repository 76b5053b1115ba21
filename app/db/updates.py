"""The rows that changed since a moment: those stamped at or after it.

The stamp of levels and orders is the time of their store's change row; products have a row of their
own. Both are written at the end of a transaction, under a lock that is held until its commit.
`wait_for_commits` waits for these locks, so that a change which a later snapshot does not see yet
gets a later stamp.
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
"""How long changes are kept. A feed can resume this far back; for an earlier moment every row is
read."""
LONGEST_COMMIT = timedelta(seconds=60)
"""The longest time between the stamp of a transaction and its commit."""

WAIT = """
SELECT 1 FROM feeds WHERE tenant_id = '{tenant}' ORDER BY store_id FOR SHARE;
SELECT pg_advisory_xact_lock(hashtextextended('products {tenant}', 0))
"""


async def wait_for_commits(db: Database, tenant: UUID, snapshot: Snapshot) -> datetime:
    """Wait for the transactions that are committing now. Returns the moment up to which the
    snapshot sees all changes: now if it has not begun, LONGEST_COMMIT earlier if it has."""
    async with db.unit(tenant) as unit:
        await unit.raw.execute(WAIT.format(tenant=tenant))
        moment = await unit.raw.fetchval("SELECT clock_timestamp()")
    return moment - LONGEST_COMMIT if snapshot.begun else moment


def is_kept(since: datetime) -> bool:
    """Whether all changes since this moment are kept."""
    return since >= clock() - CHANGES_KEPT


def products_since(tenant: UUID, since: datetime) -> Any:
    """SQL: ids of the products that changed."""
    U = ProductUpdate
    return select(U.product_id).where(U.tenant_id == tenant, U.at >= since)


def levels_since(tenant: UUID, stores: Collection[UUID], since: datetime) -> Any:
    """SQL: (store, product) of the levels that changed, or had a hold that ended."""
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
    """SQL: ids of the orders that changed, or whose hold ended."""
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
