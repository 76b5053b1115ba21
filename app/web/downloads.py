"""`/exports/{id}`: sends the file of an export to those who have its signed link."""

import math
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route

from app.domain.reports.exports import download
from app.domain.rules.languages import language_of
from app.platforms.image_store import Unavailable
from app.schema.context import App
from app.schema.rates import guest
from app.web.uploads import RETRY, UPLOAD_UNITS

TEXT = (
    "下载链接无效或已过期，请重新导出",
    "The link is invalid or has expired: request the export again.",
)


def routes(app: App) -> list[Route]:
    async def send(request: Request) -> Response:
        subject, budget = guest(app.settings, request.client.host if request.client else "")
        if wait := app.rates.spend(subject, budget, UPLOAD_UNITS):
            headers = {"retry-after": str(math.ceil(wait))}
            return PlainTextResponse("too many requests", status_code=429, headers=headers)
        token, id = request.query_params.get("token", ""), request.path_params["id"]
        try:
            file = await download(app.db, app.exports, token, id)
        except Unavailable:
            return PlainTextResponse("files are unavailable", status_code=503, headers=RETRY)
        if file is None:
            return refused(request)
        headers = {
            "content-length": str(file.size),
            "content-disposition": f"attachment; filename*=UTF-8''{quote(file.name)}",
            "cache-control": "private, no-store",
        }
        return StreamingResponse(file.content, media_type=file.content_type, headers=headers)

    return [Route("/exports/{id:uuid}", send, methods=["GET"])]


def refused(request: Request) -> Response:
    english = language_of(request.headers.get("accept-language", "")) == "en"
    error = {"message": TEXT[english], "extensions": {"code": "FORBIDDEN"}}
    return JSONResponse({"errors": [error]}, status_code=403)
