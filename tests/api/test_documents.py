"""The cache of documents is bounded by bytes; every example stays within its role's budget."""

import gc
import re
import tracemalloc
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from graphql import (
    OperationDefinitionNode,
    get_introspection_query,
    parse,
)

from app.db.core.unit import Database
from app.db.tables import Category
from app.resolvers import SCHEMA
from app.schema.documents import LONGEST, MOST_BYTES, Documents
from app.schema.query_cost import (
    GUEST_BUDGET,
    STAFF_BUDGET,
    USUAL_SIZES,
    Meter,
    check_size,
)
from tests.support.api import ANSWERS, Desk, mutation

CORE = SCHEMA._schema
ROOT = Path(__file__).parent.parent.parent
PUBLIC = {"storefront", "menu", "canMake", "signIn", "placeOrder", "order", "__schema"}


def fill(documents: Documents, texts: list[str]) -> int:
    """The bytes that these documents take in memory once they are kept."""
    gc.collect()
    tracemalloc.start()
    for text in texts:
        document = documents.read(text)
        assert document.validate() == []
        documents.keep(document)
    gc.collect()
    taken = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    return taken


LONG = "{ __typename } #" + "x" * (LONGEST - 64)
MANY = "{" + "".join(f"a{n}:__typename " for n in range(600)) + "} #"


@pytest.mark.parametrize(
    "text", [LONG, LONG.replace("x", "米"), MANY], ids=["long", "wide", "many"]
)
def test_documents_in_memory_are_bounded_by_bytes(text: str) -> None:
    most = 512 * 1024
    documents = Documents(CORE, most)
    four_times_as_many = 4 * most // Documents(CORE).read(text).bytes
    taken = fill(documents, [f"{text}{n}" for n in range(four_times_as_many)])
    assert documents.bytes <= most
    assert taken < 1.5 * most


def test_a_document_is_parsed_and_validated_once() -> None:
    documents = Documents(CORE)
    first = documents.read("{ __typename }")
    assert first.validate() == []
    documents.keep(first)
    assert documents.read("{ __typename }") is first
    assert documents.bytes == first.bytes < MOST_BYTES


def test_the_document_used_longest_ago_leaves_first() -> None:
    texts = [f"{{ __typename }} # {n}" for n in range(3)]
    documents = Documents(CORE, 2 * Documents(CORE).read(texts[0]).bytes)
    fill(documents, texts[:2])
    kept = documents.read(texts[0])
    fill(documents, texts[2:])
    assert documents.read(texts[0]) is kept
    assert documents.read(texts[1]).valid is False


@pytest.mark.parametrize("fan", [10, 100, 2000])
def test_measuring_is_linear_in_the_fragments(fan: int) -> None:
    """Each fragment is measured once, however often it is spread."""
    spreads = " ".join(f"...F{n}" for n in range(fan))
    text = f"{{ products {{ nodes {{ {spreads} }} }} }}"
    text += "".join(f"fragment F{n} on Product {{ a{n}: level(storeId: 1) {{ ...L }} }}"
                    for n in range(fan))  # fmt: skip
    document = parse(text + " fragment L on Level { onHand product { name } }")
    fragments: dict[str, Any] = {}
    nodes: list[Any] = list(document.definitions[1:])
    for node in nodes:
        fragments[node.name.value] = node
    sets: list[int] = []

    class Counted(Meter):
        def _set(self, selections: Any, parent: Any) -> Any:
            sets.append(1)
            return super()._set(selections, parent)

    operation = document.definitions[0]
    assert isinstance(operation, OperationDefinitionNode)
    Counted(CORE, fragments, {}).operation(operation)
    # The operation's three sets, one of each fragment, and those of L and of its product.
    assert len(sets) == 3 + 2 * fan + 2


def examples() -> list[Any]:
    """Every example of README and GraphiQL, with its place."""
    texts = [
        (path.name, path.read_text()) for path in sorted(ROOT.glob("web/src/examples/*.graphql"))
    ]
    for page in ("README.md", "README.zh-CN.md"):
        blocks = re.findall(r"```graphql\n(.*?)```", (ROOT / page).read_text(), re.S)
        texts += [(f"{page}-{n}", block) for n, block in enumerate(blocks)]
    texts += [(name, mutation(name)) for name in ANSWERS]
    texts.append(("introspection", get_introspection_query()))
    return [pytest.param(text, id=name) for name, text in texts]


@pytest.mark.parametrize("text", examples())
def test_an_example_is_within_its_budget(text: str) -> None:
    document = SCHEMA.documents.read(text)
    for node in document.node.definitions:
        if isinstance(node, OperationDefinitionNode):
            operation = document.operation(node.name and node.name.value)
            assert operation
            root: Any = node.selection_set.selections[0]
            budget = GUEST_BUDGET if root.name.value in PUBLIC else STAFF_BUDGET
            check_size(operation.size({}), operation.kind, budget)


def test_usual_sizes_name_fields() -> None:
    for coordinate in USUAL_SIZES:
        type_, name = coordinate.split(".")
        owner: Any = CORE.type_map[type_]
        assert name in owner.fields, coordinate


async def test_an_answer_that_grows_past_the_budget_is_cut(fresh: Desk, db: Database) -> None:
    tenant = fresh.chain.founded.store.tenant_id
    # A storefront shows the categories above the one of a listed product as well.
    above = None
    async with db.unit(tenant) as unit:
        for n in range(500):
            row = Category(tenant_id=tenant, id=uuid4(), name=f"分类{n}", parent_id=above)
            unit.session.add(row)
            above = row.id
    await fresh.product("剪发", kind="SERVICE", categoryId=str(above))
    fields = " ".join(
        f"a{n}: storefront(store: $s) {{ categories {{ id name }} }}" for n in range(18)
    )
    text = f"query($s: String!) {{ {fields} }}"
    answer = await fresh.asking.raw(text, s=fresh.chain.founded.store.code)
    assert answer["extensions"]["cost"]["requested"] <= GUEST_BUDGET
    assert answer["data"] is None
    [error] = answer["errors"]
    assert error["extensions"]["code"] == "COST_EXCEEDED"
    assert "errors" not in await fresh.asking.raw(
        text, fresh.owner, s=fresh.chain.founded.store.code
    )
