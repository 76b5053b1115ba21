"""Boards: what a store can sell, kept up to date once for all followers of its menu and labels."""

import asyncio
from collections import Counter, defaultdict, deque
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple, Protocol
from uuid import UUID

import structlog

from app.db.core.outage import is_passing
from app.db.menu import Dish
from app.domain.catalog.cookbook import ORDERED, Cookbook
from app.domain.catalog.menu import Serving, board
from app.domain.errors import RateLimited
from app.domain.feed import Change, Event, Resync
from app.live.display import Difference, Display
from app.live.follower import Follower, Source
from app.live.tail import RETRY_SECONDS, patiently

log = structlog.get_logger()

PACE_SECONDS = 0.05
SLOWEST_SECONDS = 0.5
PACE_RATIO = 5
"""After a read a board waits five times as long as the read took, within these two limits."""
UNSEEN_SECONDS = 60.0
"""How often a channel's board is read again without a change: a day may have ended, or a batch have
become too old for the channel."""
MOST_PRODUCTS = 20_000
"""The most products of a board; a follower whose labels would exceed it is refused."""
MOST_UNUSED = 1000
"""The most products that a board keeps without a follower; above it the board is read again without
them."""
MOST_PRESENT = 32
"""The most views whose whole content is kept, with its answers, for the next followers."""
RETRY_AFTER = 60


class BoardKey(NamedTuple):
    """The key of a board: a store and, for a board limited to what a channel may sell, the
    channel."""

    tenant: UUID
    store: UUID
    channel: str | None


class BoardChange(NamedTuple):
    """Products whose display changed at `revision`, and those that left the board.

    Views that show the same part of it share the answers of their events, kept in `answers`.
    """

    revision: int
    shown: Mapping[UUID, Serving]
    gone: Mapping[UUID, Serving]
    answers: defaultdict[Any, dict[Any, Any]]


class View(Protocol):
    """The part of a board that one question follows: some products, or all dishes and services.

    An `exact` view shows numbers, others only labels.
    """

    products: frozenset[UUID] | None
    exact: bool
    present: Event | None

    def hear(self, change: BoardChange) -> None: ...


