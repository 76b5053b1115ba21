"""Rows of tenants, stores, staff, sessions and API keys: reads, and what units write."""

import asyncio
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from uuid import UUID, uuid4

from sqlalchemy import (
    ARRAY,
    ColumnElement,
    Select,
    Uuid,
    and_,
    any_,
    bindparam,
    delete,
    exists,
    func,
    or_,
    select,
    update,
)
from sqlalchemy.dialects.postgresql import insert

from app.db.core.paging import Span
from app.db.core.snapshot import AnySession, Reads
from app.db.core.statement import among, arrays, rows
from app.db.core.unit import Database, Unit
from app.db.tables import (
    ApiKey,
    Customer,
    Direction,
    Login,
    Session,
    Staff,
    StaffStore,
    Store,
    Tenant,
)


async def resolve_name(
    db: Database, kind: str, name: str, reads: Reads | None = None
) -> Direction | None:
    """The tenant and subject of a public name of a 'tenant', 'store' or 'shop'; letter case is
    ignored.

    A process keeps the names that exist: they are never changed or removed. Callers that arrive
    together share the read of a new one, unless `reads` gives their own snapshot.
    """
    key = kind, name.lower()
    if key not in db.names:
        if reads is None:
            places = await db.coalesce(_directions, None, [key])
        else:
            places = await _directions(reads, None, [key])
        db.names.update(places)
    return db.names.get(key)


async def _directions(
    reads: Reads, _: None, names: Collection[tuple[str, str]]
) -> dict[tuple[str, str], Direction]:
    values = arrays("names", ["kind", "name"], list(names))
    async with reads.read(None) as session:
        return {(row.kind, row.name): row for row in await session.scalars(BY_NAME, values)}


async def store_by_code(db: Database, reads: Reads, code: str) -> Store | None:
    """The store with this public code, in any tenant; letter case is ignored."""
    place = await resolve_name(db, "store", code, reads)
    if place is None:
        return None
    async with reads.read(place.tenant_id) as session:
        stores = await stores_by_id(session, place.tenant_id, [place.subject_id])
    return next(iter(stores), None)


D = Direction.__table__.c
NAMES = rows("names", D.kind, D.name)
BY_NAME = select(Direction).join(
    NAMES, and_(Direction.kind == NAMES.c.kind, Direction.name == NAMES.c.name)
)


MOST_ACCOUNTS = 5
"""Accounts of one login, in as many chains, that a sign-in without the chain's code tries."""


async def accounts(db: Database, login: str, tenant: UUID | None = None) -> list[Staff]:
    """The accounts with this login, the oldest first: of one chain, or the first MOST_ACCOUNTS of
    all."""
    query = select(Login).where(Login.login == login).order_by(Login.staff_id).limit(MOST_ACCOUNTS)
    if tenant is not None:
        query = query.where(Login.tenant_id == tenant)
    async with db.read(None) as session:
        places = [(row.tenant_id, row.staff_id) for row in await session.scalars(query)]

    async def account(tenant: UUID, staff: UUID) -> Staff | None:
        async with db.read(tenant) as session:
            return await staff_by_id(session, tenant, staff)

    # An unknown login is looked up in a tenant that does not exist, so that it takes the same time.
    read = await asyncio.gather(*(account(*each) for each in places or [(uuid4(), uuid4())]))
    return [each for each in read if each is not None and each.removed_at is None]


async def tenants(db: Database, kind: str = "store") -> Sequence[UUID]:
    """Every tenant that has a store, or a channel's shop."""
    query = select(Direction.tenant_id).where(Direction.kind == kind).distinct()
    async with db.read(None) as session:
        return (await session.scalars(query)).all()


async def tenants_by_id(
    session: AnySession, tenant: UUID, ids: Collection[UUID]
) -> dict[UUID, Tenant]:
    tenants = await session.scalars(select(Tenant).where(Tenant.tenant_id.in_(ids)))
    return {row.tenant_id: row for row in tenants if row.tenant_id == tenant}


STORES = (
    select(Store)
    .where(Store.tenant_id == bindparam("tenant"))
    .where(Store.id == any_(bindparam("ids", type_=ARRAY(Uuid()))))
    .order_by(Store.code)
)


async def stores_by_id(session: AnySession, tenant: UUID, ids: Collection[UUID]) -> Sequence[Store]:
    return (await session.scalars(STORES, {"tenant": tenant, "ids": list(ids)})).all()


async def actors_by_id(
    session: AnySession, tenant: UUID, ids: Collection[UUID]
) -> list[Staff | ApiKey]:
    """Everyone who can act: staff, including removed staff, and API keys."""
    staff = await session.scalars(select(Staff).where(Staff.tenant_id == tenant, Staff.id.in_(ids)))
    keys = await session.scalars(
        select(ApiKey).where(ApiKey.tenant_id == tenant, ApiKey.id.in_(ids))
    )
    return [*staff, *keys]


