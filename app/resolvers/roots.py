"""`root`: the only way to declare a root field. It names the permission, and catches refusals."""

import functools
import inspect
from collections.abc import AsyncIterator, Callable
from typing import Any

import strawberry
from strawberry.schema_directive import Location
from strawberry.utils.str_converters import to_camel_case

from app.domain import access
from app.domain.access import Can
from app.domain.errors import Refused
from app.schema.context import Context
from app.schema.window import definition

Permission = strawberry.enum(Can, name="Permission", description="What a caller may do. 权限")
for _can in Can:
    definition_of = Permission.__strawberry_definition__  # pyright: ignore[reportAttributeAccessIssue]
    next(v for v in definition_of.values if v.name == _can.name).description = _can.value.meaning


@strawberry.schema_directive(
    locations=[Location.FIELD_DEFINITION], name="needs", description="The permission it takes."
)
class Needs:
    can: Permission  # pyright: ignore[reportInvalidTypeForm]


def root(
    can: Can, type_: Any, *, description: str, subscription: bool = False
) -> Callable[..., Any]:
    """Declares a root field: who may call it, what it gives, and what it is for.

    A refusal raised below is the field's answer; its transaction has rolled back by then.
    """

    def declare(resolve: Callable[..., Any]) -> Any:
        if subscription:
            guarded = _stream(can, resolve)
        elif inspect.iscoroutinefunction(resolve):
            guarded = _answer(can, resolve)
        else:
            raise TypeError(f"{resolve.__name__} must be async")
        kind = strawberry.subscription if subscription else strawberry.field
        field = kind(
            resolver=guarded,
            graphql_type=type_,
            description=description,
            directives=[Needs(can=can)],  # pyright: ignore[reportCallIssue]
        )
        for argument in field.arguments:
            if argument.python_name == "input":
                argument.description = f"Input of `{to_camel_case(resolve.__name__)}`."
        return field

    return declare


def _answer(can: Can, resolve: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(resolve)
    async def guarded(self: Any, info: Any, **arguments: Any) -> Any:
        _admit(info.context, can)
        try:
            return await resolve(self, info, **arguments)
        except Refused as refused:
            return refused.refusal

    return guarded


def _stream(can: Can, resolve: Callable[..., Any]) -> Callable[..., Any]:
    # Checked before the stream exists, so that the client gets an error and no stream.
    @functools.wraps(resolve)
    def guarded(self: Any, info: Any, **arguments: Any) -> AsyncIterator[Any]:
        _admit(info.context, can)
        return resolve(self, info, **arguments)

    return guarded


def _admit(context: Context, can: Can) -> None:
    if not can.value.anybody:
        access.require(context.viewer, can)


def undeclared(*roots: type) -> list[str]:
    """The root fields nobody declared a permission for: none, or the app does not start."""
    return [
        f"{cls.__name__}.{field.python_name}"
        for cls in roots
        for field in definition(cls).fields
        if not any(isinstance(directive, Needs) for directive in field.directives)
    ]
