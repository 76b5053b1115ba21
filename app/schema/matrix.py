"""The permission matrix in Markdown: who has each permission, and what it gives access to."""

from collections.abc import Iterable, Iterator
from typing import Any

from graphql import GraphQLObjectType

from app.domain.access import ApiScope, Can, Reach, Role
from app.schema.boundary import permission_of, sight_of

REACHES = {Reach.ALL: "all", Reach.OWN: "own", None: ""}
ROLES = (Role.CUSTOMER, Role.CASHIER, Role.MANAGER, Role.PURCHASER, Role.OWNER)


def matrix(schema: Any) -> str:
    """Two tables: roles and scopes by permission; roots, types and fields by permission."""
    return "\n".join([*_granted(), "", *_opened(schema)]) + "\n"


def _granted() -> Iterator[str]:
    roles = [role.name.lower() for role in ROLES]
    yield from _head("permission", "权限", *roles, "API key scope")
    for can in Can:
        grant = can.value
        reaches = ["all"] * len(ROLES) if grant.anybody else _reaches(can)
        scope = "every key" if grant.anybody else grant.scope and ApiScope(grant.scope).name
        yield _row(can.name, grant.zh, *reaches, scope or "")


def _reaches(can: Can) -> list[str]:
    return [REACHES[can.value.roles.get(role)] for role in ROLES]


def _opened(schema: Any) -> Iterator[str]:
    yield from _head("permission", "roots", "rows of types", "fields")
    core = schema._schema
    roots = [each for each in (core.query_type, core.mutation_type, core.subscription_type) if each]
    types = [
        each
        for each in core.type_map.values()
        if isinstance(each, GraphQLObjectType)
        and each not in roots
        and "strawberry-definition" in each.extensions
    ]
    for can in Can:
        called = [name for each in roots for name in _fields(schema, each, can)]
        rows = [each.name for each in types if sight_of(each).can is can]
        fields = [f"{each.name}.{name}" for each in types for name in _fields(schema, each, can)]
        yield _row(can.name, *map(_listed, (called, rows, fields)))


def _fields(schema: Any, type_: GraphQLObjectType, can: Can) -> Iterator[str]:
    """The fields of the type that need this permission."""
    for field in type_.extensions["strawberry-definition"].fields:
        if permission_of(field) is can:
            yield schema.config.name_converter.get_graphql_name(field)


def _listed(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in sorted(names))


def _head(*names: str) -> list[str]:
    return [_row(*names), _row(*["---"] * len(names))]


def _row(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"
