"""The hub: one tail per watched store and process for all its followers."""

import asyncio
from collections.abc import Collection, Mapping
from functools import partial
from uuid import UUID

from app.db.core.bus import Bus
from app.db.core.unit import Database
from app.domain.catalog.cookbook import Cookbook
from app.live.board import BoardKey, StoreBoard
from app.live.documents import DocumentFeed, Topic
from app.live.documents import Key as DocumentKey
from app.live.follower import Follower, Place, single
from app.live.menu import Key, Menu, packed
from app.live.mirror import Mirror
from app.live.sender import Sender
from app.live.tail import Tail

CLOSE_SECONDS = 1.0


class Hub:
    """Creates followers of stores, menus and documents. One per process."""

    def __init__(self, db: Database, bus: Bus, cookbook: Cookbook) -> None:
        self._db = db
        self._bus = bus
        self._cookbook = cookbook
        self._tails: dict[tuple[UUID, UUID], Tail] = {}
        self._boards: dict[BoardKey, StoreBoard] = {}
        self._menus: dict[Key, Menu] = {}
        self._documents: dict[DocumentKey, DocumentFeed] = {}
        self.mirror = Mirror(bus)
        self.sender = Sender()
        bus.listen(self._wake)

    def follow(self, tenant: UUID, store: UUID, after: int | None = None) -> Follower:
        """All changes of the store: first a snapshot, or the changes since `after`."""
        opening = single(Tail.snapshot if after is None else lambda tail: tail.since(after))
        return Follower(Place(lambda: self._tail(tenant, store), opening, (tenant, store)))

    def follow_labels(
        self, tenant: UUID, store: UUID, products: Collection[UUID], channel: str | None = None
    ) -> Follower:
        """Customers' labels of these products: all of them first, then those that change."""
        return self._follow_menu(Key(tenant, store, channel, packed(products)))

    def follow_menu(
        self, tenant: UUID, store: UUID, exact: bool, channel: str | None = None
    ) -> Follower:
        """The store's dishes and services: all of them first, then those that change."""
        return self._follow_menu(Key(tenant, store, channel, None, exact))

    def follow_documents(
        self, topic: Topic, tenant: UUID, stores: Collection[UUID], document: UUID | None = None
    ) -> Follower:
        """Documents of these stores, or one document: open ones first, then those that change."""
        key = DocumentKey(tenant, topic, tuple(sorted(stores)), document)
        return Follower(Place(lambda: self._document_feed(key), DocumentFeed.opening, key))

    def _follow_menu(self, key: Key) -> Follower:
        return Follower(Place(lambda: self._menu(key), single(Menu.now), key))

    @property
    def connected(self) -> bool:
        """Whether the bus is connected, so that this process receives nudges."""
        return self._bus.connected

    def lag(self, tenant: UUID, revisions: Mapping[UUID, int]) -> int:
        """The largest number of revisions that a tail of the tenant is behind its store."""
        behind = (
            revision - tail.revision
            for store, revision in revisions.items()
            if (tail := self._tails.get((tenant, store))) is not None
        )
        return max(0, *behind, 0)

    @property
    def followers(self) -> int:
        """How many subscriptions of this process follow a store now."""
        return sum(len(tail.followers) for tail in self._tails.values())

    async def close(self) -> None:
        """End every source; reads that take longer than a second are cancelled."""
        sources = (
            *self._menus.values(),
            *self._boards.values(),
            *self._documents.values(),
            *self._tails.values(),
        )
        await asyncio.gather(*(source.ended(CLOSE_SECONDS) for source in sources))

    def _tail(self, tenant: UUID, store: UUID) -> Tail:
        key = tenant, store
        if key not in self._tails:
            self._tails[key] = Tail(self._db, self.sender, *key, lambda: self._tails.pop(key, None))
        return self._tails[key]

    def _tail_of(self, tenant: UUID, store: UUID) -> Follower:
        """A follower of the store's tail for a board or a feed of documents."""
        return Follower(Place(lambda: self._tail(tenant, store), single(Tail.present)))

    def _menu(self, key: Key) -> Menu:
        if key not in self._menus:
            find_board = partial(self._board, key.board)
            self._menus[key] = Menu(key, find_board, lambda: self._menus.pop(key, None))
        return self._menus[key]

    def _board(self, key: BoardKey) -> StoreBoard:
        if key not in self._boards:
            tail = self._tail_of(key.tenant, key.store)
            self._boards[key] = StoreBoard(
                self._cookbook, key, tail, lambda: self._boards.pop(key, None)
            )
        return self._boards[key]

    def _document_feed(self, key: DocumentKey) -> DocumentFeed:
        if key not in self._documents:
            tails = {store: self._tail_of(key.tenant, store) for store in key.stores}
            self._documents[key] = DocumentFeed(
                self._db, key, tails, lambda: self._documents.pop(key, None)
            )
        return self._documents[key]

    def _wake(self, tenant: UUID | None, store: UUID | None) -> None:
        if tenant is None or store is None:
            for tail in self._tails.values():
                tail.woken.set()
        elif (tenant, store) in self._tails:
            self._tails[tenant, store].woken.set()
