"""Answers of plain routes: refusals in the reader's language, and the rates of their senders."""

import math
from collections.abc import Mapping

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response

from app.domain.rules.languages import language_of
from app.schema.context import App
from app.schema.rates import guest

FILE_UNITS = 20_000
"""What one file, sent or fetched, takes from the budget of its sender's address."""
RETRY = {"retry-after": "2"}


def refusal(
    request: Request,
    status: int,
    code: str,
    text: tuple[str, str],
    headers: Mapping[str, str] | None = None,
) -> Response:
    """An error as GraphQL answers it; `text` is in Chinese and in English."""
    english = language_of(request.headers.get("accept-language", "")) == "en"
    error = {"message": text[english], "extensions": {"code": code}}
    return JSONResponse({"errors": [error]}, status_code=status, headers=headers)


def spend(app: App, request: Request, units: int) -> str | None:
    """Takes units from the budget of the sender's address; None, or the seconds to wait."""
    subject, budget = guest(app.settings, request.client.host if request.client else "")
    wait = app.rates.spend(subject, budget, units)
    return str(math.ceil(wait)) if wait else None


def too_many(wait: str) -> Response:
    """The answer to a sender whose budget is used up."""
    headers = {"retry-after": wait}
    return PlainTextResponse("too many requests", status_code=429, headers=headers)
