"""Roots of registered documents."""

import strawberry
from strawberry.types import Info

from app.db import registered_operations as rows
from app.db import tables
from app.domain import registered_operations as operations
from app.domain.access import Can
from app.domain.registered_operations import MOST_OPERATIONS
from app.resolvers.pages import newest
from app.resolvers.roots import root
from app.schema import registered_operations as types
from app.schema.arguments import After, Before, First, Last
from app.schema.paging import Connection, PageArguments


@strawberry.type
class RegisteredOperationsQuery:
    @root(
        Can.MANAGE_OPERATIONS,
        Connection[types.RegisteredOperation],
        description="List the registered documents of the chain, the newest first. 可信查询列表",
    )
    async def operations(
        self,
        info: Info,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
    ):
        paging = PageArguments(first, after, last, before)
        return await newest(info, rows.operations, paging=paging)


@strawberry.type
class RegisteredOperationsMutation:
    @root(
        Can.MANAGE_OPERATIONS,
        types.RegisterOperationResult,
        description="Register a document of the chain, which clients then run by its SHA-256. It "
        "is parsed, validated and costed now, and you need the permissions of its root fields; "
        "readers need them when they run it. Registering it again only changes `forGuests`. At "
        f"most {MOST_OPERATIONS} documents. 登记可信查询",
    )
    async def register_operation(
        self, info: Info, input: types.RegisterOperationInput
    ) -> tables.RegisteredOperation:
        db, viewer = info.context.app.db, info.context.viewer
        text, for_guests = input.document, input.for_guests
        cost = types.cost_of(info.schema, viewer, text, for_guests)
        return await operations.register(db, viewer, input.key, text, cost, for_guests)

    @root(
        Can.MANAGE_OPERATIONS,
        types.RemoveOperationResult,
        description="Remove a registered document; within a second no process runs it. Feeds that "
        "are open continue. 移除可信查询",
    )
    async def remove_operation(self, info: Info, input: types.RemoveOperationInput):
        db, viewer = info.context.app.db, info.context.viewer
        removed = await operations.remove(db, viewer, input.key, input.sha256)
        return types.RemovedOperation(**removed._asdict())
