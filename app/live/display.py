"""The content of a board, updated in parts: products that were read again, and levels that
changed."""

from collections.abc import Callable, Collection, Iterable, Iterator
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from app.db.menu import Dish
from app.db.tables import Level, Store
from app.domain.catalog.menu import Board, Serving


class Difference(NamedTuple):
    """Products whose display may have changed, and those that left the board."""

    products: Collection[UUID]
    gone: Collection[UUID]


class Display:
    """The products of a board, and which of them use each part of the shelf."""

    def __init__(self) -> None:
        self._board = Board({}, {}, {}, {}, Store(), 0)
        self._users: dict[UUID, set[UUID]] = {}
        self._read_at: dict[UUID, int] = {}

    def __contains__(self, product: object) -> bool:
        return product in self._board.dishes

    def __iter__(self) -> Iterator[UUID]:
        return iter(self._board.dishes)

    def __len__(self) -> int:
        return len(self._board.dishes)

    def known(self, products: Iterable[UUID]) -> frozenset[UUID]:
        """The products among these that are on the board, as the board's own UUID objects, which
        all views share to save memory."""
        dishes = self._board.dishes
        return frozenset(dishes[product].id for product in products if product in dishes)

    @property
    def revision(self) -> int:
        """The revision at which the whole board was read."""
        return self._board.revision

    @property
    def limited(self) -> set[UUID]:
        """Products with a limit of the channel that does not depend on the stock."""
        return {dish.id for dish in self._board.dishes.values() if dish.ration is not None}

    def servings(self, products: Iterable[UUID], exact: bool) -> list[Serving]:
        """How these products can be sold now; those that are not on the board are left out."""
        held = (product for product in products if product in self._board.dishes)
        return self._board.servings(held, exact)

    def is_marked_down(self, product: UUID) -> bool:
        """Whether batches of the product have a markdown, so that its price depends on the batch
        sold next."""
        dish = self._board.dishes.get(product)
        return dish is not None and dish.percent is not None

    def sold_out_until(self, product: UUID) -> datetime | None:
        return self._board.dishes[product].sold_out_until

    def newer(self, levels: Iterable[Level], revision: int) -> list[Level]:
        """The levels of a change at `revision` that the board uses and has not read at a later
        revision."""
        return [
            level
            for level in levels
            if level.product_id in self._users and revision > self._read_at.get(level.product_id, 0)
        ]

    def users(self, parts: Iterable[UUID]) -> list[UUID]:
        """The products that use any of these parts, each once."""
        users = (user for part in parts for user in self._users.get(part, ()))
        return list(dict.fromkeys(users))

    def put(self, levels: Iterable[Level]) -> None:
        """Set the quantities of these levels."""
        for level in levels:
            self._board.shelf[level.product_id] = level.free

    def replace(self, board: Board) -> Difference:
        """Replace the content with a board that was read as a whole."""
        gone = self._board.dishes.keys() - board.dishes.keys()
        self._board = board
        self._users.clear()
        self._read_at.clear()
        for product in board.dishes:
            self._link(product)
        return Difference(board.dishes.keys(), gone)

    def merge(
        self, read: Collection[UUID], board: Board, belongs: Callable[[Dish], bool]
    ) -> Difference:
        """Replace the products that were read again, with their parts. Products that `board` lacks
        are removed."""
        mine = self._board
        dishes = {id: dish for id, dish in board.dishes.items() if belongs(dish)}
        gone = [product for product in read if product in mine.dishes and product not in dishes]
        for product in read:
            self._unlink(product)
        changed = set(dishes)
        for product, dish in dishes.items():
            mine.dishes[product] = dish
            mine.needs[product] = board.needs[product]
            self._link(product)
        for part in {need.product for product in dishes for need in board.needs[product]}:
            if mine.shelf.get(part) != board.shelf.get(part):
                changed |= self._users[part]
            mine.shelf[part], mine.names[part] = board.shelf[part], board.names[part]
            self._read_at[part] = board.revision
        if board.store.few_threshold != mine.store.few_threshold:
            self._board = mine._replace(store=board.store)
            changed = set(mine.dishes)
        return Difference(changed, gone)

    def _link(self, product: UUID) -> None:
        for need in self._board.needs[product]:
            self._users.setdefault(need.product, set()).add(product)

    def _unlink(self, product: UUID) -> None:
        board = self._board
        board.dishes.pop(product, None)
        for need in board.needs.pop(product, ()):
            users = self._users.get(need.product, set())
            users.discard(product)
            if not users:
                for held in (self._users, board.shelf, board.names, self._read_at):
                    held.pop(need.product, None)
