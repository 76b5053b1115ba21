"""Menus and customers' labels: what a store can sell of some products, and when it changes."""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Iterable
from typing import NamedTuple
from uuid import UUID

import structlog

from app.domain.catalog.cookbook import Cookbook
from app.domain.catalog.menu import Board, Serving, board
from app.domain.feed import AvailabilityChange, Change, Event, MenuChange, Resync
from app.live.follower import Follower, Source
from app.live.tail import RETRY_SECONDS, patiently

log = structlog.get_logger()

PACE_SECONDS = 0.05
UNSEEN_SECONDS = 60.0
"""A channel's menu is read again this often: a day ends, or a batch grows too old for it."""


class Key(NamedTuple):
    """Which menu is followed: these products, or all dishes and services; limited to what a
    channel may sell, or not limited.

    `exact` followers get every change of a number, others only changes of a label.
    """

    tenant: UUID
    store: UUID
    channel: str | None
    products: frozenset[UUID] | None
    exact: bool = False


class Menu(Source):
    """Follows the store's tail and publishes only what its followers would see differently.

    It exists while it has followers.
    """

    def __init__(
        self, cookbook: Cookbook, key: Key, tail: Follower, forget: Callable[[], object]
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
        """The whole menu; followers that join before the next change share the event."""
        if self._present is None:
            self._present = self._event(self._shown, frozenset())
        return self._present

    def _event(self, shown: dict[UUID, Serving], gone: frozenset[UUID]) -> Event:
        kind = AvailabilityChange if self._key.products is not None else MenuChange
        return kind(tenant=self._key.tenant, revision=self._revision, shown=dict(shown), gone=gone)

    async def _look(self) -> None:
        """Read the whole menu; events that arrive meanwhile wait in the mailbox."""
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

    def _hear(self, event: Event) -> None:
        try:
            self._apply(event)
        except Exception as error:
            # The board no longer agrees with the store: it is read again.
            log.warning("menu.failing", store=str(self._key.store), error=error)
            self._stop_and_look()

    def _stop_and_look(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._tail.hold()
        self.run(self._look_again())

    async def _look_again(self) -> None:
        """Read the menu until it succeeds; an error that was not foreseen is logged once."""
        failing = False
        while not self.stopped:
            # A menu is read at most this often, however much is sold.
            await asyncio.sleep(RETRY_SECONDS if failing else PACE_SECONDS)
            try:
                await self._look()
                return
            except Exception as error:
                if not failing:
                    log.warning("menu.failing", store=str(self._key.store), error=error)
                failing = True

    def _apply(self, event: Event) -> None:
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
        """Whether the board has to be read again: a recipe, a price or a sold-out mark changed.

        A channel's menu depends on its rules and orders too, not on levels alone.
        """
        if self._key.channel is not None:
            moved = {level.product_id for level in change.levels}
            return bool(change.documents or not moved.isdisjoint(self._users))
        products = self._board.dishes.keys() if self._key.products else change.products
        return not change.products.isdisjoint(products) or any(
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
            self.publish(self._event(changed, gone))
