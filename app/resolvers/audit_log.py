"""Root of the audit log."""

from datetime import datetime
from typing import Annotated

import strawberry
from strawberry.types import Info

from app.db import audit_log as rows
from app.domain.access import Can
from app.domain.audit_log import Act, visible_to
from app.resolvers.pages import newest
from app.resolvers.roots import root
from app.schema import audit_log as types
from app.schema.arguments import After, Before, First, Last, StoreIds
from app.schema.paging import Connection, PageArguments


@strawberry.type
class AuditLogQuery:
    @root(
        Can.SEE_AUDIT,
        Connection[types.AuditRecord],
        description="List privileged acts, the newest first. Managers see the acts in their own "
        "stores, purchasers those in all stores; owners also see acts that concern the whole "
        "chain, unless `storeIds` is given. 操作记录",
    )
    async def audit_log(
        self,
        info: Info,
        store_ids: StoreIds = None,
        act: Annotated[
            Act | None, strawberry.argument(description="Return only acts of this kind.")
        ] = None,
        since: Annotated[
            datetime | None, strawberry.argument(description="Return only acts from this time on.")
        ] = None,
        until: Annotated[
            datetime | None, strawberry.argument(description="Return only acts before this time.")
        ] = None,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
    ):
        chosen = visible_to(info.context.viewer, store_ids)._replace(
            act=act and act.name, since=since, until=until
        )
        return await newest(
            info, rows.records, chosen, paging=PageArguments(first, after, last, before)
        )
