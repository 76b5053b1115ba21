"""`/exports/{id}`: sends the file of an export to clients with its signed link."""

from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route

from app.domain.reports.exports import download
from app.platforms.image_store import Unavailable
from app.schema.context import App
from app.web.answers import FILE_UNITS, RETRY, refusal, spend, too_many

TEXT = (
    "下载链接无效或已过期，请重新导出",
    "The link is invalid or has expired: request the export again.",
)


def routes(app: App) -> list[Route]:
    async def send(request: Request) -> Response:
        if wait := spend(app, request, FILE_UNITS):
            return too_many(wait)
        token, id = request.query_params.get("token", ""), request.path_params["id"]
        try:
            file = await download(app.db, app.exports, token, id)
        except Unavailable:
            return PlainTextResponse("files are unavailable", status_code=503, headers=RETRY)
        if file is None:
            return refusal(request, 403, "FORBIDDEN", TEXT)
        headers = {
            "content-length": str(file.size),
            "content-disposition": f"attachment; filename*=UTF-8''{quote(file.name)}",
            "cache-control": "private, no-store",
        }
        return StreamingResponse(file.content, media_type=file.content_type, headers=headers)

    return [Route("/exports/{id:uuid}", send, methods=["GET"])]
