"""Channel rules: how much of the shared stock each channel may sell."""

from decimal import Decimal
from uuid import UUID, uuid5

from app.db import channels as rows
from app.db.channels import Subject
from app.db.core.unit import Database, Unit
from app.db.tables import ChannelRule, Product
from app.domain import access
from app.domain.access import Can, Viewer
from app.domain.catalog.products import get_product, threshold
from app.domain.claims import claim
from app.domain.errors import Malformed
from app.domain.ledger.channel_limits import COUNTER

LONGEST_DAYS = 365


async def set_channel_freshness(
    db: Database, viewer: Viewer, key: UUID, subject: Subject, days_left: int
) -> Product:
    """Set the minimum remaining shelf life of batches that the channel sells; 0 for any.

    Raises Refused(UnknownProduct, UnknownStore), Malformed for a product without batches.
    """
    if not 0 <= days_left <= LONGEST_DAYS:
        raise Malformed(
            "daysLeft",
            f"剩余保质期须为 0 至 {LONGEST_DAYS} 天",
            f"The remaining shelf life is 0 to {LONGEST_DAYS} days.",
        )
    _check_reach(viewer, subject)
    async with db.unit(viewer.tenant) as unit:
        request = ("setChannelFreshness", *subject, days_left)
        assert subject.product_id is not None
        earlier = await claim(unit, viewer.claimant, key, subject.product_id, *request)
        product = await get_product(unit, subject.product_id)
        if earlier is None:
            if not product.tracks_batches:
                raise Malformed(
                    "productId",
                    f"商品 {product.sku} 不按批次管理",
                    f"Product {product.sku} does not track batches.",
                )
            await _put_rule(unit, viewer, subject, "days_left", days_left or None)
    return product


async def set_channel_buffer(
    db: Database, viewer: Viewer, key: UUID, subject: Subject, quantity: Decimal | None
) -> ChannelRule:
    """Set the quantity that the channel leaves on the shelf; None removes the limit.

    Raises Refused: UnknownProduct, UnknownStore, InvalidQuantity; Malformed for a product without
    stock of its own.
    """
    return await _set_amount(db, viewer, key, subject, "buffer", quantity)


async def set_channel_quota(
    db: Database, viewer: Viewer, key: UUID, subject: Subject, quantity: Decimal | None
) -> ChannelRule:
    """Set the most that the channel sells per day of the store; None removes the limit.

    Raises Refused: UnknownProduct, UnknownStore, InvalidQuantity.
    """
    return await _set_amount(db, viewer, key, subject, "quota", quantity)


async def _set_amount(
    db: Database, viewer: Viewer, key: UUID, subject: Subject, name: str, quantity: Decimal | None
) -> ChannelRule:
    _check_reach(viewer, subject)
    rule = _rule_id(viewer, key)
    async with db.unit(viewer.tenant) as unit:
        earlier = await claim(unit, viewer.claimant, key, rule, name, *subject, quantity)
        if earlier is None:
            assert subject.product_id is not None
            product = await get_product(unit, subject.product_id)
            return await _put_rule(unit, viewer, subject, name, amount(product, name, quantity))
    return await _current_rule(db, viewer, subject)


def amount(product: Product, name: str, quantity: Decimal | None) -> int | None:
    """Base units of a buffer or a quota. Raises Refused(InvalidQuantity), Malformed."""
    if name == "buffer" and product.kind != "GOODS":
        raise Malformed(
            "productId",
            f"商品 {product.sku} 没有自己的库存，请给配料预留库存，或设置渠道限量",
            f"Product {product.sku} has no stock of its own: set a quota instead.",
        )
    return threshold(product, quantity)


async def set_channel_pause(
    db: Database, viewer: Viewer, key: UUID, subject: Subject, paused: bool | None
) -> ChannelRule:
    """Pause or resume sales of the subject in the channel; None leaves it to a more general rule.

    Raises Refused: UnknownProduct, UnknownStore.
    """
    _check_reach(viewer, subject)
    rule = _rule_id(viewer, key)
    async with db.unit(viewer.tenant) as unit:
        if await claim(unit, viewer.claimant, key, rule, "pause", *subject, paused) is None:
            if subject.product_id is not None:
                await get_product(unit, subject.product_id)
            return await _put_rule(unit, viewer, subject, "paused", paused)
    return await _current_rule(db, viewer, subject)


def _rule_id(viewer: Viewer, key: UUID) -> UUID:
    """The result id that the key is claimed for; the rule itself is read by its subject."""
    return uuid5(viewer.tenant, key.hex)


def _check_reach(viewer: Viewer, subject: Subject) -> None:
    if subject.channel == COUNTER:
        raise Malformed(
            "channel",
            "柜台销售不能设置渠道规则",
            "The counter has no channel rules: choose another channel.",
        )
    if subject.store_id is not None:
        access.at(viewer, Can.EDIT_CHANNELS, subject.store_id)
    elif viewer.scope.reach(Can.EDIT_CHANNELS) is not access.Reach.ALL:
        raise Malformed("storeId", "请选择您负责的门店", "Choose one of your stores.")


async def _put_rule(
    unit: Unit, viewer: Viewer, subject: Subject, name: str, value: int | bool | None
) -> ChannelRule:
    await rows.put_rule(unit, subject, name, value)
    for store in [subject.store_id] if subject.store_id else viewer.stores:
        # A store's id among its documents announces a change that concerns the whole store.
        unit.document_changed(store, store)
    rule = await rows.rule_about(unit.session, unit.tenant, subject)
    assert rule is not None
    return rule


async def _current_rule(db: Database, viewer: Viewer, subject: Subject) -> ChannelRule:
    async with db.read(viewer.tenant) as session:
        rule = await rows.rule_about(session, viewer.tenant, subject)
    assert rule is not None, "no rule is ever deleted"
    return rule
