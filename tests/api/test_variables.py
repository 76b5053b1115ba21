"""Compiled readers of variables give what graphql-core gives: values, defaults and errors."""

import random
from typing import Any

import pytest
from graphql import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLList,
    GraphQLNonNull,
    OperationDefinitionNode,
    build_schema,
    parse,
    parse_type,
    type_from_ast,
)
from graphql.execution.values import VariableValues, get_variable_values
from hypothesis import given, settings
from hypothesis import strategies as st

from app.live.variables import Readers, Variables
from app.resolvers import SCHEMA

SMALL = build_schema(
    """
    scalar Anything
    enum Colour { RED BLUE }
    input Item {
      name: String! count: Int = 3 colour: Colour parts: [Item!] tags: [[String]!] = ["a"]
    }
    input Either @oneOf { number: Int item: Item names: [String!] }
    input Whole {
      id: ID! item: Item = {name: "x"} items: [Item]! = [] either: Either size: Float! = 1.5
      is_open: Boolean! anything: Anything
    }
    type Query { whole(whole: Whole): Int }
    """
)
SMALL_TYPES = [
    *("Int", "Int!", "[Int!]!", "[[Int]]", "Colour!", "Either", "Either!", "Whole", "[Whole!]"),
    *("Int = 7", "[Int] = 7", "Colour! = RED", 'Item = {name: "y", parts: [{name: "z"}]}'),
    "[Either!] = [{number: 1}]",
]
CORE: Any = SCHEMA._schema
INPUTS = sorted(
    name for name, type_ in CORE.type_map.items() if isinstance(type_, GraphQLInputObjectType)
)
SCALARS = {
    "UUID": ["019ac3f2-5b1e-7d40-9a52-3c8f6e1b7a90"],
    "Quantity": ["1.5", 3, 0.5],
    "Money": ["12.50", 7],
    "Revision": ["12"],
    "DateTime": ["2026-11-23T09:30:00+08:00"],
    "Date": ["2026-11-23"],
    "Boolean": [True, False],
    "Int": [0, -3, 2**31 - 1],
    "Float": [1, 2.5],
}
JUNK = [
    None,
    "",
    "text",
    "RED",
    "1",
    True,
    0,
    -1,
    2.5,
    2**40,
    [],
    [None],
    [[]],
    {},
    {"a": 1},
    ["x"],
]


def value_of(dice: random.Random, type_: Any, faults: float, depth: int = 4) -> Any:
    """A JSON value of this type; each of its parts is something else with this probability."""
    if dice.random() < faults:
        return dice.choice(JUNK)
    if isinstance(type_, GraphQLNonNull):
        return value_of(dice, type_.of_type, faults, depth)
    if depth <= 0 or dice.random() < 0.1:
        # Not valid if the type is required.
        return None
    if isinstance(type_, GraphQLList):
        return [value_of(dice, type_.of_type, faults, depth - 1) for _ in range(dice.randint(0, 2))]
    if isinstance(type_, GraphQLEnumType):
        return dice.choice(list(type_.values))
    if not isinstance(type_, GraphQLInputObjectType):
        return dice.choice(SCALARS.get(type_.name, ["text"]))
    fields = dict(type_.fields)
    if type_.is_one_of and dice.random() < 0.8:
        fields = dict([dice.choice(list(fields.items()))])
    value = {
        name: value_of(dice, field.type, faults, depth - 1)
        for name, field in fields.items()
        if isinstance(field.type, GraphQLNonNull) or dice.random() < 0.5
    }
    if dice.random() < faults:
        value.pop(dice.choice([*value, "unknown"]), None)
        value["unknown" if dice.random() < 0.5 else "note"] = 1
    return value


def operation(type_: str) -> OperationDefinitionNode:
    [node] = parse(f"query Q($value: {type_}, $count: Int = 2) {{ __typename }}").definitions
    assert isinstance(node, OperationDefinitionNode)
    return node


def sources_of(values: VariableValues) -> dict[str, Any]:
    sources = values.sources.items()
    return {name: (str(each.signature.type), each.value) for name, each in sources}


def check(schema: Any, type_: str, values: dict[str, Any]) -> bool:
    """Whether the values were read without graphql-core, and are the same as with it."""
    node = operation(type_)
    theirs = get_variable_values(schema, node.variable_definitions or (), values)
    ours = Variables(Readers(schema), node).read(values)
    if ours is None:
        return False
    assert isinstance(theirs, VariableValues), (type_, values, theirs)
    assert repr(ours.coerced) == repr(theirs.coerced), (type_, values)
    assert sources_of(ours) == sources_of(theirs)
    return True


def given_values(dice: random.Random, schema: Any, type_: str, faults: float) -> dict[str, Any]:
    values: dict[str, Any] = {}
    if dice.random() < 0.9:
        core = type_from_ast(schema, parse_type(type_.split(" =")[0]))
        values["value"] = value_of(dice, core, faults)
    if dice.random() < 0.3:
        values["count"] = dice.choice([None, 4, "4"])
    return values


@settings(max_examples=600, deadline=None)
@given(
    seed=st.integers(0, 2**32),
    type_=st.sampled_from(SMALL_TYPES),
    faults=st.sampled_from((0.0, 0.05, 0.3)),
)
def test_values_equal_those_of_the_library(seed: int, type_: str, faults: float) -> None:
    check(SMALL, type_, given_values(random.Random(seed), SMALL, type_, faults))


@settings(max_examples=600, deadline=None)
@given(
    seed=st.integers(0, 2**32),
    name=st.sampled_from(INPUTS),
    faults=st.sampled_from((0.0, 0.02, 0.2)),
)
def test_every_input_of_the_schema_equals_that_of_the_library(
    seed: int, name: str, faults: float
) -> None:
    check(CORE, f"{name}!", given_values(random.Random(seed), CORE, f"{name}!", faults))


SALE = {
    "key": "019ac3f2-5b1e-7d40-9a52-3c8f6e1b7a90",
    "storeId": "019ac3f2-5b1e-7d40-9a52-3c8f6e1b7a90",
    "lines": [{"productId": "019ac3f2-5b1e-7d40-9a52-3c8f6e1b7a90", "quantity": "1"}],
}


@pytest.mark.parametrize(
    ("schema", "type_", "value"),
    [
        (CORE, "SellInput!", SALE),
        (SMALL, "Either!", {"names": ["a", "b"]}),
        (SMALL, "Whole", {"id": "7", "is_open": True, "items": [None, {"name": "x"}]}),
        (SMALL, "[[Int]]", [[1, None], None]),
    ],
)
def test_usual_values_need_no_library(schema: Any, type_: str, value: Any) -> None:
    assert check(schema, type_, {"value": value})
    assert check(schema, type_.rstrip("!"), {})


@pytest.mark.parametrize(
    ("type_", "value"),
    [
        ("Int!", None),
        ("[Int]", 7),
        ("Either", {"number": 1, "names": []}),
        ("Either", {"number": None}),
        ("Item", {"name": "x", "unknown": 1}),
        ("Item", {"count": 1}),
        ("Item", ["name"]),
        ("Colour", "GREEN"),
    ],
)
def test_unusual_values_are_left_to_the_library(type_: str, value: Any) -> None:
    assert not check(SMALL, type_, {"value": value})


def test_a_default_is_not_shared_by_requests() -> None:
    variables = Variables(Readers(SMALL), operation("[Int] = [7]"))
    first = variables.read({})
    assert first is not None
    first.coerced["value"].append(8)
    second = variables.read({})
    assert second is not None
    assert second.coerced["value"] == [7]