async def stores_of_staff(
    session: AnySession, tenant: UUID, ids: Collection[UUID]
) -> dict[UUID, list[Store]]:
    """The stores each of these people works in, in the order of their codes."""
    pairs = await session.execute(
        select(StaffStore.staff_id, Store)
        .join(Store, (Store.tenant_id == StaffStore.tenant_id) & (Store.id == StaffStore.store_id))
        .where(StaffStore.tenant_id == tenant, StaffStore.staff_id.in_(ids))
        .order_by(Store.code)
    )
    stores: dict[UUID, list[Store]] = {staff: [] for staff in ids}
    for staff, store in pairs:
        stores[staff].append(store)
    return stores


async def staff(
    session: AnySession,
    tenant: UUID,
    stores: Collection[UUID] | None,
    span: Span,
) -> Sequence[Staff]:
    """A page of the chain's staff, the newest account first. With `stores`: only cashiers who work
    in these stores and in no others."""
    query = select(Staff).where(Staff.tenant_id == tenant, Staff.removed_at.is_(None))
    if stores is not None:
        works = exists().where(
            StaffStore.tenant_id == Staff.tenant_id, StaffStore.staff_id == Staff.id
        )
        query = query.where(
            Staff.role == "CASHIER",
            works.where(among(StaffStore.store_id, stores)),
            ~works.where(~among(StaffStore.store_id, stores)),
        )
    return await span.scalars(session, query, Staff.id, newest=True)


async def api_keys(session: AnySession, tenant: UUID, span: Span) -> Sequence[ApiKey]:
    """A page of API keys, revoked ones too, the newest first."""
    query = select(ApiKey).where(ApiKey.tenant_id == tenant)
    return await span.scalars(session, query, ApiKey.id, newest=True)


@dataclass(frozen=True, slots=True)
class Admitted:
    """The actor and the rights of a session or an API key, as they are now."""

    actor: UUID
    name: str
    role: str
    scopes: frozenset[str] = frozenset()
    secret_hash: bytes = b""
    own: frozenset[UUID] = frozenset()


async def admitted(
    session: AnySession, tenant: UUID, sessions: Collection[UUID], keys: Collection[UUID]
) -> dict[UUID, Admitted]:
    """The sessions and API keys among these that are still valid, by id."""
    good: dict[UUID, Admitted] = {}
    if sessions:
        for id_, own, person, customer in await session.execute(_signed_in(tenant, sessions)):
            if customer is not None:
                good[id_] = Admitted(customer, "会员", "CUSTOMER")
            else:
                good[id_] = Admitted(person.id, person.name, person.role, own=frozenset(own))
    if keys:
        for key in await session.scalars(
            select(ApiKey).where(
                ApiKey.tenant_id == tenant, ApiKey.id.in_(keys), ApiKey.revoked_at.is_(None)
            )
        ):
            scopes = frozenset(key.scopes)
            good[key.id] = Admitted(key.id, key.name, "INTEGRATOR", scopes, key.secret_hash)
    return good


def _signed_in(
    tenant: UUID, sessions: Collection[UUID]
) -> Select[UUID, Sequence[UUID], Staff, UUID | None]:
    own = select(StaffStore.store_id).where(
        StaffStore.tenant_id == tenant, StaffStore.staff_id == Staff.id
    )
    return (
        select(Session.id, func.array(own.scalar_subquery(), type_=ARRAY(Uuid())), Staff)
        .add_columns(Session.customer_id)
        .outerjoin(Staff, OF_STAFF)
        .outerjoin(Customer, OF_CUSTOMER)
        .where(
            Session.tenant_id == tenant,
            Session.id.in_(sessions),
            Session.ended_at.is_(None),
            Session.expires_at > func.now(),
            ACTIVE,
        )
    )


OF_STAFF = and_(Staff.tenant_id == Session.tenant_id, Staff.id == Session.staff_id)
OF_CUSTOMER = and_(Customer.tenant_id == Session.tenant_id, Customer.id == Session.customer_id)
ACTIVE = and_(Staff.removed_at.is_(None), Customer.erased_at.is_(None))
"""The account behind a session is neither removed nor erased."""


def _of(account: UUID) -> ColumnElement[bool]:
    return or_(Session.staff_id == account, Session.customer_id == account)


async def store_ids(session: AnySession, tenant: UUID) -> frozenset[UUID]:
    """Every store of the tenant."""
    return frozenset(await session.scalars(select(Store.id).where(Store.tenant_id == tenant)))


async def staff_by_id(session: AnySession, tenant: UUID, id: UUID) -> Staff | None:
    return await session.get(Staff, (tenant, id))


async def reserve_name(unit: Unit, kind: str, name: str, subject: UUID) -> bool:
    """Reserves a public name for the subject; False if another subject has it."""
    put = insert(Direction).values(kind=kind, name=name, tenant_id=unit.tenant, subject_id=subject)
    put = put.on_conflict_do_nothing().returning(Direction.subject_id)
    return await unit.session.scalar(put) is not None


