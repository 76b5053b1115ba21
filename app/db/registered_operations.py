"""Documents that tenants registered: read by their hash, listed, written and deleted."""

from collections.abc import Collection, Sequence
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import delete, func, select

from app.db.core.paging import Span
from app.db.core.snapshot import AnySession
from app.db.core.unit import Database, Unit
from app.db.tables import RegisteredOperation

R = RegisteredOperation


class RegisteredText(NamedTuple):
    """The text of a registered document, and whether guests may run it."""

    text: str
    for_guests: bool


async def texts_by_hash(
    db: Database, tenant: UUID | None, hashes: Collection[str]
) -> dict[str, RegisteredText]:
    """The documents of a tenant with these hashes. Without a tenant: those that any tenant
    registered for guests."""
    mine = R.for_guests if tenant is None else R.tenant_id == tenant
    query = select(R.text, R.for_guests).where(mine).limit(1)
    texts: dict[str, RegisteredText] = {}
    async with db.read(tenant) as session:
        # Most of the time there is one: requests at once share the read.
        for name in hashes:
            row = (await session.execute(query.where(R.sha256 == name))).first()
            if row is not None:
                texts[name] = RegisteredText(*row)
    return texts


async def operations(session: AnySession, tenant: UUID, span: Span) -> Sequence[R]:
    """A page of the tenant's documents, the newest first."""
    query = select(R).where(R.tenant_id == tenant)
    return await span.scalars(session, query, R.id, newest=True)


async def lock(unit: Unit) -> None:
    """Wait until no other unit registers documents of the tenant, and keep others from it."""
    name = f"registered operations {unit.tenant}"
    await unit.session.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(name, 0))))


async def operation_by_hash(unit: Unit, name: str) -> R | None:
    """The tenant's document with this hash, which the caller may change after `lock`."""
    query = select(R).where(R.tenant_id == unit.tenant, R.sha256 == name)
    return await unit.session.scalar(query)


async def count(unit: Unit) -> int:
    """The number of documents that the tenant has registered."""
    query = select(func.count()).where(R.tenant_id == unit.tenant)
    return await unit.session.scalar(query) or 0


async def remove(unit: Unit, name: str) -> UUID | None:
    """Delete the document with this hash. Returns its id; None if there is none."""
    mine = R.tenant_id == unit.tenant, R.sha256 == name
    return await unit.session.scalar(delete(R).where(*mine).returning(R.id))
