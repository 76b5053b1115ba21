"""JavaScript clients as they come from npm, against a live server."""

import asyncio
import json
import shutil
from pathlib import Path

import pytest

from tests.clients.conftest import Shopfront

HERE = Path(__file__).parent
NODE = shutil.which("node")
CLIENTS = ("graphql-ws", "graphql-sse", "urql", "urql over events", "apollo")
CHECKS = (
    "query",
    "mutation",
    "problem",
    "errorCode",
    "feed",
    "severalFeeds",
    "feedError",
    "reconnect",
    "resume",
    "unsubscribe",
)

pytestmark = [
    pytest.mark.skipif(NODE is None, reason="node is not installed"),
    pytest.mark.skipif(
        NODE is not None and not (HERE / "node_modules").is_dir(),
        reason="the clients are not installed: run `make clients`",
    ),
]


@pytest.mark.parametrize("client", CLIENTS)
async def test_a_client_needs_no_special_settings(shopfront: Shopfront, client: str) -> None:
    assert NODE is not None
    process = await asyncio.create_subprocess_exec(
        NODE,
        str(HERE / "checks.mjs"),
        client,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    output, errors = await process.communicate(json.dumps(shopfront.as_json()).encode())
    assert process.returncode == 0, errors.decode()
    assert json.loads(output) == dict.fromkeys(CHECKS, "ok"), errors.decode()
