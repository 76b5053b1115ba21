"""Sealed secrets and addresses, and the rows of them that a former key has sealed."""

from collections.abc import Sequence
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import func, select

from app.db.core.unit import Unit
from app.db.core.vault import KID
from app.db.tables import (
    MiniApp,
    NotificationTarget,
    SmsAccount,
    StaffMiniApp,
    StaffPhone,
    Webhook,
)


class Seal(NamedTuple):
    """A sealed column, and the attribute with the id that its row is sealed for."""

    table: type[Any]
    column: str
    id_name: str

    def id_of(self, row: Any) -> UUID:
        """The id that the row is sealed for."""
        return getattr(row, self.id_name)


SEALS = (
    Seal(Webhook, "sealed_secret", "id"),
    Seal(Webhook, "former_secret", "id"),
    Seal(NotificationTarget, "sealed_url", "id"),
    Seal(MiniApp, "sealed_secret", "seal_id"),
    Seal(MiniApp, "sealed_phone_key", "phone_key_id"),
    Seal(SmsAccount, "sealed_secret", "tenant_id"),
    Seal(StaffMiniApp, "sealed_openid", "seal_id"),
    Seal(StaffPhone, "sealed_phone", "staff_id"),
)


async def sealed_by_another(unit: Unit, seal: Seal, kid: bytes) -> Sequence[Any]:
    """The tenant's rows whose column another key has sealed, locked; busy ones are left out."""
    column = getattr(seal.table, seal.column)
    query = (
        select(seal.table)
        .where(seal.table.tenant_id == unit.tenant, column.is_not(None))
        .where(func.substr(column, 1, KID) != kid)
        .with_for_update(skip_locked=True)
    )
    return (await unit.session.scalars(query)).all()
