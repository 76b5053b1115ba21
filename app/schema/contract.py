"""The schema's own rules: scalars, limits, and the form of errors."""

import re
from collections.abc import Sequence
from typing import Any
from uuid import uuid4

import structlog
from graphql import (
    GraphQLError,
    GraphQLInputObjectType,
    GraphQLObjectType,
    get_nullable_type,
    is_introspection_type,
    is_list_type,
)
from strawberry.schema.config import StrawberryConfig
from strawberry.types import ExecutionContext

from app.db.core.outage import is_passing
from app.domain.errors import (
    CostExceeded,
    Denied,
    Malformed,
    RateLimited,
    Refused,
    Unavailable,
)
from app.domain.rules.phones import masked
from app.domain.rules.texts import InvalidText
from app.live.share import SharedExecutor
from app.schema.input_limits import limit_of
from app.schema.messages import message_of
from app.schema.outages import unavailable
from app.schema.rates import RatedSchema
from app.schema.readers import straighten
from app.schema.scalars import SCALARS

log = structlog.get_logger()


class Schema(RatedSchema):
    """Expected errors are returned with a code; any other error is masked, with an id for the
    log."""

    def process_errors(
        self, errors: list[GraphQLError], execution_context: ExecutionContext | None = None
    ) -> None:
        context = execution_context and execution_context.context
        for error in errors:
            finish(error, getattr(context, "language", "zh"))


def finish(error: GraphQLError, language: str) -> None:
    """Set the error's code, message and path in place, according to its cause. Idempotent."""
    extensions = dict(error.extensions or {})
    if "code" in extensions:
        return
    cause, zh = _cause(error), language == "zh"
    if isinstance(cause, Denied):
        extensions["code"], error.message = cause.code, cause.text[0 if zh else 1]
    elif isinstance(cause, CostExceeded):
        extensions["code"], error.message = "COST_EXCEEDED", cause.text[0 if zh else 1]
    elif isinstance(cause, RateLimited | Unavailable):
        code = "RATE_LIMITED" if isinstance(cause, RateLimited) else "UNAVAILABLE"
        extensions |= {"code": code, "retryAfter": cause.retry_after}
        error.message = cause.text[0 if zh else 1]
    elif isinstance(cause, Malformed | InvalidText):
        extensions["code"] = "BAD_INPUT"
        if path := _variable(error) or _argument(error, cause.path):
            extensions["path"] = path
        error.message = cause.text[0 if zh else 1]
    elif isinstance(cause, Refused):
        # The event of a subscription has no union member for a problem.
        extensions["code"], error.message = "BAD_INPUT", message_of(cause.refusal, language)
        if cause.refusal.path:
            extensions["path"] = _argument(error, cause.refusal.path)
    elif cause is None and error.path is None:
        # Errors of syntax, validation or variables: the text says what to correct. Suggested names
        # are cut off: they would show the schema to callers who may not read it.
        extensions["code"] = "BAD_INPUT"
        if path := _variable(error):
            extensions["path"] = path
        text = masked(error.message.split(" Did you mean ", 1)[0])
        error.message = f"请求不符合接口定义：{text}" if zh else text
    elif is_passing(cause):
        error.message, more = unavailable(language)
        extensions |= more
    else:
        extensions |= {"code": "INTERNAL", "id": str(uuid4())}
        log.error("internal", id=extensions["id"], path=error.path, exc_info=cause or error)
        error.message = (
            "系统出错，请把错误编号告诉我们"
            if zh
            else "Something went wrong on our side: send us the id of this error."
        )
    error.extensions = extensions


VARIABLE = re.compile(r"Variable '\$(\w+)' has invalid value(?: at ([^:]+))?: ")


def _variable(error: GraphQLError) -> list[str] | None:
    """The part of the variables that graphql-core could not read, such as
    input.lines[0].quantity."""
    match = VARIABLE.match(error.message)
    if match is None:
        return None
    return [match[1], *re.findall(r"[^.\[\]]+", match[2] or "")]


def _argument(error: GraphQLError, path: Sequence[str]) -> list[str]:
    """The path below the field's arguments: mutations take one, `input`."""
    arguments: Any = [getattr(node, "arguments", None) or () for node in error.nodes or ()]
    names = {argument.name.value for several in arguments for argument in several}
    return ["input", *path] if path and names == {"input"} else list(path)


def _cause(error: GraphQLError) -> BaseException | None:
    cause: BaseException | None = error
    while isinstance(cause, GraphQLError):
        cause = cause.original_error
    return cause


def build_schema(
    query: type, mutation: type, subscription: type, types: Sequence[Any] = ()
) -> Schema:
    """The schema of these roots. Limits run on every transport; documents are cached."""
    schema = Schema(
        query=query,
        mutation=mutation,
        subscription=subscription,
        types=types,
        config=StrawberryConfig(scalar_map=SCALARS, disable_field_suggestions=True),
        execution_context_class=SharedExecutor,
    )
    straighten(schema)
    _describe_limits(schema)
    return schema


def _describe_limits(schema: Schema) -> None:
    """Add to the description of every input list how many values it takes."""
    for type_ in schema._schema.type_map.values():
        if isinstance(type_, GraphQLInputObjectType):
            places = list(type_.fields.values())
        elif isinstance(type_, GraphQLObjectType) and not is_introspection_type(type_):
            places = [each for field in type_.fields.values() for each in field.args.values()]
        else:
            continue
        for place in places:
            if is_list_type(get_nullable_type(place.type)):
                # The Chinese name stays at the end.
                text, _, name = (place.description or "").rpartition(" ")
                if name.isascii():
                    text, name = f"{text} {name}", ""
                limit = f"At most {limit_of(place)} values."
                place.description = f"{text} {limit} {name}".strip()
