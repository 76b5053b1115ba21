"""Documents that tenants registered, which clients name by their SHA-256."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, UniqueConstraint
from sqlalchemy import text as sql
from sqlalchemy.orm import Mapped

from app.db.core.table import Table, key, made_at


class RegisteredOperation(Table):
    """A document of a tenant. `sha256` is the hash of its text in hexadecimal digits, `cost` its
    units with the default page sizes. With `for_guests` guests may run it in the tenant's
    stores."""

    __tablename__ = "registered_operations"
    tenant_id: Mapped[UUID] = key()
    id: Mapped[UUID] = key()
    sha256: Mapped[str]
    text: Mapped[str]
    for_guests: Mapped[bool]
    cost: Mapped[int]
    registered_by: Mapped[UUID]
    registered_at: Mapped[datetime] = made_at()
    __table_args__ = (
        UniqueConstraint("tenant_id", "sha256"),
        CheckConstraint("sha256 = encode(sha256(convert_to(text, 'UTF8')), 'hex')", name="sha256"),
        CheckConstraint("octet_length(text) <= 65536", name="size"),
        CheckConstraint("cost >= 0", name="cost"),
        Index("ix_registered_operations_guests", "sha256", postgresql_where=sql("for_guests")),
    )
