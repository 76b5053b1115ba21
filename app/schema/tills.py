"""Tills, and the inputs that register and retire them."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

import strawberry

from app.db import tables
from app.domain.access import Can
from app.schema import problems, till_problems
from app.schema.arguments import request_key
from app.schema.edges import edge
from app.schema.identity import Actor, Store
from app.schema.window import window


@window(tables.Till, needs=Can.SEE_STOCK, description="A till of a store. 收银机")
class Till:
    id: UUID = strawberry.field(description="ID of the till, for `tillId` of sales.")
    store: Store = edge("stores", "store_id", "Store that the till belongs to. 门店")
    device_id: str = strawberry.field(description="ID of the device, unique in the store. 设备编号")
    name: str = strawberry.field(description="Name of the till. 名称")
    registered_by: Actor | None = edge(
        "actors", "registered_by", "Member of staff or API key that registered it first. 登记人"
    )
    registered_at: datetime = strawberry.field(
        description="Time when the till was first registered. 登记时间"
    )
    seen_at: datetime | None = strawberry.field(
        description="Time when it last registered or sent sales, to about a minute; null if it "
        "was never in contact. 最近联网时间"
    )
    retired_at: datetime | None = strawberry.field(
        description="Time when the till was retired; null while it is in use. 停用时间"
    )


RegisterTillResult = Annotated[
    Till | problems.UnknownStore | problems.KeyReused,
    strawberry.union(
        "RegisterTillResult", description="The till, or the problem that prevented it."
    ),
]

RetireTillResult = Annotated[
    Till | till_problems.UnknownTill | problems.KeyReused,
    strawberry.union("RetireTillResult", description="The till, or the problem that prevented it."),
]


@strawberry.input(description="Input of `registerTill`. 登记收银机")
class RegisterTillInput:
    key: UUID = request_key()
    store_id: UUID = strawberry.field(description="ID of the store where the till sells.")
    device_id: str = strawberry.field(
        description="ID of the device that stays the same, such as its serial number, at most "
        "64 characters. 设备编号"
    )
    name: str = strawberry.field(description="Name of the till, at most 100 characters. 名称")


@strawberry.input(description="Input of `retireTill`. 停用收银机")
class RetireTillInput:
    key: UUID = request_key()
    till_id: UUID = strawberry.field(description="ID of the till to retire.")
