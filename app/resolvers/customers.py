"""Roots of customers' contacts."""

import strawberry
from strawberry.types import Info

from app.domain.access import Can
from app.domain.people import customers
from app.domain.people.customers import ErasedCustomer, RevealedContact
from app.resolvers.roots import root
from app.schema import customers as types


@strawberry.type
class CustomersMutation:
    @root(
        Can.REVEAL_CONTACTS,
        types.RevealContactResult,
        description="Read the contact of an order or a pass in full. The audit log records who "
        "read it. 查看联系方式",
    )
    async def reveal_contact(self, info: Info, input: types.RevealContactInput) -> RevealedContact:
        db, viewer = info.context.app.db, info.context.viewer
        return await customers.reveal(db, viewer, input.key, input.order_id, input.pass_id)

    @root(
        Can.ERASE_CUSTOMERS,
        types.EraseCustomerResult,
        description="Erase a customer's contact from all orders and passes, with the notes of "
        "these orders and every text that holds the phone number. Movements hold no contact and "
        "stay as they are. 删除顾客信息",
    )
    async def erase_customer(self, info: Info, input: types.EraseCustomerInput) -> ErasedCustomer:
        db, viewer = info.context.app.db, info.context.viewer
        return await customers.erase(db, viewer, input.key, input.contact)
