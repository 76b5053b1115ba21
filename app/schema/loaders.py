"""Loaders: rows by id, many ids per query, all in the snapshot of one operation."""

from collections import defaultdict
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from operator import attrgetter
from typing import Any
from uuid import UUID

from strawberry.dataloader import DataLoader

from app.db import (
    alert_facts,
    alerts,
    assortment,
    batches,
    catalog,
    categories,
    channel_accounts,
    channels,
    codes,
    identity,
    markdowns,
    menu,
    notices,
    orders,
    passes,
    positions,
    purchases,
    recipes,
    scans,
    stock,
    tills,
    transfers,
    units,
    writeoffs,
)
from app.db.core.snapshot import Snapshot
from app.domain.documents import approvals, returns, suggestions, worksheet
from app.domain.notices import suggestions as alert_suggestions
from app.domain.rules.replenishment import PERIOD_DAYS
from app.live.documents import Topic, open_pages
from app.schema.topics import TOPICS

Read = Callable[..., Awaitable[Any]]


def of(read: Read) -> Read:
    """Load values by key from a read that returns them in a dict; absent keys give None."""

    async def load(session: Any, tenant: UUID, keys: list[Any]) -> list[Any]:
        values = await read(session, tenant, list(set(keys)))
        return [values.get(key) for key in keys]

    return load


def by(key: Callable[[Any], Any], read: Read) -> Read:
    """Load rows by key from a read that returns the rows; absent keys give None."""

    async def load(session: Any, tenant: UUID, keys: list[Any]) -> list[Any]:
        rows = {key(row): row for row in await read(session, tenant, list(set(keys)))}
        return [rows.get(one) for one in keys]

    return load


def grouped(key: Callable[[Any], Any], read: Read) -> Read:
    """Load lists of rows by a key that several rows may share; absent keys give an empty list."""

    async def load(session: Any, tenant: UUID, keys: list[Any]) -> list[Any]:
        rows: dict[Any, list[Any]] = defaultdict(list)
        for row in await read(session, tenant, list(set(keys))):
            rows[key(row)].append(row)
        return [rows[one] for one in keys]

    return load


def open_of(topic: Topic) -> Read:
    """Load all open documents of a store, the oldest first, page by page."""

    async def load(session: Any, tenant: UUID, stores: list[UUID]) -> list[list[Any]]:
        return [await every_page(session, tenant, store) for store in stores]

    async def every_page(session: Any, tenant: UUID, store: UUID) -> list[Any]:
        async def page(after: UUID | None, limit: int) -> Sequence[Any]:
            return await topic.open(session, tenant, [store], after, limit)

        return [row async for rows, _ in open_pages(page) for row in rows]

    return load


ID = attrgetter("id")
READS: dict[str, Read] = {
    **{topic.name: by(ID, topic.by_id) for topic in TOPICS},
    "products": by(ID, catalog.products_by_id),
    "categories": by(ID, categories.categories_by_id),
    "category_paths": of(categories.paths),
    "stores": by(ID, identity.stores_by_id),
    "actors": by(ID, identity.actors_by_id),
    "tenants": of(identity.tenants_by_id),
    "staff_stores": of(identity.stores_of_staff),
    "levels": of(stock.levels_by_pair),
    "alert_facts": of(alert_facts.alert_facts),
    "markdowns": of(markdowns.markdowns_of),
    "alert_suggestions": of(alert_suggestions.suggestion_facts),
    "level_alerts": grouped(attrgetter("store_id", "product_id"), alerts.alerts_of_levels),
    "batch_alerts": grouped(
        attrgetter("store_id", "product_id", "batch_id"), alerts.alerts_of_batches
    ),
    "alert_deliveries": grouped(attrgetter("alert_id"), notices.deliveries_of),
    "sold_lately": of(partial(alert_facts.sold_lately, days=PERIOD_DAYS)),
    "sellable": of(menu.sellable_by_offer),
    "movements": by(ID, stock.movements_by_id),
    "reversals": of(stock.reversals_of),
    "entries": grouped(attrgetter("movement_id"), stock.entries_of),
    "line_returns": of(returns.returned_lines),
    "order_returns": of(returns.order_returns),
    "batches": by(ID, batches.batches_by_id),
    "batch_levels": grouped(attrgetter("store_id", "product_id"), batches.batches_of),
    "recipes": by(ID, recipes.recipes_by_id),
    "components": grouped(attrgetter("recipe_id"), recipes.components_of),
    "units": grouped(attrgetter("product_id"), units.units_of),
    "channel_rules": grouped(attrgetter("product_id"), channels.rules_of),
    "passes": by(ID, passes.passes_by_id),
    "listings": grouped(attrgetter("link_id"), channel_accounts.listings_of),
    "order_lines": grouped(attrgetter("order_id"), orders.lines_of),
    "transfer_lines": grouped(attrgetter("transfer_id"), transfers.lines_of),
    "transfer_returns": grouped(attrgetter("return_of"), transfers.returns_of),
    "document_movements": grouped(attrgetter("document_id"), orders.movements_of),
    "write_off_lines": grouped(attrgetter("write_off_id"), writeoffs.lines_of),
    "worksheets": of(worksheet.worksheets),
    "late_sales": of(positions.late_sales),
    "suggestions": of(suggestions.suggestions),
    "approvers": of(approvals.approvers),
    "wasted": by(attrgetter("write_off_id", "line"), writeoffs.wasted_by_line),
    "tills": by(ID, tills.tills_by_id),
    "tills_in_use": grouped(attrgetter("store_id"), tills.tills_in_use),
    "suppliers": by(ID, purchases.suppliers_by_id),
    "purchase_lines": grouped(attrgetter("purchase_id"), purchases.lines_of),
    "on_order": of(purchases.on_order),
    "order_passes": grouped(attrgetter("order_id"), passes.passes_of_orders),
    "scans": grouped(attrgetter("session_id"), scans.scans_of),
    "scan_pages": of(scans.scan_pages),
    "redemptions": grouped(attrgetter("pass_id"), passes.redemptions_of),
    "assortment": grouped(attrgetter("product_id"), assortment.entries_of),
    "barcodes": grouped(attrgetter("product_id"), codes.barcodes_of),
}


class Loaders:
    """One loader per name of `READS` and per topic, created when it is first used.

    Loaded values and errors are cached, so that nothing is read twice when graphql-core completes a
    value that a plan could not. `Context.forget_loads` empties the cache.
    """

    def __init__(self, snapshot: Snapshot, tenant: UUID | None) -> None:
        self._snapshot = snapshot
        self._tenant = tenant

    def __getattr__(self, name: str) -> DataLoader[Any, Any]:
        return self._loader(name, READS[name])

    def documents(self, topic: Topic) -> DataLoader[UUID, Any]:
        """Documents of the topic by id."""
        return self._loader(topic.name, by(ID, topic.by_id))

    def open_documents(self, topic: Topic) -> DataLoader[UUID, list[Any]]:
        """Open documents of the topic by store."""
        return self._loader(f"open {topic.name}", open_of(topic))

    def _loader(self, name: str, read: Read) -> DataLoader[Any, Any]:
        loaders, snapshot, tenant = self.__dict__, self._snapshot, self._tenant
        if name not in loaders:
            # This closure must not refer to the loaders: a reference cycle would keep their rows in
            # memory until the garbage collector runs.
            async def load(keys: list[Any]) -> list[Any]:
                async with snapshot.read(tenant, by_keys=True) as session:
                    return await read(session, tenant, keys)

            loaders[name] = DataLoader(load_fn=load)
        return loaders[name]
