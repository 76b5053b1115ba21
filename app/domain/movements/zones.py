"""Zones of a store: the areas that lines of movements and counts may name."""

from collections.abc import Sequence
from typing import Protocol
from uuid import UUID

from app.db import identity
from app.db.core.unit import Database
from app.db.tables import Store
from app.domain import access
from app.domain.access import Can, Viewer
from app.domain.audit_log import Act, Subject, record_act
from app.domain.claims import claim
from app.domain.errors import Malformed, Refused, UnknownStore
from app.domain.movements.lines import zone_of
from app.domain.paths import at_path
from app.domain.rules.texts import clean

MOST_ZONES = 100


class ProductZone(Protocol):
    """Where in the store goods of a product lie."""

    @property
    def product_id(self) -> UUID: ...
    @property
    def zone(self) -> str: ...


def clean_zones(names: Sequence[str]) -> list[str]:
    """The names of zones, each once. Raises Malformed for too many, InvalidText for a name."""
    if len(names) > MOST_ZONES:
        raise Malformed("zones", f"区域最多 {MOST_ZONES} 个", f"Zones: give at most {MOST_ZONES}.")
    cleaned: list[str] = []
    for place, name in enumerate(names):
        with at_path("zones", str(place)):
            cleaned.append(clean(name, "zone", 50, required=True))
    return list(dict.fromkeys(cleaned))


async def set_zones(
    db: Database, viewer: Viewer, key: UUID, store_id: UUID, names: Sequence[str]
) -> Store:
    """The store with these zones; the ledger keeps the names of earlier ones.

    Raises Refused: UnknownStore, KeyReused; Malformed and InvalidText as `clean_zones`.
    """
    store_id, zones = access.at(viewer, Can.RUN_STOCKTAKES, store_id), clean_zones(names)
    async with db.unit(viewer.tenant) as unit:
        request = ("setZones", store_id, zones)
        earlier = await claim(unit, viewer.claimant, key, store_id, *request)
        store = await identity.locked_store(unit, store_id)
        if store is None:
            raise Refused(UnknownStore(str(store_id)))
        if earlier is None:
            store.zones = zones
            updated = Act.UPDATE_STORE, Subject.STORE, store_id, store_id
            await record_act(unit, viewer, *updated, settings=["zones"])
    return store


async def check_zones(db: Database, tenant: UUID, store: UUID, requests: Sequence[object]) -> None:
    """Raises Malformed for a line whose zone the store does not have."""
    named = {place: zone for place, each in enumerate(requests) if (zone := zone_of(each))}
    if not named:
        return
    async with db.read(tenant) as session:
        stores = await identity.stores_by_id(session, tenant, [store])
    zones = stores[0].zones if stores else []
    for place, zone in named.items():
        if zone not in zones:
            with at_path("lines", str(place)):
                raise unknown_zone(zones)


async def check_zone(
    db: Database, tenant: UUID, store: UUID | None, zone: str | None
) -> str | None:
    """The name of the zone, cleaned; None without one.

    Raises InvalidText, and Malformed for a zone that the store does not have.
    """
    zone = clean(zone, "zone", 50)
    if zone is None or store is None:
        return None
    async with db.read(tenant) as session:
        [row] = await identity.stores_by_id(session, tenant, [store])
    if zone not in row.zones:
        raise unknown_zone(row.zones)
    return zone


async def check_product_zones(
    db: Database, tenant: UUID, store: UUID, zones: Sequence[ProductZone]
) -> dict[UUID, str]:
    """The zone of each product. Raises as `check_zone` does."""
    if not zones:
        return {}
    async with db.read(tenant) as session:
        [row] = await identity.stores_by_id(session, tenant, [store])
    checked: dict[UUID, str] = {}
    for place, each in enumerate(zones):
        with at_path("zones", str(place)):
            if zone := clean(each.zone, "zone", 50):
                if zone not in row.zones:
                    raise unknown_zone(row.zones)
                checked[each.product_id] = zone
    return checked


def unknown_zone(zones: Sequence[str]) -> Malformed:
    """The refusal of a zone that is none of these."""
    if not zones:
        return Malformed(
            "zone",
            "该门店还没有区域，请先设置区域",
            "The store has no zones: set them by `setZones` first.",
        )
    return Malformed(
        "zone", f"区域须为：{'、'.join(zones)}", f"Give one of the zones: {', '.join(zones)}."
    )
