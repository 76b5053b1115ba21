"""Logs: one JSON object per line, without phone numbers, tokens, passwords and values of rows."""

import logging
import re
import traceback
from collections.abc import Iterator
from typing import Any

import structlog
from structlog.typing import EventDict, ExcInfo, Processor, WrappedLogger

from app.domain.rules.phones import masked

LONGEST_MESSAGE = 2000
DATABASE = ("asyncpg", "sqlalchemy")
"""Libraries whose messages repeat arguments and rows: PostgreSQL's DETAIL holds whole rows."""

SECRETS = re.compile(
    r"eyJ[\w-]+\.[\w-]+\.[\w-]+"  # access tokens
    r"|(?:[0-9a-f]{32}[._]){1,2}[\w-]{43}"  # API keys, refresh tokens, tokens of orders
    r"|(?<=://)[^\s/@]+(?=@)"  # the user and password of a URL
    r"|(?:(?<=[?&]secret=)|(?<=js_code=)|(?<=access_token=))[^\s&\"']+"  # a platform's URL
)


def configure() -> None:
    """Set every structlog logger of the process.

    structlog's default prints tracebacks with the variables of every frame, which blocks the event
    loop for a second each and would write passwords and tokens into the log.
    """
    structlog.configure(processors=[*_processors(), _json()])


def capture() -> None:
    """Send the logs of libraries the same way: uvicorn's and asyncio's carry tracebacks too."""
    handler = logging.StreamHandler()
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=_processors(),
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, _json()],
        )
    )
    logging.basicConfig(handlers=[handler], level=logging.WARNING, force=True)


def describe(error: BaseException) -> str:
    """The error in a line. Of the database's errors only SQLSTATE and the constraint."""
    kind = type(error)
    name = f"{kind.__module__}.{kind.__qualname__}".removeprefix("builtins.")
    if kind.__module__.split(".", 1)[0] not in DATABASE:
        return f"{name}: {_clean(str(error)[:LONGEST_MESSAGE])}"
    source = getattr(error, "orig", error)
    facts = (
        f"{label} {value}"
        for label, value in (
            ("SQLSTATE", getattr(source, "sqlstate", None)),
            ("constraint", getattr(source, "constraint_name", None)),
        )
        if value
    )
    return f"{name}: {', '.join(facts)}"


def _processors() -> list[Processor]:
    return [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.ExceptionRenderer(_traceback),
        _without_secrets,
        structlog.processors.TimeStamper(fmt="iso"),
    ]


def _json() -> structlog.processors.JSONRenderer:
    return structlog.processors.JSONRenderer(ensure_ascii=False)


def _without_secrets(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    for name, value in event.items():
        # The record and its values stay in `_record`, which is no part of the line.
        if not name.startswith("_"):
            event[name] = _cleaned(value)
    return event


def _cleaned(value: Any) -> Any:
    match value:
        case str():
            return _clean(value)
        case BaseException():
            return describe(value)
        case list() | tuple():
            return [_cleaned(each) for each in value]
        case dict():
            return {name: _cleaned(each) for name, each in value.items()}
        case _:
            return value


def _clean(text: str) -> str:
    return masked(SECRETS.sub("***", text))


def _traceback(exc_info: ExcInfo) -> str:
    return "\n".join(_frames(exc_info[1], set()))


def _frames(error: BaseException, seen: set[int]) -> Iterator[str]:
    """The lines of a traceback, with the errors before it, and no value of a variable."""
    seen.add(id(error))
    before = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    if before is not None and id(before) not in seen:
        yield from _frames(before, seen)
        yield "— then:"
    for each in error.exceptions if isinstance(error, BaseExceptionGroup) else ():
        yield from _frames(each, seen)
        yield "— in a group:"
    yield "".join(traceback.format_tb(error.__traceback__)).rstrip()
    yield describe(error)
