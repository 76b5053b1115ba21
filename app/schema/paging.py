"""Connections with keyset cursors: pages that neither skip nor repeat while rows come and go."""

import base64
import binascii
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Generic, TypeVar

import orjson
import strawberry

from app.domain.errors import Malformed
from app.schema.boundary import OF_ROOT, public

Row = TypeVar("Row")
DEFAULT_ROWS = 50
LONGEST = 200


@public
@strawberry.type(description="Position of a page in its list. 分页")
class PageInfo:
    has_next_page: bool = strawberry.field(
        description="Whether more rows follow this page. 是否有下一页"
    )
    end_cursor: str | None = strawberry.field(
        description="Cursor of the last row; pass it as `after` to read the next page. Null if "
        "the page is empty. 游标"
    )


@public
@strawberry.type(description="A row and its cursor. 分页")
class Edge(Generic[Row]):
    node: Row = strawberry.field(description="The row itself. 行", metadata=OF_ROOT)
    cursor: str = strawberry.field(
        description="Cursor of this row; pass it as `after` to continue behind it. 游标"
    )


@public
@strawberry.type(description="One page of a list. 分页")
class Connection(Generic[Row]):
    edges: list[Edge[Row]] = strawberry.field(
        description="Rows of the page with their cursors. 行与游标"
    )
    nodes: list[Row] = strawberry.field(
        description="Rows of the page without cursors. 行", metadata=OF_ROOT
    )
    page_info: PageInfo = strawberry.field(description="Position of the page in the list. 分页信息")


@dataclass(frozen=True, slots=True)
class Page:
    """What to read: one row more than `first` tells whether there is a next page."""

    first: int
    after: tuple[Any, ...] | None

    @property
    def limit(self) -> int:
        return self.first + 1


def page(first: int | None, after: str | None, *kinds: type) -> Page:
    """Check `first` and `after`; `kinds` are the types of the key in the cursor."""
    size = DEFAULT_ROWS if first is None else first
    if not 1 <= size <= LONGEST:
        raise Malformed("first", f"每页须为 1 至 {LONGEST} 行", f"A page has 1 to {LONGEST} rows.")
    return Page(size, None if after is None else _opened(after, kinds))


def _opened(cursor: str, kinds: Sequence[type]) -> tuple[Any, ...]:
    try:
        values = orjson.loads(base64.urlsafe_b64decode(cursor.encode("ascii")))
        if not isinstance(values, list):
            raise ValueError("a key is a list")
        return tuple(_key(kind, value) for kind, value in zip(kinds, values, strict=True))
    except (ValueError, UnicodeError, binascii.Error):
        raise Malformed(
            "after",
            "翻页位置无效，请从第一页重新查询",
            "Give the cursor that an earlier page returned.",
        ) from None


def _key(kind: type, value: object) -> Any:
    """One part of a key, as the database compares it. Raises ValueError for a forged cursor."""
    if kind is int:
        if type(value) is int and -(2**63) <= value < 2**63:
            return value
    elif isinstance(value, str) and "\0" not in value:
        return date.fromisoformat(value) if kind is date else kind(value)
    raise ValueError(value)


def cursor(values: Sequence[Any]) -> str:
    return base64.urlsafe_b64encode(orjson.dumps(list(values), default=str)).decode()


def connection(rows: Sequence[Any], page: Page, key: Callable[[Any], Sequence[Any]]) -> Any:
    """The page made of at most `page.limit` rows; `key` gives what its cursor must hold."""
    shown = rows[: page.first]
    edges = [Edge(node=row, cursor=cursor(key(row))) for row in shown]
    end = edges[-1].cursor if edges else None
    info = PageInfo(has_next_page=len(rows) > page.first, end_cursor=end)
    return Connection(edges=edges, nodes=list(shown), page_info=info)
