"""The language of a websocket, which browsers cannot set by a header."""

import json

import pytest

from tests.support.identity import Asking
from tests.support.live import dialled


@pytest.mark.parametrize(
    ("language", "message"), [(None, "请先登录"), ("en-US", "Sign in first."), ("zh", "请先登录")]
)
async def test_connection_init_names_the_language(
    asking: Asking, language: str | None, message: str
) -> None:
    async with dialled(str(asking.http.base_url), language=language) as line:
        await line.subscribe("{ viewer { name } }")
        assert message in json.dumps(await line.receive(), ensure_ascii=False)
