"""Images, and whether a product or a write-off uses them."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, delete, func, select, union, update
from sqlalchemy.dialects.postgresql import insert

from app.db.core.unit import Unit
from app.db.tables import Image, Product, WriteOff


async def keep(unit: Unit, name: str) -> None:
    """Write the row of an image that a client requests to upload, for the first time or again."""
    new = insert(Image).values(tenant_id=unit.tenant, name=name, unused_since=unit.now)
    again = {"unused_since": unit.now, "removing": False}
    await unit.session.execute(
        new.on_conflict_do_update(index_elements=["tenant_id", "name"], set_=again)
    )


async def hold(unit: Unit, name: str) -> bool:
    """Whether the image exists and is not being removed. It is locked, so that it stays until the
    unit, which may use it, ends."""
    query = select(Image.name).where(
        Image.tenant_id == unit.tenant, Image.name == name, ~Image.removing
    )
    return await unit.session.scalar(query.with_for_update(read=True)) is not None


async def note_uses(unit: Unit) -> None:
    """Set `unused_since` of images that have lost their last use, and clear it for images in
    use."""
    of_tenant, used = Image.tenant_id == unit.tenant, _is_used(unit)
    lost = update(Image).where(of_tenant, Image.unused_since.is_(None), ~used)
    await unit.session.execute(lost.values(unused_since=unit.now))
    again = update(Image).where(of_tenant, Image.unused_since.is_not(None), used)
    await unit.session.execute(again.values(unused_since=None, removing=False))


async def mark_unused(unit: Unit, before: datetime) -> Sequence[str]:
    """Mark images that have been unused since before this time as removing. Returns all marked
    images, earlier ones too."""
    of_tenant = Image.tenant_id == unit.tenant
    old = update(Image).where(of_tenant, Image.unused_since < before)
    await unit.session.execute(old.values(removing=True))
    return (await unit.session.scalars(select(Image.name).where(of_tenant, Image.removing))).all()


async def lock_removing(unit: Unit, name: str) -> bool:
    """Lock an image to remove it. False if it is used again, or another process removes it now."""
    mine = Image.tenant_id == unit.tenant, Image.name == name, Image.removing
    locked = select(Image.name).where(*mine).with_for_update(skip_locked=True)
    if await unit.session.scalar(locked) is None:
        return False
    # Read after the lock: a unit that held the image has committed its use by now.
    used = await unit.session.scalar(select(Image.name).where(*mine, _is_used(unit)))
    return used is None


async def remove(unit: Unit, name: str) -> None:
    await unit.session.execute(
        delete(Image).where(Image.tenant_id == unit.tenant, Image.name == name)
    )


def _is_used(unit: Unit) -> ColumnElement[bool]:
    """SQL: whether a link of a product or of a write-off ends with the image's path.

    The host of the link is not compared: it may be a proxy, or a former name of the server.
    """
    path = f"/images/{unit.tenant}/([0-9a-f]{{32}}[.][a-z]+)$"
    of_products = select(Product.image_url.label("link")).where(
        Product.tenant_id == unit.tenant, Product.image_url.is_not(None)
    )
    photos = func.unnest(WriteOff.photo_urls).label("link")
    links = union(of_products, select(photos).where(WriteOff.tenant_id == unit.tenant)).subquery()
    name = func.substring(links.c.link, path)
    return Image.name.in_(select(name).where(name.is_not(None)))
