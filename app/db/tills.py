"""Tills of stores."""

from collections.abc import Collection, Sequence
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert

from app.db.core.snapshot import AnySession
from app.db.core.statement import among
from app.db.core.unit import Unit
from app.db.tables import Till


async def tills_by_id(session: AnySession, tenant: UUID, ids: Collection[UUID]) -> Sequence[Till]:
    query = select(Till).where(Till.tenant_id == tenant, among(Till.id, ids))
    return (await session.scalars(query)).all()


async def tills_of(session: AnySession, tenant: UUID, stores: Collection[UUID]) -> Sequence[Till]:
    """The tills of these stores, by store and device; retired ones too."""
    query = select(Till).where(Till.tenant_id == tenant, among(Till.store_id, stores))
    return (await session.scalars(query.order_by(Till.store_id, Till.device_id))).all()


async def tills_in_use(
    session: AnySession, tenant: UUID, stores: Collection[UUID]
) -> Sequence[Till]:
    """The tills of these stores that are not retired."""
    return [till for till in await tills_of(session, tenant, stores) if till.retired_at is None]


async def write(unit: Unit, till: Till) -> None:
    """Write the till. An existing one with its id gets the new name and is no longer retired."""
    await unit.session.execute(
        insert(Till)
        .values(
            tenant_id=unit.tenant,
            id=till.id,
            store_id=till.store_id,
            device_id=till.device_id,
            name=till.name,
            registered_by=till.registered_by,
            seen_at=unit.now,
        )
        .on_conflict_do_update(
            index_elements=["tenant_id", "id"],
            set_={"name": till.name, "retired_at": None, "seen_at": unit.now},
        )
    )


async def note_seen(unit: Unit, tills: Collection[UUID]) -> None:
    """Set `seen_at` of these tills to now."""
    await unit.session.execute(
        update(Till)
        .where(Till.tenant_id == unit.tenant, among(Till.id, sorted(tills)))
        .values(seen_at=unit.now)
        .execution_options(synchronize_session=False)
    )


async def locked_till(unit: Unit, id: UUID) -> Till | None:
    """The till, locked for a change; sales of the till do not wait for the lock."""
    lock = {"key_share": True}
    return await unit.session.get(Till, (unit.tenant, id), with_for_update=lock)
