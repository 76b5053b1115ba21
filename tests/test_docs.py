"""The pages at the root name files and functions that exist."""

import ast
import re
from functools import cache
from pathlib import Path

import pytest
from graphql import GraphQLSchema, build_schema, parse, validate

ROOT = Path(__file__).parent.parent
REFERENCE = re.compile(r"`((?:[a-z_]+/)+(?:[a-z_]+\.py)?)(?:: (\w+))?`")
LINK = re.compile(r"\]\((?!https?:)([^)#]+)\)")


def references() -> list[tuple[str, str]]:
    table = (ROOT / "ARCHITECTURE.md").read_text().split("## Where to find what")[1]
    return REFERENCE.findall(table.split("\n## ")[0])


def test_the_table_covers_enough() -> None:
    assert len(references()) >= 20


@pytest.mark.parametrize(("path", "name"), references())
def test_the_table_names_what_exists(path: str, name: str) -> None:
    place = ROOT / "app" / path
    assert place.exists(), path
    if name:
        nodes = ast.walk(ast.parse(place.read_text()))
        kinds = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
        defined = {node.name for node in nodes if isinstance(node, kinds)}
        assert name in defined, f"{path}: {name}"


EXAMPLE = re.compile(r"```graphql\n(.*?)```", re.DOTALL)


@cache
def schema() -> GraphQLSchema:
    """Without the scalars of the application: examples have "…" for an id."""
    return build_schema((ROOT / "schema.graphql").read_text())


PAGES = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    for target in LINK.findall(page.read_text()):
        assert (page.parent / target).exists(), target


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_examples_are_valid(page: Path) -> None:
    for example in EXAMPLE.findall(page.read_text()):
        # The parts of several operations share a block.
        for error in validate(schema(), parse(example)):
            assert "anonymous" in error.message, f"{error.message} in\n{example}"
