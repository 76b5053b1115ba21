"""Roots of the stock topic."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

import strawberry
from strawberry.types import Info

from app.db import stock as rows
from app.db import tables
from app.domain import access
from app.domain.access import Can
from app.domain.catalog import codes
from app.domain.documents import approvals, reversals
from app.domain.errors import Refusal
from app.domain.ledger.post import Outcome
from app.domain.movements import record
from app.domain.movements.record import MovementTerms
from app.domain.rules.kinds import Kind
from app.domain.rules.texts import clean, search_words
from app.resolvers.pages import listed, newest
from app.resolvers.roots import root
from app.schema import stock as types
from app.schema import stock_changes as changes
from app.schema.arguments import After, Before, First, Last, StoreIds, UpdatedSince, at_most
from app.schema.edges import selects
from app.schema.paging import Connection, PageArguments, page
from app.schema.scalars import MOST_VALUES, distinct

SORT_KEYS = {"NAME": str, "AVAILABLE": int}


async def post(
    info: Info,
    can: Can,
    kind: Kind,
    input: changes.OpenStockInput | changes.ReceiveInput | changes.AdjustInput | changes.LinesInput,
    document: str | None = None,
    limited: bool = False,
) -> Outcome:
    """A movement along the kind's own route, in a store that the permission reaches; a `limited`
    one waits for a second person above the limit of the viewer's role."""
    books, viewer = info.context.app.books, info.context.viewer
    store, terms = access.at(viewer, can, input.store_id), MovementTerms(document=document)
    what = kind, store, input.lines, input, terms
    prepared = await record.prepare(books.db, viewer, *what)
    if limited:
        return await approvals.book(books, viewer, prepared)
    return (await record.post_prepared(books, viewer, prepared))[1]


def level_of(sorted: tuple[tables.Level, object]) -> tables.Level:
    return sorted[0]


def level_key(sorted: tuple[tables.Level, object]) -> tuple[object, ...]:
    """What the cursor of a level holds."""
    level, key = sorted
    return key, level.product_id, level.store_id


@strawberry.type
class StockQuery:
    @root(
        Can.SEE_STOCK,
        Connection[types.Level],
        description="List stock levels of your stores. 库存列表",
    )
    async def levels(
        self,
        info: Info,
        store_ids: StoreIds = None,
        category_id: Annotated[
            UUID | None,
            strawberry.argument(
                description="Return only products of this category and of those below it."
            ),
        ] = None,
        status: Annotated[
            types.LevelStatus | None,
            strawberry.argument(description="Return only levels with this status."),
        ] = None,
        search: Annotated[
            str | None,
            strawberry.argument(
                description="Return only products whose name, SKU, barcode or pinyin initials "
                "match, at most 100 characters."
            ),
        ] = None,
        archived: Annotated[
            bool | None,
            strawberry.argument(
                description="Return levels of archived products instead of active ones; false by "
                "default."
            ),
        ] = None,
        sort: Annotated[
            types.LevelSort | None,
            strawberry.argument(description="Sort order of the list; NAME by default."),
        ] = None,
        updated_since: UpdatedSince = None,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
    ):
        by = (sort or types.LevelSort.NAME).name
        part = page(PageArguments(first, after, last, before), SORT_KEYS[by], UUID, UUID)
        chosen = rows.LevelFilter(
            access.within(info.context.viewer, Can.SEE_STOCK, store_ids),
            category_id,
            status and status.name,
            search_words(search),
            archived if updated_since is not None else bool(archived),
            updated_since,
        )
        what = part, rows.levels, chosen, by, selects(info, "nodes", "store")
        return await listed(info, *what, key=level_key, node=level_of, updated_since=updated_since)

    @root(
        Can.SEE_STOCK,
        Connection[types.Movement],
        description="List movements of your stores, the newest first. 流水",
    )
    async def movements(
        self,
        info: Info,
        store_id: Annotated[
            UUID | None, strawberry.argument(description="Return only movements of this store.")
        ] = None,
        product_id: Annotated[
            UUID | None, strawberry.argument(description="Return only movements of this product.")
        ] = None,
        kinds: Annotated[
            list[Kind] | None,
            strawberry.argument(
                description="Return only movements of these kinds.", metadata=at_most(MOST_VALUES)
            ),
        ] = None,
        channel: Annotated[
            types.Channel | None,
            strawberry.argument(description="Return only movements of this channel."),
        ] = None,
        since: Annotated[
            datetime | None,
            strawberry.argument(description="Return only movements at or after this time."),
        ] = None,
        until: Annotated[
            datetime | None,
            strawberry.argument(description="Return only movements before this time."),
        ] = None,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
    ):
        viewer = info.context.viewer
        stores = access.within(viewer, Can.SEE_STOCK, store_id and [store_id])
        names = distinct(kinds, "kinds")
        chosen = rows.MovementFilter(
            stores, product_id, names, channel and channel.name, since, until
        )
        return await newest(
            info, rows.movements, chosen, paging=PageArguments(first, after, last, before)
        )

    @root(
        Can.SEE_STOCK,
        types.Movement | None,
        description="Return one movement, or null if there is none. 单据",
    )
    async def movement(
        self,
        info: Info,
        id: Annotated[UUID, strawberry.argument(description="ID of the movement.")],
    ) -> tables.Movement | None:
        viewer = info.context.viewer
        async with info.context.snapshot.read(viewer.tenant) as session:
            movements = await rows.movements_by_id(session, viewer.tenant, [id])
        seen = access.within(viewer, Can.SEE_STOCK, [row.store_id for row in movements])
        return movements[0] if seen else None

    @root(
        Can.SEE_STOCK,
        types.Scan | None,
        description="Look up a scanned code in a store; null if you may not see the store. 扫码",
    )
    async def scan(
        self,
        info: Info,
        store_id: Annotated[
            UUID, strawberry.argument(description="ID of the store where the code was scanned.")
        ],
        code: Annotated[
            str,
            strawberry.argument(
                description="Scanned code: a barcode, a SKU, a GS1 code or a scale label. 条码"
            ),
        ],
    ) -> types.Scan | None:
        viewer = info.context.viewer
        if not access.within(viewer, Can.SEE_STOCK, [store_id]):
            return None
        async with info.context.snapshot.read(viewer.tenant) as session:
            scanned = await codes.scan(session, viewer.tenant, store_id, code)
        can = [can for can in Can if access.within(viewer, can, [store_id])]
        return types.scan_of(code.strip(), scanned, can)


