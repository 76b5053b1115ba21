"""The tree keeps its own rules: sizes, names, windows, problems, roots, true examples."""

import ast
import dataclasses
import re
import subprocess
import tokenize
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from graphql import (
    GraphQLInterfaceType,
    GraphQLNonNull,
    GraphQLObjectType,
    Undefined,
    is_specified_directive,
    is_specified_scalar_type,
    parse,
    validate,
)

from app.domain import errors, import_errors
from app.domain.access import Can
from app.domain.errors import Refusal
from app.domain.rules.kinds import Kind
from app.live.plans import OfClasses
from app.resolvers import SCHEMA
from app.schema.messages import WORDS, message_of

ROOT = Path(__file__).parent.parent
BANNED = {"manager", "service", "helper", "utils", "handler", "lot", "item", "variant"}
BANNED |= {"location", "scrap"}
GRAPHQL = SCHEMA._schema
SDL = SCHEMA.as_str()


def sources(*folders: str) -> list[Path]:
    return [path for folder in folders for path in sorted((ROOT / folder).rglob("*.py"))]


PLAIN = sources("app")
PAGES = [
    *sorted(ROOT.glob("*.md")),
    *sorted((ROOT / "docs").rglob("*.md")),
]


@cache
def nodes(path: Path) -> list[ast.AST]:
    """The syntax tree of a file, flat; the module comes first."""
    return list(ast.walk(ast.parse(path.read_text())))


def defined(path: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef]:
    for node in nodes(path):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield node


def test_sizes() -> None:
    for path in sources("app", "tests", "bench"):
        assert len(path.read_text().splitlines()) <= 400, path
        for node in defined(path):
            if not isinstance(node, ast.ClassDef):
                assert (node.end_lineno or 0) - node.lineno < 70, f"{path}: {node.name}"


def test_roots_read_call_and_answer() -> None:
    """A root reads its arguments, calls one function and maps the answer: in 12 lines."""
    for path in sources("app/resolvers"):
        for node in defined(path):
            declared = [ast.unparse(each) for each in node.decorator_list]
            if any(each.startswith("root(") for each in declared):
                length = (node.end_lineno or 0) - node.body[0].lineno
                assert length < 12, f"{path}: {node.name}"


def test_names_and_first_words() -> None:
    for path in PLAIN:
        module = nodes(path)[0]
        assert isinstance(module, ast.Module)
        assert not module.body or ast.get_docstring(module), f"{path} says what it is for"
        for name in [path.stem, *(node.name for node in defined(path))]:
            words = re.findall(r"[A-Z]?[a-z]+|[A-Z]+", name)
            assert not BANNED & {word.lower() for word in words}, f"{path}: {name}"


RENAMED = {"told", "settle", "crowd", "foresee", "ahead", "leaf", "New", "Asked", "Wanted", "Told"}
RENAMED |= {"Lacked", "Held", "Ration", "Paper", "Sheet", "Brief"}
RENAMED_MODULES = {"app/domain/hold", "app/db/holds", "app/db/rations", "app/db/together"}
RENAMED_MODULES |= {"app/domain/arrivals", "app/domain/deliveries", "app/domain/ahead"}
RENAMED_MODULES |= {"app/domain/pushes", "app/domain/shops", "app/domain/papers"}
RENAMED_MODULES |= {"app/schema/cost", "app/schema/limits", "app/schema/shops"}


PARTICIPLES = {"asked", "told", "found", "wanted", "made", "lacked"}
CODE = sources("app", "tests")


def test_names_say_what_a_value_is() -> None:
    assert not {node.name for path in CODE for node in defined(path)} & RENAMED


def names_of(path: Path) -> Iterator[str]:
    """What a file calls its functions, classes, arguments, variables and the attributes it sets.

    Without the fields of a class: they are the columns and the contract.
    """
    fields = {
        each.target
        for node in nodes(path)
        if isinstance(node, ast.ClassDef)
        for each in node.body
        if isinstance(each, ast.AnnAssign)
    }
    for node in nodes(path):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield node.name
        elif isinstance(node, ast.arg):
            yield node.arg
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store) and node not in fields:
            yield node.id
        elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
            yield node.attr


