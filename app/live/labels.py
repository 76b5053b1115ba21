"""Labels: what customers are told of some products of a store, and when it changes."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any
from uuid import UUID

from app.db import catalog, identity
from app.db.tables import Level
from app.db.unit import Database
from app.domain.feed import AvailabilityChange, Change, Event, Resync, Shown
from app.domain.rules.labels import availability
from app.live.follower import Follower, Source
from app.live.tail import patiently

Key = tuple[UUID, UUID, frozenset[UUID]]


class Labels(Source):
    """Follows the store's tail; tells only what customers would see differently."""

    def __init__(self, db: Database, key: Key, tail: Follower, forget: Callable[[], Any]) -> None:
        super().__init__(forget)
        self._db = db
        self._key = key
        self._tail = tail
        self._few = 0
        self._revision = 0
        self._shown: dict[UUID, Shown] = {}
        self._present: Event | None = None

    async def start(self) -> None:
        if self.stopped:
            return
        first = await self._tail.first()
        self._revision = first.revision
        await self._look()

    def stop(self) -> None:
        super().stop()
        self._tail.close()

    async def now(self) -> Event:
        """All labels as they are; those who join before the next change share it."""
        if self._present is None:
            self._present = self._event(self._shown)
        return self._present

    def _event(self, shown: Mapping[UUID, Shown]) -> Event:
        return AvailabilityChange(tenant=self._key[0], revision=self._revision, shown=dict(shown))

    async def _look(self) -> None:
        """Reads all of them, while what happens meanwhile waits its turn."""
        self._show(await patiently(self._read))
        if not self.stopped:
            self._tail.direct(self._hear)

    async def _read(self) -> dict[UUID, Shown]:
        tenant, store, products = self._key
        async with self._db.read(tenant) as session:
            [row] = await identity.stores_by_id(session, tenant, [store])
        self._few = row.few_threshold
        shelves = await catalog.shelves(self._db, tenant, store, products)
        return {
            product: Shown(product, availability(shelf, scale, self._few), unit)
            for product, (shelf, scale, unit) in shelves.items()
        }

    def _hear(self, event: Event) -> None:
        self._revision = event.revision
        if isinstance(event, Change):
            known = [level for level in event.levels if level.product_id in self._shown]
            self._show({level.product_id: self._seen(level) for level in known})
        elif isinstance(event, Resync):
            self._tail.hold()
            self.run(self._look())

    def _seen(self, level: Level) -> Shown:
        shown = self._shown[level.product_id]
        return replace(shown, availability=availability(level.shelf, level.scale, self._few))

    def _show(self, seen: dict[UUID, Shown]) -> None:
        changed = {
            product: shown for product, shown in seen.items() if self._shown.get(product) != shown
        }
        if changed:
            self._shown.update(changed)
            self._present = None
            self.tell(self._event(changed))
