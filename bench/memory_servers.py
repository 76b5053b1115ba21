"""Two servers that answer from memory: the app's HTTP and GraphQL around roots without a database,
and a bare Starlette route.

The app is `create_app` with its middleware, sign-in, rates and limits; only its roots are others.
"""

from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated, Any
from uuid import UUID

import orjson
import strawberry
from asyncpg.pgproto.pgproto import UUID as PostgresUUID
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from strawberry.types import Info

from app.domain.access import Can
from app.main import create_app
from app.resolvers.roots import root
from app.schema.contract import build_schema
from app.schema.sales import SellInput
from app.schema.scalars import Money, Quantity
from app.schema.window import window
from app.web.endpoint import Endpoint

ROWS = 50


@dataclass(frozen=True)
class GoodsRow:
    id: UUID
    sku: str
    name: str
    spec: str
    unit: str
    price: int
    on_hand: Decimal
    version: int


@dataclass(frozen=True)
class SaleRow:
    id: UUID


@dataclass(frozen=True)
class RefusalRow:
    code: str


GOODS = [
    GoodsRow(
        PostgresUUID(UUID(int=number).bytes),
        f"SKU-{number:05d}",
        f"大米 {number:05d}",
        "5kg",
        "袋",
        589_000,
        Decimal(number),
        number,
    )
    for number in range(ROWS)
]


@window(GoodsRow)
class Goods:
    id: UUID
    sku: str
    name: str
    spec: str
    unit: str
    price: Money
    on_hand: Quantity
    version: int


@window(SaleRow)
class Sale:
    id: UUID


@window(RefusalRow)
class RefusedSale:
    code: str


SaleResult = Annotated[Sale | RefusedSale, strawberry.union("SaleResult")]


@strawberry.type
class Query:
    @root(Can.SEE_STOCK, str, description="A short text.")
    async def ping(self, info: Info) -> str:
        return "pong"

    @root(Can.SEE_STOCK, list[Goods], description="Fifty products.")
    async def goods(self, info: Info) -> list[GoodsRow]:
        return GOODS


@strawberry.type
class Mutation:
    @root(Can.SELL, SaleResult, description="Answer a sale without recording it.")
    async def sell(self, info: Info, input: SellInput) -> Any:
        return SaleRow(input.key) if input.lines else RefusalRow("EMPTY")


@strawberry.type
class Subscription:
    @root(Can.SEE_STOCK, str, description="Nothing.", subscription=True)
    async def nothing(self, info: Info) -> Any:
        raise NotImplementedError


def memory() -> Starlette:
    """The app; its `/memory` is what `/graphql` is, with the roots of this module."""
    app = create_app()
    route: Any = app.routes[0]
    endpoint = Endpoint(build_schema(Query, Mutation, Subscription), route.endpoint.app)
    app.router.routes.insert(0, Route("/memory", endpoint))
    app.state.endpoints["/memory"] = endpoint
    return app


def payload() -> Starlette:
    """Answers each POST with the object that a PUT has set, by Starlette's JSONResponse."""
    answers: dict[str, Any] = {}

    async def answer(request: Request) -> Response:
        if request.method == "PUT":
            answers["body"] = orjson.loads(await request.body())
        return JSONResponse(answers["body"])

    async def ready(_: Request) -> Response:
        return Response("ready")

    return Starlette(
        routes=[Route("/memory", answer, methods=["POST", "PUT"]), Route("/readyz", ready)]
    )