def test_no_participle_stands_for_a_noun() -> None:
    for path in CODE:
        names = {name.lower().strip("_") for name in names_of(path)}
        assert not names & PARTICIPLES, path


def test_modules_keep_their_names() -> None:
    modules = {str(path.relative_to(ROOT).with_suffix("")) for path in sources("app")}
    assert not modules & RENAMED_MODULES


RIDDLE = re.compile(
    r"(?i:\b(?:whoever|whatever|somebody|anybody|did cost|what is there|no more(?! than))\b)"
    r"|(?<!Listing\.)\b[Tt]old\b"  # the changelog names a removed field
    r"|(?i:\bnobody\b(?!\"))"  # "nobody" in quotes is the account of Unix
)


def prose(path: Path) -> Iterator[str]:
    """The lines of a page; of a Python file its comments, docstrings and texts."""
    if path.suffix != ".py":
        yield from path.read_text().splitlines()
        return
    kinds = (tokenize.COMMENT, tokenize.STRING)
    with path.open("rb") as file:
        for token in tokenize.tokenize(file.readline):
            if token.type in kinds:
                yield from token.string.splitlines()


def test_prose_is_plain() -> None:
    riddles = [
        f"{path.relative_to(ROOT)}: {line.strip()}"
        for path in [*PLAIN, *PAGES]
        for line in prose(path)
        if RIDDLE.search(line)
    ]
    assert riddles == []


