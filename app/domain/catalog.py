"""Use cases of the catalog topic."""

from typing import Any
from uuid import UUID

from app.db import catalog as rows
from app.db.tables import Product
from app.domain.rules.barcodes import normal


async def by_code(session: Any, tenant: UUID, code: str) -> tuple[Product, int] | None:
    """The product with this barcode or sku, and the base units of one such pack."""
    return await rows.by_code(session, tenant, normal(code), code)
