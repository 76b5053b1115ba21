"""Answers of routes beside GraphQL: errors in the client's language, and rate limits."""

import math
from collections.abc import Mapping

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response

from app.domain.rules.languages import language_of
from app.schema.context import App
from app.schema.rates import guest

FILE_UNITS = 20_000
"""The units that one file, sent or fetched, takes from the budget of the client's address."""
RETRY = {"retry-after": "2"}


def refusal(
    request: Request,
    status: int,
    code: str,
    text: tuple[str, str],
    headers: Mapping[str, str] | None = None,
) -> Response:
    """An error in the form of GraphQL errors; `text` is in Chinese and in English."""
    english = language_of(request.headers.get("accept-language", "")) == "en"
    error = {"message": text[english], "extensions": {"code": code}}
    return JSONResponse({"errors": [error]}, status_code=status, headers=headers)


def spend(app: App, request: Request, units: int) -> str | None:
    """Take units from the budget of the client's address. Returns None, or the seconds to wait."""
    subject, budget = guest(app.settings, request.client.host if request.client else "")
    wait = app.rates.spend(subject, budget, units)
    return str(math.ceil(wait)) if wait else None


def too_many(wait: str) -> Response:
    """The answer to a client whose budget is used up."""
    headers = {"retry-after": wait}
    return PlainTextResponse("too many requests", status_code=429, headers=headers)
