"""GET requests that name a persisted query: what they ask, and the ETag of the answer.

Browsers and content delivery networks keep answers to GET. Only queries are answered: a link must
not change anything.
"""

from hashlib import sha256
from typing import Any

import orjson
from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import Response
from strawberry.http import GraphQLRequestData

from app.domain.errors import Malformed
from app.schema.persisted import named_document, with_name_in_extensions

EVENT_STREAM = "text/event-stream"
VARY = "Accept-Language, Authorization"


def names_query(request: Request) -> bool:
    """Whether a GET names a query by its hash; those of a browser's EventSource name feeds."""
    given = request.query_params
    return (
        request.method == "GET"
        and EVENT_STREAM not in request.headers.get("accept", "").lower()
        and "query" not in given
        and ("id" in given or "extensions" in given)
    )


def named_query(request: Request) -> GraphQLRequestData:
    """The operation of a GET: `id` or `extensions`, `variables` and `operationName`.

    Raises Malformed if a part is no JSON object, or no document is named.
    """
    given = request.query_params
    body = {"id": given.get("id"), "extensions": _object(given.get("extensions"), "extensions")}
    extensions = with_name_in_extensions(body)["extensions"]
    if named_document(extensions) is None:
        raise Malformed("id", "id 须为查询文本的 SHA-256", "Give the SHA-256 of a document as id.")
    return GraphQLRequestData(
        query=None,
        variables=_object(given.get("variables"), "variables"),
        operation_name=given.get("operationName"),
        extensions=extensions,
        protocol="http",
    )


def _object(text: str | None, name: str) -> dict[str, Any] | None:
    if not text:
        return None
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError:
        value = None
    if not isinstance(value, dict):
        raise Malformed(name, f"{name} 须为 JSON 对象", f"{name} must be a JSON object.")
    return value


def cacheable(headers: Headers, body: bytes, is_shared: bool) -> Response:
    """The answer to a GET with its ETag, or 304 if the client has the same.

    An answer that `is_shared` by all readers may be kept by any cache, others only by the client.
    Each must ask with every use whether it is still right: a cache does not hear of changes.
    """
    # Weak, since a compressed answer has other bytes.
    tag = f'W/"{sha256(body).hexdigest()[:32]}"'
    is_public = is_shared and "authorization" not in headers
    control = "public, no-cache" if is_public else "private, no-cache"
    cached = {"etag": tag, "cache-control": control, "vary": VARY}
    known = headers.get("if-none-match", "").split(",")
    if tag in (each.strip() for each in known):
        return Response(status_code=304, headers=cached)
    return Response(body, media_type="application/json", headers=cached)
