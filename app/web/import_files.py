"""Files of imports: `/imports/annotated` by a signed link, and `/imports/templates/…` for all."""

from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from app.domain.imports.annotated import annotated_file
from app.domain.imports.templates import template, template_name
from app.domain.reports.exports import Format
from app.domain.rules.import_columns import ImportKind
from app.platforms.image_store import Unavailable
from app.schema.context import App
from app.web.answers import FILE_UNITS, RETRY, refusal, spend, too_many

EXPIRED = (
    "链接无效或已过期，请重新预览",
    "The link is invalid or has expired: preview the file again.",
)
ANNOTATED = "导入错误说明.xlsx"
A_DAY = {"cache-control": "public, max-age=86400"}
NEVER = {"cache-control": "private, no-store"}


def routes(app: App) -> list[Route]:
    async def annotated(request: Request) -> Response:
        if wait := spend(app, request, FILE_UNITS):
            return too_many(wait)
        token = request.query_params.get("token", "")
        try:
            content = await annotated_file(app.db, app.images, token)
        except Unavailable:
            return PlainTextResponse("files are unavailable", status_code=503, headers=RETRY)
        if content is None:
            return refusal(request, 403, "FORBIDDEN", EXPIRED)
        return _workbook(content, ANNOTATED, NEVER)

    async def templates(request: Request) -> Response:
        if wait := spend(app, request, FILE_UNITS):
            return too_many(wait)
        language, name = request.path_params["language"], request.path_params["kind"]
        if language not in ("zh", "en") or name not in ImportKind.__members__:
            return PlainTextResponse("no such template", status_code=404)
        kind = ImportKind[name]
        return _workbook(await template(kind, language), template_name(kind, language), A_DAY)

    return [
        Route("/imports/annotated", annotated, methods=["GET"]),
        Route("/imports/templates/{language}/{kind}.xlsx", templates, methods=["GET"]),
    ]


def _workbook(content: bytes, name: str, headers: dict[str, str]) -> Response:
    disposition = f"attachment; filename*=UTF-8''{quote(name)}"
    headers = {"content-disposition": disposition, **headers}
    return Response(content, media_type=Format.XLSX.value, headers=headers)
