"""Menus and customers' labels: the part of a store's board that one question follows."""

from collections import defaultdict
from collections.abc import Callable, Iterable
from typing import NamedTuple
from uuid import UUID

from app.domain.catalog.menu import Serving
from app.domain.feed import AvailabilityChange, Event, MenuChange
from app.live.board import BoardChange, BoardKey, StoreBoard, select
from app.live.follower import Source


class Key(NamedTuple):
    """The key of a menu: these products, or all dishes and services; with a channel, limited to
    what it may sell.

    `products` are sorted and packed into bytes, because a key lives as long as its followers.
    `exact` followers get every change of a number, others only changes of a label.
    """

    tenant: UUID
    store: UUID
    channel: str | None
    products: bytes | None
    exact: bool = False

    @property
    def board(self) -> BoardKey:
        return BoardKey(self.tenant, self.store, self.channel)


def packed(products: Iterable[UUID]) -> bytes:
    """The same bytes for the same products, in any order."""
    return b"".join(sorted({product.bytes for product in products}))


def unpacked(products: bytes) -> frozenset[UUID]:
    """The products of `packed`."""
    starts = range(0, len(products), 16)
    return frozenset(UUID(bytes=products[start : start + 16]) for start in starts)


class Menu(Source):
    """Publishes the changes that its followers see. It exists while it has followers."""

    def __init__(
        self, key: Key, find_board: Callable[[], StoreBoard], forget: Callable[[], object]
    ) -> None:
        super().__init__(forget)
        self.products = None if key.products is None else unpacked(key.products)
        self.exact = key.exact
        self.present: Event | None = None
        self._key = key
        self._find_board = find_board
        self._board: StoreBoard | None = None

    async def start(self) -> None:
        if not self.stopped:
            self._board = self._find_board()
            await self._board.join(self)

    def stop(self) -> None:
        super().stop()
        self.present = None
        if self._board is not None:
            self._board.drop(self)

    async def now(self) -> Event:
        """The whole menu; followers that join before the next change share the event."""
        if self._board is None or self.stopped:
            return self._event(BoardChange(0, {}, {}, defaultdict(dict)))
        if self.present is None:
            shown = self._board.shown(self)
            whole = BoardChange(self._board.revision, shown, {}, defaultdict(dict))
            self.present = self._event(whole)
            self._board.keep(self)
        return self.present

    def hear(self, change: BoardChange) -> None:
        """Publish the part of the change that this menu shows, if there is one."""
        shown = select(change.shown, self.products)
        gone = select(change.gone, self.products)
        if shown or gone:
            self.present = None
            self.publish(self._event(change._replace(shown=shown, gone=gone)))

    def _event(self, change: BoardChange) -> Event:
        kind = MenuChange if self._key.products is None else AvailabilityChange
        gone = frozenset(change.gone)
        return kind(
            tenant=self._key.tenant,
            revision=change.revision,
            shown={serving.id: serving for serving in sorted(change.shown.values(), key=by_name)},
            gone=gone,
            answers=change.answers[kind, frozenset(change.shown), gone],
        )


def by_name(serving: Serving) -> tuple[str, UUID]:
    return serving.dish.pinyin, serving.id
