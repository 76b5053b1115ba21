"""Loaders: rows by id, many ids a query, each batch in a read of its own."""

from collections import defaultdict
from collections.abc import Awaitable, Callable
from operator import attrgetter
from typing import TYPE_CHECKING, Any
from uuid import UUID

from strawberry.dataloader import DataLoader

from app.db import (
    alerts,
    batches,
    catalog,
    channel_accounts,
    channels,
    identity,
    menu,
    orders,
    passes,
    purchases,
    recipes,
    stock,
    transfers,
    units,
    writeoffs,
)
from app.db.core.unit import Database

if TYPE_CHECKING:
    from app.schema.context import Context


Read = Callable[..., Awaitable[Any]]


def of(read: Read) -> Read:
    """`read` gives the rows by their keys; where there is none, None."""

    async def load(session: Any, tenant: UUID, keys: list[Any]) -> list[Any]:
        found = await read(session, tenant, list(set(keys)))
        return [found.get(key) for key in keys]

    return load


def by(key: Callable[[Any], Any], read: Read) -> Read:
    """`read` gives rows, each found by a key of its own."""

    async def load(session: Any, tenant: UUID, keys: list[Any]) -> list[Any]:
        found = {key(row): row for row in await read(session, tenant, list(set(keys)))}
        return [found.get(one) for one in keys]

    return load


def grouped(key: Callable[[Any], Any], read: Read) -> Read:
    """`read` gives rows in order, several of which may share a key."""

    async def load(session: Any, tenant: UUID, keys: list[Any]) -> list[Any]:
        found: dict[Any, list[Any]] = defaultdict(list)
        for row in await read(session, tenant, list(set(keys))):
            found[key(row)].append(row)
        return [found[one] for one in keys]

    return load


ID = attrgetter("id")
READS = {
    "products": by(ID, catalog.products_by_id),
    "categories": by(ID, catalog.categories_by_id),
    "stores": by(ID, identity.stores_by_id),
    "actors": by(ID, identity.actors_by_id),
    "tenants": of(identity.tenants_by_id),
    "staff_stores": of(identity.stores_of_staff),
    "levels": of(stock.levels_by_pair),
    "sellable": of(menu.sellable_by_offer),
    "movements": by(ID, stock.movements_by_id),
    "reversals": of(stock.reversals_of),
    "entries": grouped(attrgetter("movement_id"), stock.entries_of),
    "batches": by(ID, batches.batches_by_id),
    "batch_levels": grouped(attrgetter("store_id", "product_id"), batches.batches_of),
    "recipes": by(ID, recipes.recipes_by_id),
    "components": grouped(attrgetter("recipe_id"), recipes.components_of),
    "units": grouped(attrgetter("product_id"), units.units_of),
    "channel_rules": grouped(attrgetter("product_id"), channels.rules_of),
    "passes": by(ID, passes.passes_by_id),
    "listings": grouped(attrgetter("link_id"), channel_accounts.listings_of),
    "alerts": by(ID, alerts.alerts_by_id),
    "open_alerts": grouped(attrgetter("store_id"), alerts.open_alerts),
    "orders": by(ID, orders.orders_by_id),
    "order_lines": grouped(attrgetter("order_id"), orders.lines_of),
    "transfers": by(ID, transfers.transfers_by_id),
    "transfer_lines": grouped(attrgetter("transfer_id"), transfers.lines_of),
    "transfer_returns": grouped(attrgetter("return_of"), transfers.returns_of),
    "document_movements": grouped(attrgetter("document_id"), orders.movements_of),
    "write_offs": by(ID, writeoffs.write_offs_by_id),
    "write_off_lines": grouped(attrgetter("write_off_id"), writeoffs.lines_of),
    "wasted": by(attrgetter("write_off_id", "line"), writeoffs.wasted_by_line),
    "suppliers": by(ID, purchases.suppliers_by_id),
    "purchases": by(ID, purchases.purchases_by_id),
    "purchase_lines": grouped(attrgetter("purchase_id"), purchases.lines_of),
    "on_order": of(purchases.on_order),
    "redemptions": grouped(attrgetter("pass_id"), passes.redemptions_of),
    "barcodes": grouped(attrgetter("product_id"), catalog.barcodes_of),
}


class Loaders:
    """One loader a name of `READS`, made when it is first used.

    They never cache: a context may live as long as a websocket does. The tenant is the
    context's, read when a batch is loaded: an anonymous storefront query learns it from the
    store's code.
    """

    def __init__(self, db: Database, context: "Context") -> None:
        self._db = db
        self._context = context

    def __getattr__(self, name: str) -> DataLoader[Any, Any]:
        read = READS[name]

        async def load(keys: list[Any]) -> list[Any]:
            tenant = self._context.tenant
            async with self._db.read(tenant) as session:
                return await read(session, tenant, keys)

        made = self.__dict__[name] = DataLoader(load_fn=load, cache=False)
        return made
