"""Annotated files: a copy of an uploaded sheet with red cells and a column of messages.

The link is signed for the file, the kind of import and the person who previewed it. The file is
made when it is fetched, with the rights that this person has then.
"""

from collections import defaultdict
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import jwt

from app.db.core.unit import Database
from app.domain.access import Viewer
from app.domain.catalog.images import Images
from app.domain.errors import Denied, Malformed, Refused
from app.domain.imports.files import ALGORITHM, LONGEST, ImportRequest
from app.domain.imports.previews import preview
from app.domain.imports.sheets import RowError, SheetRows
from app.domain.people.tokens import FORGERIES
from app.domain.people.viewers import viewer_of
from app.domain.rules.import_columns import ImportKind
from app.platforms.spreadsheets import write_sheet

AUDIENCE = "kucun.annotated"
LIFETIME = timedelta(hours=1)
TITLE = "错误说明", "Errors"


def annotated_token(
    files: Images, viewer: Viewer, request: ImportRequest, language: str, now: datetime
) -> str:
    """The token of the link to the annotated file of a preview."""
    claims = {
        "aud": AUDIENCE,
        "sub": str(request.file_id),
        "tenant": str(viewer.tenant),
        "kind": request.kind.name,
        "store": request.store and str(request.store),
        "own": request.own,
        "actor": str(viewer.actor),
        "language": language,
        "exp": int((now + LIFETIME).timestamp()),
    }
    return jwt.encode(claims, files.secret, ALGORITHM)


def _claims(files: Images, token: str) -> dict[str, Any] | None:
    """What the token was signed for; None for one that is forged or has expired."""
    if len(token) > LONGEST:
        return None
    try:
        return jwt.decode(
            token,
            files.secret,
            algorithms=[ALGORITHM],
            audience=AUDIENCE,
            options={"require": ["aud", "sub", "exp", "tenant", "kind"]},
        )
    except (jwt.InvalidTokenError, *FORGERIES):
        return None


async def annotated_file(db: Database, files: Images, token: str) -> bytes | None:
    """The .xlsx that the link leads to; None when the link is forged or has expired, or the person
    may no longer read the file. Raises Unavailable."""
    claims = _claims(files, token)
    if claims is None:
        return None
    tenant = UUID(claims["tenant"])
    async with db.read(tenant) as session:
        viewer = await viewer_of(session, tenant, UUID(claims["actor"]))
    if viewer is None:
        return None
    store = claims["store"] and UUID(claims["store"])
    request = ImportRequest(
        UUID(claims["sub"]), ImportKind[claims["kind"]], store, dict(claims["own"])
    )
    try:
        shown, _ = await preview(db, viewer, files, request)
    except (Refused, Denied, Malformed):
        return None
    return await write_sheet(_table(shown.sheet, shown.errors, claims["language"] == "en"))


def _table(sheet: SheetRows, errors: list[RowError], english: bool) -> dict[str, Any]:
    messages: dict[int, list[str]] = defaultdict(list)
    red: list[tuple[int, int]] = []
    for error in errors:
        place = None if error.field is None else sheet.columns.get(error.field)
        cell = sheet.cell(error)
        text = error.text.en if english else error.text.zh
        messages[error.row - 1].append(f"{cell}: {text}" if cell else text)
        if place is not None:
            red.append((error.row - 1, place))
    return {
        "rows": sheet.cells,
        "header": sheet.place,
        "red": red,
        "title": TITLE[english],
        "messages": {str(row): "\n".join(texts) for row, texts in messages.items()},
    }
