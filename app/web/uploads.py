"""`/images/{tenant}/{name}`: accepts signed uploads, and serves the images to everyone."""

import asyncio

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from app.domain.catalog.images import NAME, Upload, read_upload
from app.domain.rules.images import TYPES, media_type
from app.platforms.image_store import Unavailable
from app.schema.context import App
from app.web.answers import FILE_UNITS, RETRY, refusal, spend, too_many
from app.web.body_limit import TooLarge
from app.web.network import origin_of

READ_UNITS = 500
"""The units that one image takes from the budget of the client's address."""
FOREVER = {"cache-control": "public, max-age=31536000, immutable"}

TEXTS = {
    "FORBIDDEN": (
        403,
        "上传地址无效或已过期，请重新获取",
        "The upload address is invalid or has expired: request another one.",
    ),
    "BAD_SIZE": (
        400,
        "图片大小与申请时不一致",
        "The size of the image is not the one that was requested.",
    ),
    "BAD_TYPE": (
        415,
        "文件不是所申请格式的图片，或像素过多；请上传 JPEG、PNG 或 WebP 图片",
        "The file is not an image of the requested type, or has too many pixels: send a JPEG, "
        "PNG or WebP image.",
    ),
    "CONFLICT": (
        409,
        "该地址已有另一张图片，请重新获取上传地址",
        "Another image was uploaded to this address: request another one.",
    ),
}


def routes(app: App) -> list[Route]:
    async def images(request: Request) -> Response:
        if wait := spend(app, request, FILE_UNITS if request.method == "PUT" else READ_UNITS):
            return too_many(wait)
        name = request.path_params["name"]
        if not NAME.fullmatch(name):
            return PlainTextResponse("no such image", status_code=404)
        path = f"{request.path_params['tenant']}/{name}"
        try:
            if request.method == "PUT":
                return await put(request, path)
            return await get(path)
        except Unavailable:
            return PlainTextResponse("images are unavailable", status_code=503, headers=RETRY)

    async def get(path: str) -> Response:
        content = await app.images.store.read(path)
        if content is None:
            return PlainTextResponse("no such image", status_code=404)
        return Response(content, media_type=TYPES[path.rpartition(".")[2]], headers=FOREVER)

    async def put(request: Request, path: str) -> Response:
        upload = read_upload(app.images, request.query_params.get("token", ""), path)
        if upload is None:
            return refused(request, "FORBIDDEN")
        sent_type = request.headers.get("content-type", upload.content_type)
        if sent_type.partition(";")[0].strip().lower() != upload.content_type:
            return refused(request, "BAD_TYPE")
        content = await body(request, upload)
        if len(content) != upload.size:
            return refused(request, "BAD_SIZE")
        if await asyncio.to_thread(media_type, content) != upload.content_type:
            return refused(request, "BAD_TYPE")
        if not await app.images.store.write(path, content):
            return refused(request, "CONFLICT")
        origin = app.settings.public_url or origin_of(request.scope)
        return JSONResponse({"imageUrl": f"{origin}/images/{path}"}, status_code=201)

    route = Route("/images/{tenant:uuid}/{name}", images, methods=["GET", "PUT"])
    return [route]


async def body(request: Request, upload: Upload) -> bytes:
    """The content. Raises TooLarge as soon as it is longer than the signed upload."""
    content = bytearray()
    async for chunk in request.stream():
        content += chunk
        if len(content) > upload.size:
            raise TooLarge
    return bytes(content)


def refused(request: Request, code: str) -> Response:
    status, zh, en = TEXTS[code]
    return refusal(request, status, code, (zh, en))