class StoreBoard(Source):
    """Follows the store's tail, reads stale products once for all views, and notifies the views.

    It exists while it has views.
    """

    def __init__(
        self, cookbook: Cookbook, key: BoardKey, tail: Follower, forget: Callable[[], object]
    ) -> None:
        super().__init__(forget)
        self._cookbook = cookbook
        self._key = key
        self._tail = tail
        self.revision = 0
        self._display = Display()
        self._views: dict[bool, set[View]] = {False: set(), True: set()}
        self._shown: dict[bool, dict[UUID, Serving]] = {}
        self._followed = Counter[UUID]()
        self._unused = 0
        self._has_menu = False
        self._stale: set[UUID] = set()
        self._all_stale = False
        self._reading: asyncio.Task[None] | None = None
        self._read: asyncio.Future[None] | None = None
        self._due = 0.0
        self._kept = deque[View]()
        self._timer: asyncio.TimerHandle | None = None

    async def start(self) -> None:
        await self._tail.first()
        if not self.stopped:
            self._tail.direct(self._hear)
            if self._key.channel is not None:
                self._schedule_full_read()

    def stop(self) -> None:
        super().stop()
        self._tail.close()
        if self._timer is not None:
            self._timer.cancel()

    async def join(self, view: View) -> None:
        """Add the view, and read its products. Raises RateLimited, or the error of the read."""
        views = self._views[view.exact]
        if view not in views:
            views.add(view)
            self._followed.update(view.products or ())
        await self.started()
        if self._mark_unread(view):
            await self._caught_up()
        if view not in views:
            return
        if view.products is not None:
            known = self._display.known(view.products)
            self._release(view.products - known)
            view.products = known
        if view.exact not in self._shown:
            servings = self._display.servings(self._display, view.exact)
            self._shown[view.exact] = {serving.id: serving for serving in servings}

    def drop(self, view: View) -> None:
        """Remove the view; the board stops with its last one."""
        views = self._views[view.exact]
        if view not in views:
            return
        views.remove(view)
        self._release(view.products or ())
        if not views:
            self._shown.pop(view.exact, None)
        if view.products is None:
            self._has_menu = self._has_menu and self._follows_menu()
        if not any(self._views.values()):
            self.stop()
            self._forget()
        elif self._unused > MOST_UNUSED:
            self._all_stale = True
            self._read_soon()

    def shown(self, view: View) -> Mapping[UUID, Serving]:
        """Everything that the view shows."""
        return select(self._shown.get(view.exact, {}), view.products)

    def keep(self, view: View) -> None:
        """Record that the view keeps its present event, and drop the event kept longest if there
        are more than MOST_PRESENT."""
        self._kept.append(view)
        if len(self._kept) > MOST_PRESENT:
            self._kept.popleft().present = None

    def _mark_unread(self, view: View) -> bool:
        """Mark the products as stale that no other view keeps up to date. Returns whether there are
        any. Raises RateLimited."""
        if view.products is None:
            self._all_stale |= not self._has_menu
            return not self._has_menu
        unread = {
            product
            for product in view.products
            if self._followed[product] == 1 or product not in self._display
        }
        self._admit(len(unread))
        self._stale |= unread
        return bool(unread)

    def _admit(self, unread: int) -> None:
        if unread and len(self._display) + len(self._stale) + unread > MOST_PRODUCTS:
            raise RateLimited(
                RETRY_AFTER,
                "正在关注该门店的商品过多，请稍后再试",
                "Too many products of this store are followed now: try again later.",
            )

    def _release(self, products: Iterable[UUID]) -> None:
        for product in products:
            self._followed[product] -= 1
            if self._followed[product] <= 0:
                del self._followed[product]
                self._unused += product in self._display

    def _follows_menu(self) -> bool:
        return any(view.products is None for views in self._views.values() for view in views)

    def _schedule_full_read(self) -> None:
        loop = asyncio.get_running_loop()
        self._timer = loop.call_later(UNSEEN_SECONDS, self._read_everything)

    def _read_everything(self) -> None:
        self._schedule_full_read()
        self._all_stale = True
        self._read_soon()

    def _hear(self, event: Event) -> None:
        try:
            self._apply(event)
        except Exception as error:
            # The event was not applied in full, so the whole board is read again.
            log.warning("menu.failing", store=str(self._key.store), error=error)
            self._all_stale = True
        if self._stale or self._all_stale:
            self._read_soon()

    def _apply(self, event: Event) -> None:
        if isinstance(event, Resync):
            self.revision = event.revision
            self._all_stale = True
        elif isinstance(event, Change) and event.revision > self._display.revision:
            self.revision = max(self.revision, event.revision)
            levels = self._display.newer(event.levels, event.revision)
            self._stale |= self._outdated(event, [level.product_id for level in levels])
            if self._key.channel is None:
                self._display.put(levels)
                users = self._display.users(level.product_id for level in levels)
                self._show(Difference([user for user in users if user not in self._stale], ()))

    def _outdated(self, change: Change, moved: Iterable[UUID]) -> set[UUID]:
        """Products to read again because a recipe, price, sold-out mark or listing changed.

        What a channel may sell depends on its rules and orders too, not on levels alone.
        """
        display = self._display
        outdated = {product for product in change.products if self._has_menu or product in display}
        # Changes of a product's description or listing are recorded as changed documents.
        outdated.update(id for id in change.documents if id in display or id in self._followed)
        if self._key.channel is None:
            return outdated | {
                level.product_id
                for level in change.levels
                if level.product_id in display
                and (
                    level.sold_out_until != display.sold_out_until(level.product_id)
                    or display.is_marked_down(level.product_id)
                )
            }
        if self._key.store in change.documents:
            # The channel's rules changed.
            self._all_stale = True
        elif change.documents:
            outdated |= display.limited
        return outdated.union(display.users(moved))

    def _read_soon(self) -> None:
        if self._reading is None or self._reading.done():
            self._reading = self.run(self._catch_up())

    async def _caught_up(self) -> None:
        """Wait for the next read. Raises the error of the read."""
        if self._read is None:
            self._read = asyncio.get_running_loop().create_future()
        self._read_soon()
        await asyncio.shield(self._read)

    async def _catch_up(self) -> None:
        """Read until nothing is stale; events that arrive meanwhile wait in the mailbox.

        The pause between two reads does not depend on how much is sold. An unexpected error is
        logged once and raised to the views that wait for the read.
        """
        failing = False
        loop = asyncio.get_running_loop()
        while (self._stale or self._all_stale) and not self.stopped:
            self._tail.hold()
            await asyncio.sleep(RETRY_SECONDS if failing else self._due - loop.time())
            stale, all_stale, waiting = self._stale, self._all_stale, self._read
            self._stale, self._all_stale, self._read = set(), False, None
            try:
                await self._read_stale(stale, all_stale)
            except Exception as error:
                self._stale |= stale
                self._all_stale |= all_stale
                if not failing and not is_passing(error):
                    log.warning("menu.failing", store=str(self._key.store), error=error)
                failing = True
                if waiting is not None:
                    waiting.set_exception(error)
            else:
                failing = False
                if waiting is not None:
                    waiting.set_result(None)
                self._tail.direct(self._hear)

    async def _read_stale(self, stale: set[UUID], all_stale: bool) -> None:
        """Read the stale products, or all followed ones, in one transaction."""
        cookbook, key, followed = self._cookbook, self._key, frozenset(self._followed)
        loop = asyncio.get_running_loop()
        began = loop.time()
        if all_stale:
            menu = self._follows_menu()
            products, also = (None, followed) if menu else (followed, ())
            fresh = await patiently(lambda: board(cookbook, *key, products, also))
            self._has_menu = menu and self._follows_menu()
            self._unused = 0
            difference = self._display.replace(fresh)
            self.revision = fresh.revision
        else:
            # Products of views that left meanwhile are dropped.
            reread = stale if self._has_menu else stale & followed
            fresh = await patiently(lambda: board(cookbook, *key, reread))
            difference = self._display.merge(stale, fresh, self._belongs)
            self.revision = max(self.revision, fresh.revision)
        now = loop.time()
        self._due = now + min(max(PACE_RATIO * (now - began), PACE_SECONDS), SLOWEST_SECONDS)
        self._show(difference)

    def _belongs(self, dish: Dish) -> bool:
        return dish.id in self._followed or (self._has_menu and dish.kind in ORDERED)

    def _show(self, difference: Difference) -> None:
        """Notify the views of the products whose display changed."""
        for exact, shown in list(self._shown.items()):
            changed = {
                serving.id: serving
                for serving in self._display.servings(difference.products, exact)
                if shown.get(serving.id) != serving
            }
            gone = {product: shown.pop(product) for product in difference.gone if product in shown}
            shown.update(changed)
            if changed or gone:
                change = BoardChange(self.revision, changed, gone, defaultdict(dict))
                for view in list(self._views[exact]):
                    view.hear(change)


def select(
    servings: Mapping[UUID, Serving], products: frozenset[UUID] | None
) -> dict[UUID, Serving]:
    """The servings of these products; without `products` those of all dishes and services."""
    if products is None:
        return {id: serving for id, serving in servings.items() if serving.kind in ORDERED}
    if len(servings) < len(products):
        return {id: serving for id, serving in servings.items() if id in products}
    return {id: servings[id] for id in products if id in servings}
