"""The schema's own rules: scalars, limits, and how errors leave."""

import re
from collections.abc import Callable, Sequence
from operator import attrgetter
from typing import Any
from uuid import uuid4

import structlog
from graphql import (
    GraphQLError,
    GraphQLInputObjectType,
    GraphQLObjectType,
    get_nullable_type,
    is_introspection_type,
    is_leaf_type,
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
from app.live.leaves import LEAF_RESOLVERS, compile_leaf
from app.live.plans import READER, Guard, Reader
from app.live.share import SharedExecutor
from app.schema.boundary import guard_of, guarded
from app.schema.conversion import Converters
from app.schema.input_limits import limit_of
from app.schema.messages import message_of
from app.schema.outages import unavailable
from app.schema.rates import RatedSchema
from app.schema.scalars import SCALARS

log = structlog.get_logger()


class Schema(RatedSchema):
    """Expected errors leave as they are, with a code; everything else is masked with an id."""

    def process_errors(
        self, errors: list[GraphQLError], execution_context: ExecutionContext | None = None
    ) -> None:
        context = execution_context and execution_context.context
        for error in errors:
            finish(error, getattr(context, "language", "zh"))


def finish(error: GraphQLError, language: str) -> None:
    """Gives the error its code, message and path in place, by what caused it. Idempotent."""
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
        # Streams have no union to answer with.
        extensions["code"], error.message = "BAD_INPUT", message_of(cause.refusal, language)
        if cause.refusal.path:
            extensions["path"] = _argument(error, cause.refusal.path)
    elif cause is None and error.path is None:
        # Syntax, validation, variables: the text says what to correct. It suggests no names:
        # suggestions would show the schema to those who may not read it.
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
    """The part of the variables that graphql-core could not read: input.lines[0].quantity."""
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
    _straighten(schema)
    _describe_limits(schema)
    return schema


def _describe_limits(schema: Schema) -> None:
    """Say in the description of every input list how many values it takes."""
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


def _straighten(schema: Schema) -> None:
    """Fields of types are resolved past the library's own calls, which cost more than they do.

    A list costs what its fields cost: an attribute is read, and a resolver without arguments is
    called. They use nothing of `info` but its context, so that the executor's own will do. A leaf
    that needs no waiting is completed by the executor itself (`SharedExecutor.execute_fields`).
    """
    core, converters = schema._schema, Converters(schema)
    roots = (core.query_type, core.mutation_type, core.subscription_type)
    for type_ in core.type_map.values():
        definition = type_.extensions.get("strawberry-definition")
        if type_ in (core.query_type, core.mutation_type):
            _straighten_roots(schema, type_, converters)
        if isinstance(type_, GraphQLObjectType) and is_introspection_type(type_):
            type_.extensions[LEAF_RESOLVERS] = {
                name: compile_leaf(field.resolve, field.type)
                for name, field in type_.fields.items()
                if field.resolve and not field.args and is_leaf_type(get_nullable_type(field.type))
            }
        if not isinstance(type_, GraphQLObjectType) or definition is None or type_ in roots:
            continue
        leaves = type_.extensions[LEAF_RESOLVERS] = {"__typename": _constant(type_.name)}
        for field in definition.fields:
            name = schema.config.name_converter.get_graphql_name(field)
            compiled = type_.fields[name]
            guard = guard_of(field, compiled, type_)
            plain = not field.arguments and not field.extensions
            resolve: Any = _straight(field) if plain else compiled.resolve
            compiled.resolve = guarded(guard, resolve)
            if not field.extensions:
                compiled.extensions[READER] = _reader(field, guard, converters)
            if plain and is_leaf_type(get_nullable_type(compiled.type)) and not field.is_async:
                leaves[name] = compile_leaf(compiled.resolve, compiled.type)


def _straighten_roots(schema: Schema, type_: Any, converters: Converters) -> None:
    """Root fields convert their arguments by functions that are made once."""
    for field in type_.extensions["strawberry-definition"].fields:
        core = type_.fields[schema.config.name_converter.get_graphql_name(field)]
        if not field.extensions and field.base_resolver:
            core.resolve = _root(_with_arguments(field), converters.of_arguments(field))


def _root(read: Callable[..., Any], convert: Callable[..., dict[str, Any]]) -> Callable[..., Any]:
    return lambda source, info, **values: read(source, info, **convert(values))


def _constant(value: str) -> Callable[[Any, Any], str]:
    return lambda _source, _info: value


def _straight(field: Any) -> Callable[[Any, Any], Any]:
    resolver = field.base_resolver
    if resolver is None:
        read = attrgetter(field.python_name)
        return lambda source, _info: read(source)
    call, named = resolver.wrapped_func, resolver.info_parameter and resolver.info_parameter.name
    match [name == named for name in resolver.signature.parameters]:
        case [False, False, True]:
            return lambda source, info: call(source, source, info)
        case [False, True]:
            return lambda source, info: call(source, info)
        case [False, False]:
            return lambda source, _info: call(source, source)
        case [False]:
            return lambda source, _info: call(source)
        case _:
            return lambda _source, _info: call()


def _reader(field: Any, guard: Guard, converters: Converters) -> Reader:
    """How plans read the field."""
    if not field.arguments:
        return Reader(_straight(field), guard, "" if field.base_resolver else field.python_name)
    return Reader(_with_arguments(field), guard, convert=converters.of_arguments(field))


def _with_arguments(field: Any) -> Callable[..., Any]:
    """The resolver's function; it takes the source, `info` and the arguments in Python."""
    resolver = field.base_resolver
    call, parent = resolver.wrapped_func, resolver.parent_parameter or resolver.root_parameter
    is_method, source_name = bool(resolver.self_parameter), parent and parent.name
    info_name = resolver.info_parameter and resolver.info_parameter.name

    def read(source: Any, info: Any, **arguments: Any) -> Any:
        if source_name:
            arguments[source_name] = source
        if info_name:
            arguments[info_name] = info
        return call(source, **arguments) if is_method else call(**arguments)

    return read
