"""Contacts of customers: read in full, and erased."""

from typing import Annotated
from uuid import UUID

import strawberry

from app.domain.people import customers
from app.schema import problems
from app.schema.arguments import request_key
from app.schema.window import window


@window(customers.RevealedContact, description="A contact in full. 联系方式")
class RevealedContact:
    contact: str | None = strawberry.field(
        description="Name or phone number as the customer gave it; null once it is erased. 联系人"
    )


@window(customers.ErasedCustomer, description="What a customer was erased from. 删除结果")
class ErasedCustomer:
    orders: int = strawberry.field(description="Number of orders that had the contact. 订单数")
    passes: int = strawberry.field(description="Number of passes that had the contact. 次卡数")


RevealContactResult = Annotated[
    RevealedContact
    | problems.UnknownOrder
    | problems.UnknownPass
    | problems.KeyReused
    | problems.Busy,
    strawberry.union(
        "RevealContactResult", description="The contact, or the problem that prevented it."
    ),
]
EraseCustomerResult = Annotated[
    ErasedCustomer | problems.KeyReused | problems.Busy,
    strawberry.union(
        "EraseCustomerResult",
        description="What was erased, or the problem that prevented it.",
    ),
]


@strawberry.input(description="Input of `revealContact`; give exactly one ID. 查看联系方式")
class RevealContactInput:
    key: UUID = request_key()
    order_id: UUID | None = strawberry.field(default=None, description="ID of an order.")
    pass_id: UUID | None = strawberry.field(default=None, description="ID of a prepaid pass.")


@strawberry.input(description="Input of `eraseCustomer`. 删除顾客信息")
class EraseCustomerInput:
    key: UUID = request_key()
    contact: str = strawberry.field(
        description="Phone number in any spelling, or exactly the name, of the customer; at most "
        "100 characters. 联系人"
    )
