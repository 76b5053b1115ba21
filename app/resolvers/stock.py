"""Roots of the stock topic."""

from datetime import datetime
from uuid import UUID

import strawberry
from strawberry.types import Info

from app.db import stock as rows
from app.db import tables
from app.db.identity import scale_labels
from app.domain import access
from app.domain.access import Can
from app.domain.catalog.codes import find_product, read_code
from app.domain.errors import Refusal
from app.domain.ledger.post import Outcome
from app.domain.movements import record
from app.domain.movements.record import MovementTerms
from app.domain.rules.kinds import Kind
from app.domain.rules.texts import clean
from app.resolvers.pages import newest
from app.resolvers.roots import root
from app.schema import stock as types
from app.schema.paging import Connection, connection, page
from app.schema.scalars import distinct, quantity

SORT_KEYS = {"NAME": str, "AVAILABLE": int}


async def post(
    info: Info,
    can: Can,
    kind: Kind,
    input: types.OpenStockInput | types.ReceiveInput | types.AdjustInput | types.LinesInput,
    document: str | None = None,
) -> Outcome:
    """A movement along the kind's own route, in a store that the permission reaches."""
    books, viewer = info.context.app.books, info.context.viewer
    store, terms = access.at(viewer, can, input.store_id), MovementTerms(document=document)
    return await record.record(books, viewer, kind, store, input.lines, input, terms)


@strawberry.type
class StockQuery:
    @root(Can.SEE_STOCK, Connection[types.Level], description="Levels of your stores. 库存列表")
    async def levels(
        self,
        info: Info,
        store_ids: list[UUID] | None = None,
        category_id: UUID | None = None,
        status: types.LevelStatus | None = None,
        search: str | None = None,
        sort: types.LevelSort | None = None,
        first: int | None = None,
        after: str | None = None,
    ):
        viewer, by = info.context.viewer, (sort or types.LevelSort.NAME).name
        wanted = page(first, after, SORT_KEYS[by], UUID, UUID)
        stores = access.within(viewer, Can.SEE_STOCK, store_ids)
        chosen = rows.LevelFilter(
            stores, category_id, status and status.name, clean(search, "search", 100)
        )
        async with info.context.app.db.read(viewer.tenant) as session:
            found = await rows.levels(
                session, viewer.tenant, chosen, by, wanted.after, wanted.limit
            )
        keys = {id(level): (key, level.product_id, level.store_id) for level, key in found}
        return connection([level for level, _ in found], wanted, lambda row: keys[id(row)])

    @root(Can.SEE_STOCK, Connection[types.Movement], description="The newest first. 流水")
    async def movements(
        self,
        info: Info,
        store_id: UUID | None = None,
        product_id: UUID | None = None,
        kinds: list[types.MovementKind] | None = None,  # pyright: ignore[reportInvalidTypeForm]
        channel: types.Channel | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        first: int | None = None,
        after: str | None = None,
    ):
        viewer = info.context.viewer
        stores = access.within(viewer, Can.SEE_STOCK, store_id and [store_id])
        names = distinct(kinds, "kinds")
        chosen = rows.MovementFilter(
            stores, product_id, names, channel and channel.name, since, until
        )
        return await newest(info, rows.movements, chosen, first=first, after=after)

    @root(Can.SEE_STOCK, types.Movement | None, description="One movement. 单据")
    async def movement(self, info: Info, id: UUID) -> tables.Movement | None:
        viewer = info.context.viewer
        async with info.context.app.db.read(viewer.tenant) as session:
            found = await rows.movements_by_id(session, viewer.tenant, [id])
        seen = access.within(viewer, Can.SEE_STOCK, [row.store_id for row in found])
        return found[0] if seen else None

    @root(Can.SEE_STOCK, types.Scan | None, description="What a code means here. 扫码")
    async def scan(self, info: Info, store_id: UUID, code: str) -> types.Scan | None:
        viewer, named = info.context.viewer, None
        if not access.within(viewer, Can.SEE_STOCK, [store_id]):
            return None
        async with info.context.app.db.read(viewer.tenant) as session:
            read = read_code(code, await scale_labels(session, viewer.tenant, store_id))
            if read.fault is None:
                named = await find_product(session, viewer.tenant, read.name)
            found = await rows.scanned(session, viewer.tenant, store_id, named and named[0].id)
        return types.Scan(
            code=code.strip(),
            content=read,  # pyright: ignore[reportArgumentType]
            product=named and named[0],  # pyright: ignore[reportArgumentType]
            pack_quantity=named and quantity(named[1], named[0].scale),
            level=found[0],  # pyright: ignore[reportArgumentType]
            last_receipt=found[1],  # pyright: ignore[reportArgumentType]
            can=[can for can in Can if access.within(viewer, can, [store_id])],
        )


@strawberry.type
class StockMutation:
    @root(Can.RECEIVE, types.PostResult, description="Record opening stock. 期初入库")
    async def open_stock(self, info: Info, input: types.OpenStockInput) -> Outcome:
        return await post(info, Can.RECEIVE, Kind.OPENING, input)

    @root(Can.RECEIVE, types.PostResult, description="Receive goods from a supplier. 入库")
    async def receive(self, info: Info, input: types.ReceiveInput) -> Outcome:
        document = clean(input.document, "document", 100)
        return await post(info, Can.RECEIVE, Kind.RECEIPT, input, document=document)

    @root(Can.ADJUST, types.PostResult, description="Correct a number by hand. 手工调整")
    async def adjust(self, info: Info, input: types.AdjustInput) -> Outcome:
        return await post(info, Can.ADJUST, Kind[input.kind.name], input)

    @root(Can.CONSUME, types.PostResult, description="Use stock up in the shop. 自用")
    async def consume(self, info: Info, input: types.LinesInput) -> Outcome:
        return await post(info, Can.CONSUME, Kind.CONSUMPTION, input)

    @root(Can.PRODUCE, types.PostResult, description="Put what the shop made on the shelf. 自制")
    async def produce(self, info: Info, input: types.LinesInput) -> Outcome:
        return await post(info, Can.PRODUCE, Kind.PRODUCTION, input)

    @root(Can.RETURN_TO_SUPPLIER, types.PostResult, description="Send goods back. 退供应商")
    async def return_to_supplier(self, info: Info, input: types.LinesInput) -> Outcome:
        return await post(info, Can.RETURN_TO_SUPPLIER, Kind.SUPPLIER_RETURN, input)

    @root(Can.REVERSE, types.PostResult, description="Undo a movement, once. 冲销")
    async def reverse(self, info: Info, input: types.ReverseInput) -> Outcome | Refusal:
        context = info.context
        draft = await record.reversal(
            context.app.db, context.viewer, input.key, input.movement_id, input.reason
        )
        return await context.app.books.post(context.viewer.tenant, draft)