def test_no_path_of_a_machine() -> None:
    tracked = subprocess.run(
        ["git", "grep", "-nIE", r"(^|[^a-z])/(work|farm|root)/", "--", ".", ":!*.lock"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    lines = [line for line in tracked.stdout.splitlines() if "test_tidy.py" not in line]
    assert lines == []


REFUSALS = [each for each in WORDS if each.__module__.startswith("app.")]


@pytest.mark.parametrize("refusal", REFUSALS, ids=lambda each: each.__name__)
def test_every_refusal_has_a_window_and_words(refusal: type[Refusal]) -> None:
    window = GRAPHQL.type_map.get(refusal.__name__)
    assert isinstance(window, GraphQLObjectType)
    problem = GRAPHQL.type_map["Problem"]
    assert isinstance(problem, GraphQLInterfaceType)
    assert problem in window.interfaces
    positional = [field for field in dataclasses.fields(refusal) if not field.kw_only]
    example: Any = refusal(*map(example_of, positional))
    code, chinese, english = WORDS[refusal]
    assert code
    assert chinese != english
    assert message_of(example, "zh")
    assert message_of(example, "en")


def example_of(field: dataclasses.Field[Any]) -> Any:
    examples = {
        int: 1,
        errors.Text: errors.Text("甲", "a"),
        errors.WrongStateReason: next(iter(errors.WrongStateReason)),
        import_errors.ImportFault: next(iter(import_errors.ImportFault)),
    }
    return examples.get(field.type, f"<{field.name}>")


def objects() -> list[GraphQLObjectType]:
    kinds = [each for each in GRAPHQL.type_map.values() if isinstance(each, GraphQLObjectType)]
    return [each for each in kinds if not each.name.startswith("__")]


@pytest.mark.parametrize("shown", objects(), ids=lambda each: each.name)
def test_a_window_shows_what_its_row_has(shown: GraphQLObjectType) -> None:
    definition = shown.extensions["strawberry-definition"]
    rows = window_rows(definition)
    for field in definition.fields:
        if field.base_resolver is None:
            for row in rows:
                names = {*dir(row), *getattr(row, "__annotations__", {})}
                assert field.python_name in names, f"{row.__name__}.{field.python_name}"


def window_rows(definition: Any) -> tuple[type, ...]:
    check = definition.is_type_of
    return check.classes if isinstance(check, OfClasses) else ()


ROOTS = [GRAPHQL.query_type, GRAPHQL.mutation_type, GRAPHQL.subscription_type]
FIELDS = [(root.name, name, field) for root in ROOTS if root for name, field in root.fields.items()]


def permission_line(can: Can) -> str:
    if can.value.anybody:
        return "Permission: none; anyone can call this."
    scope = can.value.scope and can.value.scope.upper().replace(":", "_")
    return f"Permission: {can.name} ({can.value.zh}){f'; API key scope {scope}' if scope else ''}."


@pytest.mark.parametrize(("root", "name", "field"), FIELDS, ids=[f"{r}.{n}" for r, n, _ in FIELDS])
def test_roots_are_declared_and_documented(root: str, name: str, field: Any) -> None:
    assert field.description, "an integrator reads only this"
    arguments = r"(?:\(.*\)|\(\n(?:    .*\n|\n)*  \))?"
    [type_] = re.findall(rf"^type {root} {{\n(.*?)^}}", SDL, re.MULTILINE | re.DOTALL)
    declared = re.search(rf"^  {name}{arguments}: .* @needs\(can: (\w+)\)", type_, re.MULTILINE)
    assert declared
    assert field.description.splitlines()[-1] == permission_line(Can[declared[1]])
    for argument in field.args.values():
        defaulted = argument.default_value not in (Undefined, None)
        assert not (isinstance(argument.type, GraphQLNonNull) and defaulted)


WORD = re.compile(r"[A-Za-z0-9][\w'.-]*")


def described(text: str | None) -> bool:
    return bool(text) and text[0].isupper() and len(WORD.findall(text)) >= 3


def undescribed(kind: Any) -> Iterator[str]:
    """The type, its fields, values and arguments whose description says too little."""
    if not described(kind.description):
        yield kind.name
    members = {**getattr(kind, "fields", {}), **getattr(kind, "values", {})}
    for name, member in members.items():
        if not described(member.description):
            yield f"{kind.name}.{name}"
        for argument, value in getattr(member, "args", {}).items():
            if not described(value.description):
                yield f"{kind.name}.{name}({argument})"


PUBLIC = [
    kind
    for kind in GRAPHQL.type_map.values()
    if not kind.name.startswith("__") and not is_specified_scalar_type(kind)
]


def test_everything_public_is_described() -> None:
    assert [each for kind in PUBLIC for each in undescribed(kind)] == []


DIRECTIVES = [each for each in GRAPHQL.directives if not is_specified_directive(each)]


def test_directives_are_described() -> None:
    described_by = {f"@{each.name}": each.description for each in DIRECTIVES}
    for each in DIRECTIVES:
        for name, argument in each.args.items():
            described_by[f"@{each.name}({name})"] = argument.description
    assert set(described_by) >= {"@needs", "@needs(can)"}
    assert [name for name, text in described_by.items() if not described(text)] == []


def test_kinds_are_told_apart_by_their_meaning() -> None:
    assert len({kind.value for kind in Kind}) == len(Kind)


def examples() -> Iterator[tuple[str, str]]:
    for page in ("README.md", "README.zh-CN.md"):
        for block in re.findall(r"```graphql\n(.*?)```", (ROOT / page).read_text(), re.S):
            yield page, block


@pytest.mark.parametrize(("page", "text"), list(examples()))
def test_examples_in_the_docs_are_true(page: str, text: str) -> None:
    assert validate(GRAPHQL, parse(text)) == []


@pytest.mark.parametrize("record", sorted((ROOT / "docs/decisions").glob("*.md")), ids=str)
def test_decision_records_have_their_parts(record: Path) -> None:
    text = record.read_text()
    for heading in ("## Context", "## Decision", "## Consequences", "## Alternatives"):
        assert heading in text