@strawberry.type
class StockMutation:
    @root(
        Can.RECEIVE,
        types.PostResult,
        description="Record opening stock when record keeping begins. 期初入库",
    )
    async def open_stock(self, info: Info, input: changes.OpenStockInput) -> Outcome:
        return await post(info, Can.RECEIVE, Kind.OPENING, input)

    @root(Can.RECEIVE, types.PostResult, description="Receive goods from a supplier. 入库")
    async def receive(self, info: Info, input: changes.ReceiveInput) -> Outcome:
        document = clean(input.document, "document", 100)
        return await post(info, Can.RECEIVE, Kind.RECEIPT, input, document=document)

    @root(
        Can.ADJUST,
        types.PostResult,
        description="Adjust stock by hand. Fails with VersionConflict if the level changed since "
        "you read it. Above the limit of your role it waits for a second person: "
        "SecondPersonNeeded. 手工调整",
    )
    async def adjust(self, info: Info, input: changes.AdjustInput) -> Outcome:
        return await post(info, Can.ADJUST, Kind[input.kind.name], input, limited=True)

    @root(
        Can.CONSUME,
        types.PostResult,
        description="Consume goods for the store's own use. Above the limit of your role it waits "
        "for a second person: SecondPersonNeeded. 自用",
    )
    async def consume(self, info: Info, input: changes.LinesInput) -> Outcome:
        return await post(info, Can.CONSUME, Kind.CONSUMPTION, input, limited=True)

    @root(
        Can.PRODUCE,
        types.PostResult,
        description="Record goods that the store made itself, and put them on the shelf. Above the "
        "limit of your role it waits for a second person: SecondPersonNeeded. 自制",
    )
    async def produce(self, info: Info, input: changes.LinesInput) -> Outcome:
        return await post(info, Can.PRODUCE, Kind.PRODUCTION, input, limited=True)

    @root(
        Can.RETURN_TO_SUPPLIER,
        types.PostResult,
        description="Return goods to a supplier: from the shelf first, the rest from quarantine. "
        "退供应商",
    )
    async def return_to_supplier(self, info: Info, input: changes.LinesInput) -> Outcome:
        return await post(info, Can.RETURN_TO_SUPPLIER, Kind.SUPPLIER_RETURN, input)

    @root(
        Can.REVERSE,
        types.PostResult,
        description="Reverse a movement once; a new movement with opposite lines is recorded. "
        "A receipt of a purchase order or transfer and a redemption are undone in their document "
        "as well; movements of other documents fail with WrongState, which says what to use. 冲销",
    )
    async def reverse(self, info: Info, input: changes.ReverseInput) -> Outcome | Refusal:
        what = input.key, input.movement_id, input.reason
        return await reversals.reverse(info.context.app.books, info.context.viewer, *what)
