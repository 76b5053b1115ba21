"""`POST /imports`: stores one spreadsheet of a signed-in member of staff, and returns its id."""

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from app.db.core.outage import is_passing
from app.domain import access
from app.domain.access import Can, Viewer
from app.domain.errors import Denied
from app.domain.imports.files import BYTES_MAX, keep_file
from app.platforms.image_store import Unavailable
from app.schema.context import App, Caller
from app.web.answers import FILE_UNITS, RETRY, refusal, spend
from app.web.endpoint import bearer

TEXTS = {
    "BAD_INPUT": (
        "请以 multipart/form-data 上传一个文件，字段名为 file",
        "Send one file as multipart/form-data, in the field `file`.",
    ),
    "TOO_LARGE": ("文件最大 10 MB，请拆分后上传", "A file has at most 10 MiB: split it."),
    "RATE_LIMITED": ("操作过于频繁，请稍后再试", "Too many requests: try again later."),
    "UNAVAILABLE": ("文件服务暂不可用，请稍后再试", "Files cannot be kept now: try again later."),
}


def routes(app: App) -> list[Route]:
    async def imports(request: Request) -> Response:
        if wait := spend(app, request, FILE_UNITS):
            return failed(request, 429, "RATE_LIMITED", {"retry-after": wait})
        caller = Caller(app)
        await caller.admit(bearer(request.headers.get("authorization")))
        try:
            if caller.trouble is not None:
                raise caller.trouble
            access.require(caller.person, Can.EDIT_CATALOG)
        except Denied as denied:
            status = 401 if denied.code == "UNAUTHENTICATED" else 403
            return refusal(request, status, denied.code, denied.text)
        except Exception as error:
            if not is_passing(error):
                raise
            return failed(request, 503, "UNAVAILABLE", RETRY)
        assert caller.person is not None
        return await receive(app, request, caller.person)

    return [Route("/imports", imports, methods=["POST"])]


async def receive(app: App, request: Request, viewer: Viewer) -> Response:
    """Store the file of the form. Raises TooLarge for a longer body."""
    if not request.headers.get("content-type", "").startswith("multipart/form-data"):
        return failed(request, 400, "BAD_INPUT")
    try:
        async with request.form(max_files=1, max_fields=8) as form:
            file = form.get("file")
            if file is None or isinstance(file, str):
                return failed(request, 400, "BAD_INPUT")
            content = await file.read()
    except HTTPException:
        return failed(request, 400, "BAD_INPUT")
    if len(content) > BYTES_MAX:
        return failed(request, 413, "TOO_LARGE")
    if not content:
        return failed(request, 400, "BAD_INPUT")
    try:
        id = await keep_file(app.images, viewer.tenant, content)
    except Unavailable:
        return failed(request, 503, "UNAVAILABLE", RETRY)
    return JSONResponse({"fileId": str(id)}, status_code=201)


def failed(
    request: Request, status: int, code: str, headers: dict[str, str] | None = None
) -> Response:
    return refusal(request, status, code, TEXTS[code], headers)
