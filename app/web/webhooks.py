"""`/shops/{id}`: receives the messages that sales channels push."""

import math

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from app.db import channel_accounts, identity
from app.domain.channels.accounts import receive_messages
from app.domain.errors import Malformed
from app.platforms.platform import Forged, ShopError
from app.schema.context import App
from app.schema.rates import guest

DONE = {
    "DOUYIN": lambda: JSONResponse({"code": 0, "msg": "success"}),
    "WECHAT": lambda: PlainTextResponse("success"),
}


REFUSED_UNITS = 5_000
"""The units that a refused message takes from the budget of its sender's address."""


def routes(app: App) -> list[Route]:
    async def push(request: Request) -> Response:
        """Store the message, then answer; a job processes it later, so none is lost.

        Only refused messages are counted: a platform sends those of all shops from few addresses.
        """
        subject, budget = guest(app.settings, request.client.host if request.client else "")
        if wait := app.rates.spend(subject, budget, 0):
            headers = {"retry-after": str(math.ceil(wait))}
            return PlainTextResponse("too many refused messages", status_code=429, headers=headers)
        response = await store(request)
        if 400 <= response.status_code < 500:
            app.rates.spend(subject, budget, REFUSED_UNITS)
        return response

    async def store(request: Request) -> Response:
        address = await identity.resolve_name(app.db, "shop", str(request.path_params["link"]))
        if address is None:
            return PlainTextResponse("no such shop", status_code=404)
        async with app.db.read(address.tenant_id) as session:
            [link] = await channel_accounts.links_by_id(
                session, address.tenant_id, [address.subject_id]
            )
        if link.ended_at is not None:
            return PlainTextResponse("no such shop", status_code=404)
        headers, query = request.headers, request.query_params
        try:
            body = await request.body()
            await receive_messages(app.db, app.shops, link, headers, query, body)
        except Forged:
            return PlainTextResponse("not signed by the shop", status_code=403)
        except ShopError:
            return PlainTextResponse("the sender could not be verified", status_code=503)
        except Malformed:
            return PlainTextResponse("cannot be read", status_code=400)
        if request.method == "GET":
            # WeChat verifies the address once, and expects the text that it sent.
            return PlainTextResponse(query.get("echostr", "")[:200])
        return DONE[link.channel]()

    return [Route("/shops/{link:uuid}", push, methods=["GET", "POST"])]
