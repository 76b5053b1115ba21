"""Tills: registered by the id of their device, retired when they are out of use."""

from uuid import UUID, uuid5

from app.db import tills as rows
from app.db.core.unit import Database
from app.db.tables import Till
from app.domain import access
from app.domain.access import Can, Viewer
from app.domain.claims import claim
from app.domain.errors import Refused
from app.domain.rules.texts import clean
from app.domain.till_errors import UnknownTill


async def register_till(
    db: Database, viewer: Viewer, key: UUID, store: UUID, device: str, name: str
) -> Till:
    """The store's till on this device: a new one, or the one it has, under the new name.

    A till that was retired is in use again. Raises Refused: UnknownStore, KeyReused.
    """
    store = access.at(viewer, Can.MANAGE_TILLS, store)
    device = clean(device, "deviceId", 64, required=True)
    name = clean(name, "name", 100, required=True)
    # One till for one device, so that two who register it at the same time agree.
    id = uuid5(store, f"till\n{device}")
    async with db.unit(viewer.tenant) as unit:
        if await claim(unit, viewer.claimant, key, id, "registerTill", store, device, name) is None:
            till = Till(
                id=id, store_id=store, device_id=device, name=name, registered_by=viewer.actor
            )
            await rows.write(unit, till)
        till = await rows.locked_till(unit, id)
    assert till is not None, "no till is ever deleted"
    return till


async def retire_till(db: Database, viewer: Viewer, key: UUID, till_id: UUID) -> Till:
    """The till, which takes no sale that happens from now on.

    Raises Refused: UnknownTill, KeyReused.
    """
    async with db.unit(viewer.tenant) as unit:
        earlier = await claim(unit, viewer.claimant, key, till_id, "retireTill", till_id)
        till = await rows.locked_till(unit, till_id)
        if till is None or not access.within(viewer, Can.MANAGE_TILLS, [till.store_id]):
            raise Refused(UnknownTill(str(till_id)))
        if earlier is None and till.retired_at is None:
            till.retired_at = unit.now
    return till
