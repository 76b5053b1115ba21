"""Each query reads in one transaction, by a bounded number of statements."""

from collections import Counter

import pytest

from tests.security.documents import OPERATIONS, documents, nodes
from tests.security.roots import ARGUMENTS
from tests.security.walk import Walk
from tests.security.world import World
from tests.support.statements import read_statements

OF_CUSTOMERS = {"myAccount", "myOrders", "myPasses"}
ROOTS = [root for root in OPERATIONS["query"].fields if root not in OF_CUSTOMERS]


@pytest.mark.parametrize("root", ROOTS)
async def test_a_query_reads_in_one_transaction(world: World, root: str) -> None:
    walk, owner = Walk(world), world.readers["owner"]
    given = ARGUMENTS[root](world.places[0, 0])
    for document in await walk.fitting(
        owner, documents("query", root, nodes("query", root), given)
    ):
        with read_statements() as statements:
            answer = await walk.ask(owner, document, "own")
        assert answer.codes == []
        assert statements.transactions <= 1
        # Loaders read by edges of the document, never by rows.
        [(text, times)] = Counter(statements).most_common(1) or [("", 0)]
        assert times <= max(1, sum(len(node.path) + 1 for node in document.nodes)), text