async def add_login(unit: Unit, login: str, staff: UUID) -> bool:
    """Adds the login of a person; False if another person of the chain has it."""
    put = insert(Login).values(tenant_id=unit.tenant, login=login, staff_id=staff)
    put = put.on_conflict_do_nothing().returning(Login.staff_id)
    return await unit.session.scalar(put) is not None


async def locked_staff(unit: Unit, id: UUID) -> tuple[Staff | None, list[UUID]]:
    """The person, locked, None if removed; and the ids of the owners, locked first and in order.

    Every change of a role takes these locks, so two owners cannot remove each other.
    """
    owners = await unit.session.scalars(
        select(Staff.id)
        .where(Staff.tenant_id == unit.tenant, Staff.role == "OWNER", Staff.removed_at.is_(None))
        .order_by(Staff.id)
        .with_for_update()
    )
    owner_ids = list(owners.all())
    person = await unit.session.scalar(
        select(Staff)
        .where(Staff.tenant_id == unit.tenant, Staff.id == id, Staff.removed_at.is_(None))
        .with_for_update()
    )
    return person, owner_ids


async def assign(unit: Unit, staff: UUID, stores: Collection[UUID]) -> None:
    """Makes these the stores the person works in."""
    await unit.session.execute(
        delete(StaffStore).where(StaffStore.tenant_id == unit.tenant, StaffStore.staff_id == staff)
    )
    unit.session.add_all(
        StaffStore(tenant_id=unit.tenant, staff_id=staff, store_id=store) for store in stores
    )
    await unit.session.flush()


async def dismiss(unit: Unit, person: Staff) -> None:
    """Removes a person: their sessions end, and their login is free again."""
    person.removed_at = unit.now
    await end_sessions(unit, person.id)
    await unit.session.execute(
        delete(Login).where(Login.tenant_id == unit.tenant, Login.staff_id == person.id)
    )


async def clear_sessions(unit: Unit, account: UUID) -> None:
    """Deletes the account's ended sessions; to a client they look like unknown ones."""
    await unit.session.execute(
        delete(Session)
        .where(Session.tenant_id == unit.tenant, _of(account))
        .where(Session.ended_at.is_not(None) | (Session.expires_at < unit.now))
    )


async def end_sessions(unit: Unit, account: UUID, but: UUID | None = None) -> None:
    """Ends the account's sessions, all `but` this one."""
    ending = (
        update(Session)
        .where(Session.tenant_id == unit.tenant, _of(account))
        .where(Session.ended_at.is_(None))
    )
    if but is not None:
        ending = ending.where(Session.id != but)
    await unit.session.execute(ending.values(ended_at=unit.now))


async def sessions_of(
    session: AnySession, tenant: UUID, account: UUID | None, span: Span
) -> Sequence[Session]:
    """A page of the account's sessions that are open, the newest first; none without one."""
    if account is None:
        return []
    query = (
        select(Session)
        .where(Session.tenant_id == tenant, _of(account))
        .where(Session.ended_at.is_(None), Session.expires_at > func.now())
    )
    return await span.scalars(session, query, Session.id, newest=True)


async def session_by_id(unit: Unit, id: UUID) -> Session | None:
    """A session, locked, even if it has ended."""
    return await unit.session.get(Session, (unit.tenant, id), with_for_update=True)


async def locked_session(unit: Unit, id: UUID) -> Session | None:
    """A session that is still valid, locked."""
    return await unit.session.scalar(
        select(Session)
        .outerjoin(Staff, OF_STAFF)
        .outerjoin(Customer, OF_CUSTOMER)
        .where(Session.tenant_id == unit.tenant, Session.id == id)
        .where(Session.ended_at.is_(None), Session.expires_at > unit.now, ACTIVE)
        .with_for_update(of=Session)
    )


async def locked_store(unit: Unit, id: UUID) -> Store | None:
    return await unit.session.get(Store, (unit.tenant, id), with_for_update=True)


async def locked_tenant(unit: Unit) -> Tenant:
    return await unit.session.get_one(Tenant, unit.tenant, with_for_update=True)


async def serialize(unit: Unit, store: UUID) -> None:
    """Waits for other updates of the store; inserts that refer to it do not wait."""
    query = select(Store.id).where(Store.tenant_id == unit.tenant, Store.id == store)
    await unit.session.execute(query.with_for_update(key_share=True))


async def locked_api_key(unit: Unit, id: UUID) -> ApiKey | None:
    return await unit.session.get(ApiKey, (unit.tenant, id), with_for_update=True)


async def has_tenants(db: Database) -> bool:
    """Whether there is any tenant: each has a store."""
    async with db.read(None) as session:
        return await session.scalar(select(Direction.name).limit(1)) is not None


SCALE_LABELS = select(Store.scale_labels).where(
    Store.tenant_id == bindparam("tenant"), Store.id == bindparam("store")
)


async def scale_labels(session: AnySession, tenant: UUID, store: UUID) -> list[str]:
    """The layouts of the labels that the store's scales print."""
    return await session.scalar(SCALE_LABELS, {"tenant": tenant, "store": store}) or []
