"""Scalar fields bypass graphql-core's completion, and every answer equals the library's."""

from enum import Enum
from typing import Any, cast

import pytest
import strawberry
from graphql import GraphQLObjectType

from app.live.leaves import LEAF_RESOLVERS
from app.schema.contract import Schema, build_schema

DOCUMENTS = (
    "{ thing { __typename name count kind none maybe } }",
    "{ thing { a: name b: name name @skip(if: true) inner { name inner { kind } } } }",
    "{ thing { late name later { name late } } }",
    "{ thing { name broken inner { name } } }",
    "{ thing { name missing } }",
    "{ thing { maybe wrong } }",
    "{ things { name ...More } } fragment More on Thing { count inner { maybe } }",
)


@strawberry.enum
class Colour(Enum):
    RED = "red"


@strawberry.type
class Thing:
    name: str = "米"
    count: int = 3
    none: str | None = None

    @strawberry.field
    def kind(self) -> Colour:
        return Colour.RED

    @strawberry.field
    def maybe(self) -> Colour | None:
        return None

    @strawberry.field
    def broken(self) -> str | None:
        raise ValueError("broken")

    @strawberry.field
    def wrong(self) -> int | None:
        return cast(Any, "not a number")

    @strawberry.field
    def missing(self) -> str:
        return cast(Any, None)

    @strawberry.field
    async def late(self) -> str:
        return "late"

    @strawberry.field
    def inner(self) -> "Thing":
        return Thing()

    @strawberry.field
    async def later(self) -> "Thing | None":
        return Thing()


def schema() -> Schema:
    @strawberry.type
    class Query:
        @strawberry.field(graphql_type=Thing)
        def thing(self) -> Any:
            return Thing()

        @strawberry.field(graphql_type=list[Thing])
        def things(self) -> Any:
            return [Thing(), Thing()]

    @strawberry.type
    class Mutation:
        @strawberry.field
        def nothing(self) -> int:
            return 0

    @strawberry.type
    class Subscription:
        @strawberry.subscription
        async def nothing(self) -> int:
            return 0

    return build_schema(Query, Mutation, Subscription)


@pytest.mark.parametrize("document", DOCUMENTS)
async def test_answers_equal_those_of_the_library(document: str) -> None:
    ours, theirs = schema(), schema()
    for type_ in theirs._schema.type_map.values():
        if isinstance(type_, GraphQLObjectType):
            type_.extensions.pop(LEAF_RESOLVERS, None)
    answers = []
    for each in (ours, theirs):
        answer = await each.execute(document)
        errors = [
            (error.path, dict(error.extensions or {}).get("code")) for error in answer.errors or ()
        ]
        answers.append((answer.data, errors))
    assert answers[0] == answers[1]


def test_leaves_bypass_the_library() -> None:
    resolvers = schema()._schema.type_map["Thing"].extensions[LEAF_RESOLVERS]
    assert {"name", "count", "kind", "__typename"} <= resolvers.keys()
    assert "late" not in resolvers
