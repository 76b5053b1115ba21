"""The contract: schema.graphql is current, breaking changes are announced, roots check access."""

import asyncio
from pathlib import Path

import pytest
from graphql import (
    GraphQLInterfaceType,
    GraphQLUnionType,
    build_schema,
    find_breaking_changes,
)

from app.db.core.unit import Database
from app.domain.access import Can
from app.domain.errors import Refusal
from app.domain.ledger.draft import RecipeChanged
from app.main import sdl
from app.resolvers import SCHEMA
from app.schema.messages import WORDS
from tests.api.conftest import signed_in
from tests.api.test_bad_input import CORE, Stocked, root_of, stocked
from tests.support.api import Desk
from tests.support.identity import Asking

HOME = Path(__file__).parents[2]
CONTRACT = sdl()
RELEASED = (HOME / "docs/contract/released.graphql").read_text()
ANYBODY = {can.name for can in Can if can.value.anybody}
ROOTS = [
    (operation, name)
    for operation, type_ in (("query", CORE.query_type), ("mutation", CORE.mutation_type))
    for name in (type_.fields if type_ else ())
]


def test_the_committed_schema_is_fresh() -> None:
    committed = (HOME / "schema.graphql").read_text()
    assert committed == CONTRACT, "run `make schema` and read what changed"


def test_breaking_changes_since_the_release_are_declared() -> None:
    declared = (HOME / "CHANGELOG.md").read_text().split("\n## ")[1]
    for change in find_breaking_changes(build_schema(RELEASED), build_schema(CONTRACT)):
        assert change.description in " ".join(declared.split()), "declare it in CHANGELOG.md"


@pytest.fixture(scope="module")
async def stock(db: Database, asking: Asking) -> Stocked:
    """One for all roots: a stranger changes nothing, except by an order of 1 of 10,000."""
    return await stocked(await signed_in("stock", db, asking))


def needs(name: str) -> str:
    """The permission a root field declares in the printed contract."""
    _, declaration = CONTRACT.split(
        f"\n  {name}(" if f"\n  {name}(" in CONTRACT else f"\n  {name}:", 1
    )
    return declaration.split("@needs(can: ", 1)[1].split(")", 1)[0]


@pytest.mark.parametrize(("operation", "name"), ROOTS, ids=[name for _, name in ROOTS])
async def test_every_root_refuses_a_stranger(stock: Stocked, operation: str, name: str) -> None:
    root = await root_of(stock, operation, name)
    answer = await stock.desk.asking.raw(root.document(root.good), None, **root.good)
    codes = [error["extensions"]["code"] for error in answer.get("errors", ())]
    if needs(name) in ANYBODY:
        assert "UNAUTHENTICATED" not in codes
    else:
        assert codes == ["UNAUTHENTICATED"]


def test_every_refusal_has_words_and_a_problem() -> None:
    ours, worded = (
        {each.__name__ for each in refusals if each.__module__.startswith("app.")}
        for refusals in (Refusal.__subclasses__(), WORDS)
    )
    assert ours - {RecipeChanged.__name__} == worded
    problem = CORE.type_map["Problem"]
    assert isinstance(problem, GraphQLInterfaceType)
    shown = {type_.name for type_ in CORE.get_possible_types(problem)}
    assert shown == worded


def test_every_mutation_may_answer_with_a_problem() -> None:
    assert CORE.mutation_type
    problem = CORE.type_map["Problem"]
    for name, field in CORE.mutation_type.fields.items():
        # A till's sales are answered one by one.
        answered = CORE.type_map["SyncOutcome"] if name == "syncSales" else field.type
        result = getattr(answered, "of_type", answered)
        assert isinstance(result, GraphQLUnionType), name
        kinds = [problem in type_.interfaces for type_ in result.types]
        assert kinds.count(False) == 1, f"{name} has one good answer"
        assert any(kinds), name


def test_every_type_and_root_says_what_it_is() -> None:
    roots = (CORE.query_type, CORE.mutation_type, CORE.subscription_type)
    for type_ in roots:
        assert type_
        for name, field in type_.fields.items():
            assert field.description, name
            assert any(ord(character) > 0x4E00 for character in field.description), name


async def test_the_same_document_may_be_asked_by_many_at_once(desk: Desk) -> None:
    answers = await asyncio.gather(*(desk.ask("{ viewer { name } }") for _ in range(50)))
    assert len({answer["name"] for answer in answers}) == 1


def test_the_schema_is_valid() -> None:
    assert SCHEMA.as_str() + "\n" == CONTRACT
    build_schema(CONTRACT)
