"""Direct resolvers of fields, instead of the library's own calls, which cost more than the
fields."""

from collections.abc import Callable, Iterator
from operator import attrgetter
from typing import Any

from graphql import GraphQLObjectType, get_nullable_type, is_introspection_type, is_leaf_type

from app.live.leaves import LEAF_RESOLVERS, compile_leaf
from app.live.plans import READER, Guard, Reader
from app.schema.boundary import guard_of, guarded
from app.schema.conversion import Converters


def straighten(schema: Any) -> None:
    """Give the schema's fields their direct resolvers: an attribute is read, a method is called.

    Resolvers of types use only the context of `info`, so that plans can pass an `info` of their
    own.
    """
    core, converters = schema._schema, Converters(schema)
    for type_ in core.type_map.values():
        if not isinstance(type_, GraphQLObjectType):
            continue
        if is_introspection_type(type_):
            _compile_leaves(type_)
        elif type_ in (core.query_type, core.mutation_type):
            for field, compiled in _fields(schema, type_):
                _straighten_root(field, compiled, converters)
        elif type_ is not core.subscription_type:
            for field, compiled in _fields(schema, type_):
                _straighten_field(type_, field, compiled, converters)


def _fields(schema: Any, type_: Any) -> Iterator[tuple[Any, Any]]:
    """The fields of a type, as Strawberry and as graphql-core have them."""
    for field in type_.extensions["strawberry-definition"].fields:
        if field.extensions:
            raise TypeError(f"{type_.name}.{field.python_name}: extensions would not run")
        yield field, type_.fields[schema.config.name_converter.get_graphql_name(field)]


def _compile_leaves(type_: Any) -> None:
    type_.extensions[LEAF_RESOLVERS] = {
        name: compile_leaf(field.resolve, field.type)
        for name, field in type_.fields.items()
        if field.resolve and not field.args and is_leaf_type(get_nullable_type(field.type))
    }


def _straighten_root(field: Any, core: Any, converters: Converters) -> None:
    read, convert = _method(field), converters.of_arguments(field)
    core.resolve = lambda source, info, **values: read(source, info, **convert(values))


def _straighten_field(type_: Any, field: Any, core: Any, converters: Converters) -> None:
    guard = guard_of(field, core, type_)
    core.extensions[READER] = reader = _reader(field, guard, converters)
    core.resolve = guarded(guard, core.resolve if field.arguments else reader.read)


def _reader(field: Any, guard: Guard, converters: Converters) -> Reader:
    if field.arguments:
        return Reader(_method(field), guard, convert=converters.of_arguments(field))
    if field.base_resolver:
        return Reader(_method_without_arguments(field), guard)
    read = attrgetter(field.python_name)
    return Reader(lambda source, _info: read(source), guard, field.python_name)


def _method(field: Any) -> Callable[..., Any]:
    """The resolver's method; it takes the source, `info` and arguments as Python has them."""
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


def _method_without_arguments(field: Any) -> Callable[[Any, Any], Any]:
    resolver = field.base_resolver
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
