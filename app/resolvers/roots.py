"""`root` declares a root field: it checks the permission and returns refusals as problems."""

import functools
import inspect
from collections.abc import AsyncIterator, Callable
from typing import Any

import strawberry
from graphql import GraphQLDirective, OperationType
from strawberry.utils.str_converters import to_camel_case

from app.domain import access
from app.domain.access import ApiScope, Can
from app.domain.errors import Refusal, Refused
from app.schema.boundary import needs, permission_of
from app.schema.context import Context
from app.schema.paths import with_path
from app.schema.window import definition


def root(
    can: Can,
    type_: Any,
    *,
    description: str,
    subscription: bool = False,
    name: str | None = None,
) -> Callable[..., Any]:
    """Declare a root field with its permission, type and description.

    `name` is for a field whose name Python keeps for itself. The permission is appended to the
    description. A refusal that the resolver raises becomes
    the field's answer; its transaction has already rolled back.
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
            name=name,
            graphql_type=type_,
            description=f"{description}\n\n{permission_text(can)}",
            directives=needs(can),
        )
        for argument in field.arguments:
            if argument.python_name == "input":
                argument.description = f"Input of `{to_camel_case(resolve.__name__)}`."
        return field

    return declare


def permission_text(can: Can) -> str:
    """The last sentence of a root's description: the permission and scope it needs."""
    if can.value.anybody:
        return "Permission: none; anyone can call this."
    scope = can.value.scope
    key = f"; API key scope {ApiScope(scope).name}" if scope else ""
    return f"Permission: {can.name} ({can.value.zh}){key}."


def _answer(can: Can, resolve: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(resolve)
    async def guarded(self: Any, info: Any, **arguments: Any) -> Any:
        _admit(info.context, can)
        if info.operation.operation is OperationType.MUTATION:
            # Its edges see what it writes; and it waits for no connection while it holds one.
            await info.context.snapshot.end()
            info.context.forget_loads()
        try:
            answer = await resolve(self, info, **arguments)
        except Refused as refused:
            answer = refused.refusal
        if not isinstance(answer, Refusal):
            return answer
        if arguments.keys() == {"input"}:
            return with_path(answer, arguments["input"], "input")
        return with_path(answer, arguments)

    return guarded


def _stream(can: Can, resolve: Callable[..., Any]) -> Callable[..., Any]:
    # Checked before the stream exists, so that the client gets an error and no stream.
    @functools.wraps(resolve)
    async def guarded(self: Any, info: Any, **arguments: Any) -> AsyncIterator[Any]:
        _admit(info.context, can)
        try:
            return await resolve(self, info, **arguments)
        finally:
            await info.context.snapshot.end()

    return guarded


def _admit(context: Context, can: Can) -> None:
    if context.trouble is not None and can is not Can.SIGN_IN:
        # A token that is wrong or expired never makes its sender a guest.
        raise context.trouble
    if not can.value.anybody:
        access.require(context.viewer, can)


def describe_directive(directive: GraphQLDirective) -> None:
    """Describe the argument of `@needs`: Strawberry's directives have no such descriptions."""
    directive.args["can"].description = "Permission that the viewer needs for the field. 权限"


def undeclared(*roots: type) -> list[str]:
    """Root fields without a permission; the application does not start if there is one."""
    return [
        f"{cls.__name__}.{field.python_name}"
        for cls in roots
        for field in definition(cls).fields
        if permission_of(field) is None
    ]


def is_for_guests(field: Any) -> bool:
    """Whether guests, or customers with an account, may call this root field."""
    can = permission_of(field)
    return can is Can.SHOP or (can is not None and can.value.anybody)
