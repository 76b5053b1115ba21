"""Root of markdowns."""

import strawberry
from strawberry.types import Info

from app.domain.access import Can
from app.domain.catalog.markdowns import MarkdownRequest, set_markdown
from app.resolvers.roots import root
from app.schema import markdowns as types
from app.schema.arguments import required


@strawberry.type
class MarkdownsMutation:
    @root(
        Can.SET_PRICE,
        types.MarkdownResult,
        description="Sell a batch at a lower price until a day, or end that. Counter sales without "
        "a price of their own, orders and the storefront follow at once. 设置临期折扣",
    )
    async def set_markdown(self, info: Info, input: types.SetMarkdownInput):
        percent = required(input.percent, "percent")
        request = MarkdownRequest(input.key, input.store_id, input.batch_id, percent, input.until)
        return await set_markdown(info.context.app.db, info.context.viewer, request)
