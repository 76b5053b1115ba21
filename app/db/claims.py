"""Clients' keys, claimed in the transaction of the effect they stand for (I5)."""

from collections.abc import Collection
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from app.db.core.snapshot import AnySession
from app.db.core.statement import among
from app.db.core.unit import Unit
from app.db.tables import Request


async def claimed(
    unit: Unit, claimant: UUID, key: UUID, fingerprint: bytes, result_id: UUID
) -> Request | None:
    """Claim the key for `result_id`. Returns None, or the earlier claim if the key is claimed
    already.

    Waits for a transaction that is claiming the same key: if that rolls back, the key is free.
    """
    fresh = await unit.session.scalar(
        insert(Request)
        .values(
            tenant_id=unit.tenant,
            actor_id=claimant,
            key=key,
            fingerprint=fingerprint,
            result_id=result_id,
        )
        .on_conflict_do_nothing()
        .returning(Request.result_id)
    )
    if fresh is not None:
        return None
    # READ COMMITTED: this statement sees what the insert has waited for.
    return await claim_of(unit.session, unit.tenant, claimant, key)


async def claim_of(session: AnySession, tenant: UUID, claimant: UUID, key: UUID) -> Request | None:
    """The claim of a key; None when it is free."""
    query = select(Request).where(
        Request.tenant_id == tenant, Request.actor_id == claimant, Request.key == key
    )
    return await session.scalar(query)


async def used_keys(
    session: AnySession, tenant: UUID, claimant: UUID, keys: Collection[UUID]
) -> set[UUID]:
    """Those of these keys that are claimed."""
    query = select(Request.key).where(
        Request.tenant_id == tenant, Request.actor_id == claimant, among(Request.key, keys)
    )
    return set(await session.scalars(query))
