"""Previews: what a rule would change, computed in a transaction that is rolled back."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from uuid import UUID

from app.db import channels as rows
from app.db import menu
from app.db.channels import Subject
from app.db.core.unit import Database
from app.domain import access
from app.domain.access import Can, Viewer
from app.domain.catalog.products import get_product
from app.domain.channels.rules import amount
from app.domain.errors import Malformed
from app.domain.ledger.channel_limits import COUNTER


@dataclass(frozen=True, slots=True)
class Effect:
    """Quantities sellable in a store: in total, by the channel now, and with the rule. Base units;
    None means unlimited."""

    store_id: UUID
    scale: int
    available: int | None
    offered: int | None
    would_offer: int | None


class _RollBack(Exception):
    """Ends the unit without a commit."""


async def channel_preview(
    db: Database, viewer: Viewer, subject: Subject, changes: Mapping[str, Any]
) -> Sequence[Effect]:
    """The effects of these changes to the subject's rule, one per store.

    Raises Refused: UnknownProduct, UnknownStore, InvalidQuantity.
    """
    if subject.channel == COUNTER:
        raise Malformed(
            "channel",
            "柜台销售不能设置渠道规则",
            "The counter has no channel rules: choose another channel.",
        )
    requested = None if subject.store_id is None else [subject.store_id]
    stores = access.some(viewer, Can.EDIT_CHANNELS, requested)
    product_id = subject.product_id
    assert product_id is not None
    effects: list[Effect] = []
    try:
        async with db.unit(viewer.tenant) as unit:
            product = await get_product(unit, product_id)
            readings: list[dict[Any, int]] = []
            free: set[Any] = {(store, product_id, None) for store in stores}
            offered: set[Any] = {(store, product_id, subject.channel) for store in stores}
            readings.append(await menu.sellable_by_offer(unit.raw, unit.tenant, free))
            readings.append(await menu.sellable_by_offer(unit.raw, unit.tenant, offered))
            for name, value in changes.items():
                if isinstance(value, Decimal):
                    value = amount(product, name, value)
                await rows.put_rule(unit, subject, name, value)
            readings.append(await menu.sellable_by_offer(unit.raw, unit.tenant, offered))
            for store in stores:
                keys = [(store, product_id, None)] + [(store, product_id, subject.channel)] * 2
                quantities = [reading[key] for reading, key in zip(readings, keys, strict=True)]
                limited = [None if base >= menu.UNLIMITED else base for base in quantities]
                effects.append(Effect(store, product.scale, *limited))
            raise _RollBack
    except _RollBack:
        return effects
