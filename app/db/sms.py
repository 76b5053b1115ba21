"""SMS: the chain's account, and the phones of staff."""

from collections.abc import Collection
from typing import Any
from uuid import UUID

from sqlalchemy import and_, delete, select
from sqlalchemy.dialects.postgresql import insert

from app.db.core.snapshot import AnySession
from app.db.core.statement import among
from app.db.core.unit import Unit
from app.db.tables import SmsAccount, StaffMiniApp, StaffPhone


async def sms_account(session: AnySession, tenant: UUID) -> SmsAccount | None:
    """The chain's account; None while it has none."""
    return await session.scalar(select(SmsAccount).where(SmsAccount.tenant_id == tenant))


async def put_sms_account(unit: Unit, account: SmsAccount) -> None:
    """Write the chain's account; it replaces the former one."""
    values: dict[str, Any] = {
        "provider": account.provider,
        "key_id": account.key_id,
        "sealed_secret": account.sealed_secret,
        "sign_name": account.sign_name,
        "sdk_app_id": account.sdk_app_id,
        "set_by": account.set_by,
        "set_at": unit.now,
    }
    put = insert(SmsAccount).values(tenant_id=unit.tenant, **values)
    keys = [SmsAccount.tenant_id]
    await unit.session.execute(put.on_conflict_do_update(index_elements=keys, set_=values))


async def phone_of(session: AnySession, tenant: UUID, staff: UUID) -> StaffPhone | None:
    """The phone of a member of staff; None without one."""
    mine = and_(StaffPhone.tenant_id == tenant, StaffPhone.staff_id == staff)
    return await session.scalar(select(StaffPhone).where(mine))


async def with_phone(session: AnySession, tenant: UUID, staff: Collection[UUID]) -> set[UUID]:
    """The members of staff among these who have a phone, when the chain has an account."""
    query = select(StaffPhone.staff_id).join(
        SmsAccount, SmsAccount.tenant_id == StaffPhone.tenant_id
    )
    query = query.where(StaffPhone.tenant_id == tenant, among(StaffPhone.staff_id, staff))
    return set((await session.scalars(query)).all())


async def put_phone(unit: Unit, staff: UUID, sealed: bytes) -> None:
    """Write the phone of a member of staff; it replaces the former one."""
    values: dict[str, Any] = {"sealed_phone": sealed, "set_at": unit.now}
    put = insert(StaffPhone).values(tenant_id=unit.tenant, staff_id=staff, **values)
    keys = [StaffPhone.tenant_id, StaffPhone.staff_id]
    await unit.session.execute(put.on_conflict_do_update(index_elements=keys, set_=values))


async def remove_addresses(unit: Unit, staff: UUID) -> None:
    """Delete the addresses of a member of staff: their phone and their mini-program identities."""
    await remove_phone(unit, staff)
    T = StaffMiniApp
    await unit.session.execute(delete(T).where(T.tenant_id == unit.tenant, T.staff_id == staff))


async def remove_phone(unit: Unit, staff: UUID) -> None:
    """Delete the phone of a member of staff, if there is one."""
    mine = and_(StaffPhone.tenant_id == unit.tenant, StaffPhone.staff_id == staff)
    await unit.session.execute(delete(StaffPhone).where(mine))
