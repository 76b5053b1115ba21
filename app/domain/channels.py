"""Use cases of the channels topic: what each channel wants of a product."""

from uuid import UUID

from app.db import channels as rows
from app.db.tables import Product
from app.db.unit import Database
from app.domain.access import Viewer
from app.domain.catalog import found_product
from app.domain.errors import Malformed
from app.domain.requests import claim

LONGEST_DAYS = 365


async def set_channel_freshness(
    db: Database, viewer: Viewer, key: UUID, product_id: UUID, channel: str, days_left: int
) -> Product:
    """The channel sells batches of the product with at least so many days left; 0: any.

    Raises Refused(UnknownProduct), Malformed for a product that keeps no batches.
    """
    if not 0 <= days_left <= LONGEST_DAYS:
        raise Malformed(f"daysLeft: from 0 to {LONGEST_DAYS}")
    async with db.unit(viewer.tenant) as unit:
        asked = ("setChannelFreshness", product_id, channel, days_left)
        earlier = await claim(unit, viewer.actor, key, product_id, *asked)
        product = await found_product(unit, product_id)
        if earlier is None:
            if not product.tracks_batches:
                raise Malformed(f"productId: {product.sku} keeps no batches: see tracksBatches")
            await rows.set_days_left(unit, product_id, channel, days_left)
    return product
