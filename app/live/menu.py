"""What a store can sell of some products, and when it changes: the menu, and customers' labels."""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple
from uuid import UUID

from app.domain.catalog.cookbook import Cookbook
from app.domain.catalog.menu import Board, Serving, board
from app.domain.feed import AvailabilityChange, Change, Event, MenuChange, Resync
from app.live.follower import Follower, Source
from app.live.tail import patiently

PACE_SECONDS = 0.05
UNSEEN_SECONDS = 60.0
"""Time alone changes what a channel may sell: a day ends, a batch grows too old for it."""


class Key(NamedTuple):
    """Whose menu is followed: of these products, or of all dishes and services; as a channel may
    sell them, or whoever sells all there is.

    `exact` followers hear of every number, others of labels alone.
    """

    tenant: UUID
    store: UUID
    channel: str | None
    products: frozenset[UUID] | None
    exact: bool = False


class Menu(Source):
    """Follows the store's tail; tells only what its followers would see differently.

    Nobody who follows, no menu: what nobody watches costs nothing.
    """

    def __init__(
        self, cookbook: Cookbook, key: Key, tail: Follower, forget: Callable[[], Any]
    ) -> None:
        super().__init__(forget)
        self._cookbook = cookbook
        self._key = key
        self._tail = tail
        self._revision = 0
        self._board = Board({}, {}, {}, {}, 0, 0)
        self._users: dict[UUID, list[UUID]] = {}
        self._shown: dict[UUID, Serving] = {}
        self._present: Event | None = None
        self._timer: asyncio.TimerHandle | None = None

    async def start(self) -> None:
        if self.stopped:
            return
        await self._tail.first()
        await self._look()

    def stop(self) -> None:
        super().stop()
        self._tail.close()
        if self._timer is not None:
            self._timer.cancel()

    async def now(self) -> Event:
        """All of it as it is; those who join before the next change share it."""
        if self._present is None:
            self._present = self._event(self._shown, frozenset())
        return self._present

    def _event(self, shown: dict[UUID, Serving], gone: frozenset[UUID]) -> Event:
        kind = AvailabilityChange if self._key.products is not None else MenuChange
        told = {"tenant": self._key.tenant, "revision": self._revision}
        return kind(**told, shown=dict(shown), gone=gone)

    async def _look(self) -> None:
        """Reads all of it, while what happens meanwhile waits its turn."""
        key = self._key
        self._board = await patiently(lambda: board(self._cookbook, *key[:4]))
        self._revision = self._board.revision
        users: dict[UUID, list[UUID]] = defaultdict(list)
        for product, needs in self._board.needs.items():
            for need in needs:
                users[need.product].append(product)
        self._users = users
        self._show(self._board.dishes, self._shown.keys() - self._board.dishes.keys())
        if not self.stopped:
            if key.channel is not None:
                loop = asyncio.get_running_loop()
                self._timer = loop.call_later(UNSEEN_SECONDS, self._stop_and_look)
            self._tail.direct(self._hear)

    def _stop_and_look(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._tail.hold()
        self.run(self._look_again())

    async def _look_again(self) -> None:
        # However much is sold, nobody reads a menu more often than this.
        await asyncio.sleep(PACE_SECONDS)
        await self._look()

    def _hear(self, event: Event) -> None:
        if isinstance(event, Change) and event.revision <= self._board.revision:
            return
        self._revision = event.revision
        if isinstance(event, Resync) or (isinstance(event, Change) and self._stale(event)):
            self._stop_and_look()
        elif isinstance(event, Change):
            moved = [level for level in event.levels if level.product_id in self._users]
            for level in moved:
                self._board.shelf[level.product_id] = level.free
            self._show({user: None for level in moved for user in self._users[level.product_id]})

    def _stale(self, change: Change) -> bool:
        """Whether products themselves changed: a recipe, a price, what somebody took off.

        What a channel may sell is not told by a level alone: rules and orders count as well.
        """
        if self._key.channel is not None:
            moved = {level.product_id for level in change.levels}
            return bool(change.documents or not moved.isdisjoint(self._users))
        products = self._board.dishes.keys() if self._key.products else change.made
        return not change.made.isdisjoint(products) or any(
            level.sold_out_until != self._board.dishes[level.product_id].sold_out_until
            for level in change.levels
            if level.product_id in self._board.dishes
        )

    def _show(self, products: Iterable[UUID], gone: Iterable[UUID] = ()) -> None:
        changed = {
            serving.id: serving
            for serving in self._board.servings(products, self._key.exact)
            if self._shown.get(serving.id) != serving
        }
        gone = frozenset(gone)
        if changed or gone:
            for product in gone:
                del self._shown[product]
            self._shown.update(changed)
            self._present = None
            self.tell(self._event(changed, gone))
