"""Loaders: rows by id, many ids a query, each batch in a read of its own."""

from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterable
from typing import TYPE_CHECKING, Any
from uuid import UUID

from strawberry.dataloader import DataLoader

from app.db import catalog, identity, stock
from app.db.unit import Database

if TYPE_CHECKING:
    from app.schema.context import Context


class Loaders:
    """They never cache: a context may live as long as a websocket does.

    The tenant is the context's, read when a batch is loaded: an anonymous storefront query
    learns it from the store's code.
    """

    def __init__(self, db: Database, context: "Context") -> None:
        self._db = db
        self._context = context
        self.products = self._by_id(catalog.products_by_id)
        self.categories = self._by_id(catalog.categories_by_id)
        self.stores = self._by_id(identity.stores_by_id)
        self.actors = self._by_id(identity.actors_by_id)
        self.tenants = self._of(identity.tenants_by_id)
        self.staff_stores = self._of(identity.stores_of_staff)
        self.levels = self._of(stock.levels_by_pair)
        self.movements = self._by_id(stock.movements_by_id)
        self.reversals = self._of(stock.reversals_of)
        self.entries = self._grouped(stock.entries_of, lambda row: row.movement_id)
        self.barcodes = self._grouped(catalog.barcodes_of, lambda row: row.product_id)

    def _of(self, read: Callable[..., Awaitable[dict[Any, Any]]]) -> DataLoader[Any, Any]:
        async def load(keys: list[Any]) -> list[Any]:
            found = await self._read(read, keys)
            return [found.get(key) for key in keys]

        return DataLoader(load_fn=load, cache=False)

    def _by_id(self, read: Callable[..., Awaitable[Iterable[Any]]]) -> DataLoader[UUID, Any]:
        async def load(keys: list[UUID]) -> list[Any]:
            found = {row.id: row for row in await self._read(read, keys)}
            return [found.get(key) for key in keys]

        return DataLoader(load_fn=load, cache=False)

    def _grouped(
        self, read: Callable[..., Awaitable[Iterable[Any]]], group: Callable[[Any], UUID]
    ) -> DataLoader[UUID, Any]:
        async def load(keys: list[UUID]) -> list[Any]:
            found: dict[UUID, list[Any]] = defaultdict(list)
            for row in await self._read(read, keys):
                found[group(row)].append(row)
            return [found[key] for key in keys]

        return DataLoader(load_fn=load, cache=False)

    async def _read(self, read: Callable[..., Awaitable[Any]], keys: list[Any]) -> Any:
        tenant = self._context.tenant
        async with self._db.read(tenant) as session:
            return await read(session, tenant, list(set(keys)))
