"""Customers with an account, and the mini-programs of a chain."""

from collections.abc import Collection, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import or_, select
from sqlalchemy.dialects.postgresql import insert

from app.db.core.paging import Span
from app.db.core.snapshot import AnySession
from app.db.core.statement import among
from app.db.core.unit import Unit
from app.db.tables import Customer, MiniApp, Order, Pass


async def mini_apps(session: AnySession, tenant: UUID) -> Sequence[MiniApp]:
    """The chain's mini-programs, by channel."""
    query = select(MiniApp).where(MiniApp.tenant_id == tenant).order_by(MiniApp.channel)
    return (await session.scalars(query)).all()


async def put_mini_app(unit: Unit, app: MiniApp) -> None:
    """Write the mini-program of its channel; it replaces the former one."""
    values: dict[str, Any] = {
        "app_id": app.app_id,
        "sealed_secret": app.sealed_secret,
        "sealed_phone_key": app.sealed_phone_key,
        "set_by": app.set_by,
        "set_at": unit.now,
    }
    put = insert(MiniApp).values(tenant_id=unit.tenant, channel=app.channel, **values)
    keys = [MiniApp.tenant_id, MiniApp.channel]
    await unit.session.execute(put.on_conflict_do_update(index_elements=keys, set_=values))


async def add_customer(unit: Unit, customer: Customer) -> None:
    """Writes a customer, unless one with this identity exists."""
    values = {
        "tenant_id": unit.tenant,
        "id": customer.id,
        "channel": customer.channel,
        "sealed_identity": customer.sealed_identity,
        "identity_index": customer.identity_index,
    }
    await unit.session.execute(insert(Customer).values(values).on_conflict_do_nothing())


async def locked_customer(unit: Unit, indexes: Collection[bytes]) -> Customer | None:
    """The customer with this identity, locked; `indexes` has the blind index under each key."""
    query = select(Customer).where(Customer.tenant_id == unit.tenant)
    query = query.where(among(Customer.identity_index, indexes))
    return await unit.session.scalar(query.order_by(Customer.id).limit(1).with_for_update())


async def customer_by_id(session: AnySession, tenant: UUID, id: UUID) -> Customer | None:
    return await session.get(Customer, (tenant, id))


async def customer_to_change(unit: Unit, id: UUID) -> Customer | None:
    """The customer, locked, unless erased."""
    query = select(Customer).where(Customer.tenant_id == unit.tenant, Customer.id == id)
    return await unit.session.scalar(query.where(Customer.erased_at.is_(None)).with_for_update())


async def customers_of_phone(unit: Unit, indexes: Collection[bytes]) -> Sequence[Customer]:
    """The customers who bound this phone number, locked."""
    query = select(Customer).where(Customer.tenant_id == unit.tenant)
    query = query.where(among(Customer.phone_index, indexes)).order_by(Customer.id)
    return (await unit.session.scalars(query.with_for_update())).all()


async def sealed_by_others(unit: Unit, kid: bytes, after: UUID, limit: int) -> Sequence[Customer]:
    """Customers who were sealed with another key, locked, by id; busy rows are left out."""
    others = or_(Customer.identity_index < kid, Customer.identity_index >= kid + b"\xff" * 32)
    query = (
        select(Customer)
        .where(Customer.tenant_id == unit.tenant, Customer.id > after, others)
        .order_by(Customer.id)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    return (await unit.session.scalars(query)).all()


async def orders_of(
    session: AnySession,
    tenant: UUID,
    customer: UUID,
    phone: Collection[bytes],
    span: Span,
) -> Sequence[Order]:
    """A page of the orders that the customer placed, or that name their phone number, the newest
    first."""
    query = select(Order).where(Order.tenant_id == tenant)
    query = query.where(or_(Order.placed_by == customer, among(Order.contact_index, phone)))
    return await span.scalars(session, query, Order.id, newest=True)


async def passes_of(
    session: AnySession,
    tenant: UUID,
    customer: UUID,
    phone: Collection[bytes],
    span: Span,
) -> Sequence[Pass]:
    """A page of the passes that the customer bought, or that name their phone number, the newest
    first."""
    query = select(Pass).where(Pass.tenant_id == tenant)
    query = query.where(or_(Pass.customer_id == customer, among(Pass.contact_index, phone)))
    return await span.scalars(session, query, Pass.id, newest=True)


async def owned_by(unit: Unit, customer: UUID) -> tuple[list[UUID], list[UUID]]:
    """The ids of the orders that the customer placed and of the passes that they bought."""
    orders = select(Order.id).where(Order.tenant_id == unit.tenant, Order.placed_by == customer)
    passes = select(Pass.id).where(Pass.tenant_id == unit.tenant, Pass.customer_id == customer)
    return (
        list((await unit.session.scalars(orders)).all()),
        list((await unit.session.scalars(passes)).all()),
    )
