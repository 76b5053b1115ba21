"""The hub: one tail per watched store and process, however many follow it."""

import asyncio
from collections.abc import Awaitable, Collection
from uuid import UUID

from app.db import alerts, orders, purchases, transfers, writeoffs
from app.db.core.bus import Bus
from app.db.core.unit import Database
from app.domain.catalog.cookbook import Cookbook
from app.domain.feed import (
    AlertChange,
    Event,
    OrderChange,
    PurchaseChange,
    ReplenishmentChange,
    WriteOffChange,
)
from app.live.documents import DocumentFeed, Topic
from app.live.documents import Key as DocumentKey
from app.live.follower import Follower
from app.live.menu import Key, Menu
from app.live.tail import Tail

CLOSE_SECONDS = 1.0
ALERTS = Topic("alerts", alerts.alerts_by_id, alerts.open_alerts, AlertChange)
ORDERS = Topic("orders", orders.orders_by_id, orders.open_orders, OrderChange)
WRITE_OFFS = Topic(
    "write-offs", writeoffs.write_offs_by_id, writeoffs.open_write_offs, WriteOffChange
)
TRANSFERS = Topic(
    "transfers", transfers.transfers_by_id, transfers.open_transfers, ReplenishmentChange
)
PURCHASES = Topic("purchases", purchases.purchases_by_id, purchases.open_purchases, PurchaseChange)


class Hub:
    """One per process."""

    def __init__(self, db: Database, bus: Bus, cookbook: Cookbook) -> None:
        self._db = db
        self._cookbook = cookbook
        self._tails: dict[tuple[UUID, UUID], Tail] = {}
        self._menus: dict[Key, Menu] = {}
        self._papers: dict[DocumentKey, DocumentFeed] = {}
        bus.listen(self._wake)

    def follow(self, tenant: UUID, store: UUID, after: int | None = None) -> Follower:
        """All that happens in the store: first a snapshot, or what came after `after`."""

        def first(tail: Tail) -> Awaitable[Event]:
            return tail.snapshot() if after is None else tail.since(after)

        return Follower(lambda: self._tail(tenant, store), first)

    def follow_labels(
        self, tenant: UUID, store: UUID, products: Collection[UUID], channel: str | None = None
    ) -> Follower:
        """What customers see of these products: all of them first, then those that change."""
        return self._follow_menu(Key(tenant, store, channel, frozenset(products)))

    def follow_menu(
        self, tenant: UUID, store: UUID, exact: bool, channel: str | None = None
    ) -> Follower:
        """The store's dishes and services: all of them first, then those that change."""
        return self._follow_menu(Key(tenant, store, channel, None, exact))

    def follow_orders(
        self, tenant: UUID, stores: Collection[UUID], order: UUID | None = None
    ) -> Follower:
        """Orders of these stores: those that are open first, then those that change."""
        return self._follow_papers(DocumentKey(tenant, ORDERS, tuple(sorted(stores)), order))

    def follow_alerts(self, tenant: UUID, stores: Collection[UUID]) -> Follower:
        """Alerts of these stores: those that are open first, then those that change."""
        return self._follow_papers(DocumentKey(tenant, ALERTS, tuple(sorted(stores))))

    def follow_write_offs(self, tenant: UUID, stores: Collection[UUID]) -> Follower:
        """Write-offs of these stores: those that are open first, then those that change."""
        return self._follow_papers(DocumentKey(tenant, WRITE_OFFS, tuple(sorted(stores))))

    def follow_transfers(self, tenant: UUID, stores: Collection[UUID]) -> Follower:
        """Transfers to or from these stores: those that are open first, then those that change."""
        return self._follow_papers(DocumentKey(tenant, TRANSFERS, tuple(sorted(stores))))

    def follow_purchases(self, tenant: UUID, stores: Collection[UUID]) -> Follower:
        """Purchase orders of these stores: those that are open first, then those that change."""
        return self._follow_papers(DocumentKey(tenant, PURCHASES, tuple(sorted(stores))))

    def _follow_papers(self, key: DocumentKey) -> Follower:
        return Follower(lambda: self._paper(key), DocumentFeed.present)

    def _follow_menu(self, key: Key) -> Follower:
        return Follower(lambda: self._menu(key), Menu.now)

    @property
    def followers(self) -> int:
        """Subscriptions of this process that follow a store now."""
        return sum(len(each.followers) for each in self._tails.values())

    async def close(self) -> None:
        sources = (*self._menus.values(), *self._papers.values(), *self._tails.values())
        await asyncio.gather(*(source.ended(CLOSE_SECONDS) for source in sources))

    def _tail(self, tenant: UUID, store: UUID) -> Tail:
        key = tenant, store
        if key not in self._tails:
            self._tails[key] = Tail(self._db, *key, lambda: self._tails.pop(key, None))
        return self._tails[key]

    def _menu(self, key: Key) -> Menu:
        if key not in self._menus:
            tail = Follower(lambda: self._tail(key.tenant, key.store), Tail.present)
            self._menus[key] = Menu(self._cookbook, key, tail, lambda: self._menus.pop(key, None))
        return self._menus[key]

    def _paper(self, key: DocumentKey) -> DocumentFeed:
        if key not in self._papers:
            tails = {
                store: Follower(lambda store=store: self._tail(key.tenant, store), Tail.present)
                for store in key.stores
            }
            self._papers[key] = DocumentFeed(
                self._db, key, tails, lambda: self._papers.pop(key, None)
            )
        return self._papers[key]

    def _wake(self, tenant: UUID | None, store: UUID | None) -> None:
        if tenant is None or store is None:
            for tail in self._tails.values():
                tail.woken.set()
        elif (tenant, store) in self._tails:
            self._tails[tenant, store].woken.set()
