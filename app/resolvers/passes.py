"""Roots of the passes topic."""

from typing import Annotated
from uuid import UUID

import strawberry
from strawberry.types import Info

from app.db import passes as rows
from app.db.passes import PassFilter
from app.db.tables import Pass, Redemption
from app.domain import access
from app.domain.access import Can
from app.domain.documents import passes, reversals
from app.domain.documents.redemptions import redeem_paid, redeem_pass
from app.domain.errors import Malformed
from app.domain.ledger.channel_limits import COUNTER
from app.domain.movements.lines import wish_of
from app.domain.people import contacts
from app.domain.rules.texts import clean
from app.resolvers.pages import newest
from app.resolvers.roots import root
from app.schema import passes as types
from app.schema.arguments import After, Before, First, Last, StoreIds
from app.schema.paging import Connection, PageArguments
from app.schema.stock_changes import ReverseInput


@strawberry.type
class PassesQuery:
    @root(
        Can.SEE_PASSES,
        Connection[types.Pass],
        description="List prepaid passes, the newest first. Passes of all stores are visible, "
        "because every store redeems them. 次卡列表",
    )
    async def passes(
        self,
        info: Info,
        ids: Annotated[
            list[UUID] | None,
            strawberry.argument(description="Return only the passes with these IDs."),
        ] = None,
        store_ids: StoreIds = None,
        customer: Annotated[
            str | None,
            strawberry.argument(
                description="Return only passes of this phone number in any spelling, or of "
                "exactly this member number, at most 100 characters; needs SEE_CONTACTS. 会员"
            ),
        ] = None,
        state: Annotated[
            types.PassState | None,
            strawberry.argument(description="Return only passes in this state."),
        ] = None,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
    ):
        viewer = info.context.viewer
        if customer is not None:
            # A filter by a hidden field would tell what it is.
            access.require(viewer, Can.SEE_CONTACTS)
        # Every store redeems a pass, so the passes of all stores are visible.
        stores = sorted(viewer.stores if store_ids is None else viewer.stores & set(store_ids))
        vault, named = info.context.app.db.vault, clean(customer, "customer", 100)
        found_by = contacts.indexes(vault, viewer.tenant, named)
        chosen = PassFilter(ids, stores, found_by, state and state.name)
        return await newest(
            info, rows.passes, chosen, paging=PageArguments(first, after, last, before)
        )


@strawberry.type
class PassesMutation:
    @root(
        Can.SELL,
        types.SellPassResult,
        description="Sell a prepaid pass. Depending on the recipe's `consumeOn`, consumables are "
        "taken or reserved at once. 售卡",
    )
    async def sell_pass(self, info: Info, input: types.SellPassInput) -> Pass:
        return await passes.sell_pass(
            info.context.app.db,
            info.context.viewer,
            key=input.key,
            store_id=input.store_id,
            product_id=input.product_id,
            customer=input.customer,
            uses=input.uses,
            channel=input.channel.name if input.channel else COUNTER,
            expires_on=input.expires_on,
            zone=input.zone,
        )

    @root(
        Can.REDEEM,
        types.RedeemResult,
        description="Redeem uses of a pass, or of a service that is paid for at the counter. 核销",
    )
    async def redeem(self, info: Info, input: types.RedeemInput) -> Redemption:
        db, viewer = info.context.app.db, info.context.viewer
        how_many = 1 if input.uses is None else input.uses
        where, more = (input.key, input.store_id), (how_many, wish_of(input), input.zone)
        if input.pass_id is not None and input.service_product_id is None:
            return await redeem_pass(db, viewer, *where, input.pass_id, *more)
        if input.service_product_id is not None and input.pass_id is None:
            return await redeem_paid(db, viewer, *where, input.service_product_id, *more)
        raise Malformed(
            "passId",
            "次卡和服务项目须填且只填一个",
            "Give exactly one of pass and service.",
        )

    @root(
        Can.REFUND_PASS,
        types.RefundPassResult,
        description="Refund a pass. Consumables taken or reserved for unused uses go back to the "
        "shelf. 退卡",
    )
    async def refund_pass(self, info: Info, input: types.RefundPassInput) -> Pass:
        db, viewer = info.context.app.db, info.context.viewer
        what = input.key, input.pass_id, input.reason, input.zone
        return await passes.refund_pass(db, viewer, *what)

    @root(
        Can.REVERSE,
        types.ReverseRedemptionResult,
        description="Reverse a redemption once: its uses go back to the pass, and its consumables "
        "to where they were. 冲销核销",
    )
    async def reverse_redemption(self, info: Info, input: ReverseInput) -> Redemption:
        db, viewer = info.context.app.db, info.context.viewer
        what = input.key, input.movement_id, input.reason
        return await reversals.reverse_redemption(db, viewer, *what)
