"""`/shops/{id}`: where channels' shops push their messages to."""

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from app.db import channel_accounts, identity
from app.domain.channels.accounts import hear
from app.domain.errors import Malformed
from app.platforms.platform import Forged, ShopError
from app.schema.context import App

DONE = {
    "DOUYIN": lambda: JSONResponse({"code": 0, "msg": "success"}),
    "WECHAT": lambda: PlainTextResponse("success"),
}


def routes(app: App) -> list[Route]:
    async def push(request: Request) -> Response:
        """Kept first, answered then, and followed after that: nothing is lost, nobody waits."""
        found = await identity.direct(app.db, "shop", str(request.path_params["link"]))
        if found is None:
            return PlainTextResponse("no such shop", status_code=404)
        async with app.db.read(found.tenant_id) as session:
            [link] = await channel_accounts.links_by_id(
                session, found.tenant_id, [found.subject_id]
            )
        if link.ended_at is not None:
            return PlainTextResponse("no such shop", status_code=404)
        headers, query = request.headers, request.query_params
        try:
            await hear(app.db, app.shops, link, headers, query, await request.body())
        except Forged:
            return PlainTextResponse("not signed by the shop", status_code=403)
        except ShopError:
            return PlainTextResponse("nobody can tell who said so", status_code=503)
        except Malformed:
            return PlainTextResponse("cannot be read", status_code=400)
        if request.method == "GET":
            # WeChat asks so, once, whether the address is ours.
            return PlainTextResponse(query.get("echostr", "")[:200])
        return DONE[link.channel]()

    return [Route("/shops/{link:uuid}", push, methods=["GET", "POST"])]
