"""GraphiQL: the committed build, served from memory under a strict content policy."""

import gzip
from functools import cache
from pathlib import Path

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

BUILD = Path(__file__).parent.parent / "static" / "graphiql"

# data: is for CodeMirror's lint marks; 'self' in connect-src covers the websocket as well.
POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data:",
        "connect-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    )
)
GUARD = {
    "content-security-policy": POLICY,
    "vary": "accept-encoding",
}
FRESH = {**GUARD, "cache-control": "no-cache"}
FOREVER = {**GUARD, "cache-control": "public, max-age=31536000, immutable"}
MEDIA = {
    ".html": "text/html",
    ".js": "text/javascript",
    ".css": "text/css",
    ".svg": "image/svg+xml",
}


def routes() -> list[Route]:
    """The page and its hashed assets; raises FileNotFoundError when the build is missing."""
    build()
    return [Route("/graphiql", page), Route("/graphiql/assets/{name}", asset)]


async def page(request: Request) -> Response:
    return answer(request, "index.html", FRESH)


async def asset(request: Request) -> Response:
    name = f"assets/{request.path_params['name']}"
    if name not in build():
        raise HTTPException(404)
    # The name holds a hash of the content, so a browser may keep the file for ever.
    return answer(request, name, FOREVER)


def answer(request: Request, name: str, headers: dict[str, str]) -> Response:
    plain, zipped = build()[name]
    media = MEDIA[Path(name).suffix]
    # Not StaticFiles: it parses Range headers, which these files do not need.
    if "gzip" in request.headers.get("accept-encoding", ""):
        return Response(zipped, headers={**headers, "content-encoding": "gzip"}, media_type=media)
    return Response(plain, headers=headers, media_type=media)


@cache
def build() -> dict[str, tuple[bytes, bytes]]:
    """Each file of the build by its path: the plain and the gzipped bytes."""
    files = [BUILD / "index.html", *sorted((BUILD / "assets").iterdir())]
    bodies = {path.relative_to(BUILD).as_posix(): path.read_bytes() for path in files}
    return {name: (body, gzip.compress(body, mtime=0)) for name, body in bodies.items()}
