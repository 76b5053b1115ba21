"""Uploaded files, and the tokens of their previews.

A file is kept below its chain's folder under an id that is derived from its content, so that the
same file has the same id, and another chain never reaches it.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4, uuid5

import jwt

from app.domain.catalog.images import Images
from app.domain.claims import fingerprint_of
from app.domain.errors import Refused
from app.domain.import_errors import UnknownImport
from app.domain.people.tokens import FORGERIES
from app.domain.rules.import_columns import ImportKind

BYTES_MAX = 10 * 1024 * 1024
ALGORITHM = "HS256"
AUDIENCE = "kucun.imports"
LIFETIME = timedelta(hours=24)
LONGEST = 16_000
"""Characters of a token: it holds the shop's own headers."""


@dataclass(frozen=True, slots=True)
class ImportRequest:
    """What is imported from which file; `own` are the shop's own headers with their fields."""

    file_id: UUID
    kind: ImportKind
    store: UUID | None
    own: dict[str, str]


async def keep_file(files: Images, tenant: UUID, content: bytes) -> UUID:
    """Keeps the file; its id. Raises Unavailable."""
    id = uuid5(tenant, fingerprint_of("import", content.hex()).hex())
    await files.store.write(_path(tenant, id), content)
    return id


async def read_file(files: Images, tenant: UUID, id: UUID) -> bytes:
    """The content of a file. Raises Refused(UnknownImport), Unavailable."""
    content = await files.store.read(_path(tenant, id))
    if content is None:
        raise Refused(UnknownImport(str(id)))
    return content


def _path(tenant: UUID, id: UUID) -> str:
    return f"{tenant}/imports/{id.hex}"


def sign(files: Images, tenant: UUID, request: ImportRequest, errors: int, now: datetime) -> str:
    """The token of a preview: of this file, kind, store, columns and chain."""
    claims = {
        "aud": AUDIENCE,
        "sub": str(request.file_id),
        "jti": uuid4().hex,
        "tenant": str(tenant),
        "kind": request.kind.name,
        "store": request.store and str(request.store),
        "own": request.own,
        "errors": errors,
        "exp": int((now + LIFETIME).timestamp()),
    }
    return jwt.encode(claims, files.secret, ALGORITHM)


def read_token(files: Images, tenant: UUID, token: str) -> tuple[ImportRequest, int]:
    """What a preview's token stands for, and how many rows had errors.

    Raises Refused(UnknownImport) for one that is forged, expired or of another chain.
    """
    try:
        if len(token) > LONGEST:
            raise jwt.InvalidTokenError
        claims: dict[str, Any] = jwt.decode(
            token,
            files.secret,
            algorithms=[ALGORITHM],
            audience=AUDIENCE,
            options={"require": ["aud", "sub", "exp", "tenant", "kind"]},
        )
        if claims["tenant"] != str(tenant):
            raise jwt.InvalidTokenError
    except (jwt.InvalidTokenError, *FORGERIES):
        raise Refused(UnknownImport(token[:40])) from None
    store = claims["store"] and UUID(claims["store"])
    request = ImportRequest(UUID(claims["sub"]), ImportKind[claims["kind"]], store, claims["own"])
    return request, claims["errors"]
