"""Cursors: a cursor from a page opens the next page; any other text is refused as bad input."""

import base64
import contextlib
import json
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.db.core.paging import Span
from app.domain.errors import Malformed
from app.schema.paging import LONGEST, PageArguments, connection, cursor, page

whole = st.integers(-(2**63), 2**63 - 1)
SOME = "0198f3a0-0000-7000-8000-000000000001"
text = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))


def refused_part(first: int, after: str | None, *kinds: type) -> tuple[str, ...]:
    """The argument that `page` refuses; the API shows the refusal as BAD_INPUT."""
    with pytest.raises(Malformed) as error:
        page(PageArguments(first, after), *kinds)
    return error.value.path


@given(whole, text, st.uuids())
def test_a_cursor_opens_again(rank: int, name: str, id: UUID) -> None:
    opened = page(PageArguments(1, cursor((rank, name, id))), int, str, UUID)
    assert opened.key == (rank, name, id)


@pytest.mark.parametrize("first", [0, -1, LONGEST + 1, 10**9, -(2**31)])
def test_a_page_has_its_bounds(first: int) -> None:
    assert refused_part(first, None, UUID) == ("first",)


def test_without_a_wish_a_page_is_fifty() -> None:
    assert page(PageArguments()).size == 50
    assert page(PageArguments(LONGEST)).span == Span(LONGEST + 1)


def forged(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode()


@pytest.mark.parametrize(
    "after",
    [
        "",
        "x",
        "大米",
        "\0",
        "====",
        forged([]),
        forged({}),
        forged(1),
        forged(None),
        forged("ab"),
        forged([1, 2]),
        forged({"a": 1, "b": 2}),
        forged(["a\0", SOME]),
        forged([[["x"]], SOME]),
        forged([None, SOME]),
        forged(["a", "x"]),
        forged(["a", None]),
        base64.urlsafe_b64encode(b"\xff\xfe").decode(),
        base64.urlsafe_b64encode(b'["\\ud800", "x"]').decode(),
    ],
)
def test_a_forged_cursor_is_refused(after: str) -> None:
    assert refused_part(1, after, str, UUID) == ("after",)


@pytest.mark.parametrize("number", [2**63, -(2**63) - 1, 1.5, "1", True, 1e300])
def test_a_number_in_a_cursor_is_one_the_database_knows(number: object) -> None:
    assert refused_part(1, forged([number, SOME]), int, UUID) == ("after",)


@given(st.text(max_size=80))
def test_any_text_is_a_cursor_or_refused(after: str) -> None:
    with contextlib.suppress(Malformed):
        assert page(PageArguments(1, after), int, str, UUID).key is not None


async def test_the_row_beyond_a_page_is_not_shown() -> None:
    async def shown(*rows: int) -> Any:
        async def read(_: Span) -> list[int]:
            return list(rows)

        return await connection(page(PageArguments(2)), read, lambda row: [row])

    first = await shown(1, 2, 3)
    assert first.nodes == [1, 2]
    assert first.page_info.has_next_page
    assert first.page_info.end_cursor == cursor([2])
    assert not (await shown(3)).page_info.has_next_page
    assert (await shown()).page_info.end_cursor is None
