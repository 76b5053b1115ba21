"""Connections with keyset cursors: no row is skipped or repeated when rows are added or removed
between two pages."""

import asyncio
import base64
import binascii
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Generic, NamedTuple, TypeVar

import orjson
import strawberry

from app.db.core.paging import Span
from app.domain.errors import Malformed
from app.schema.boundary import OF_ROOT, public

Row = TypeVar("Row")
DEFAULT_ROWS = 50
LONGEST = 200
MOST_COUNTED = 1000


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
    has_previous_page: bool = strawberry.field(
        description="Whether rows come before this page; with `after`, always true. 是否有上一页"
    )
    start_cursor: str | None = strawberry.field(
        description="Cursor of the first row; pass it as `before` to read the previous page. "
        "Null if the page is empty. 游标"
    )
    as_of: datetime | None = strawberry.field(
        description="With `updatedSince`: time by the server's clock up to which no change is "
        "missing. Pass that of the first page as `updatedSince` of the next poll. Null without "
        "`updatedSince`. 截至时间"
    )


@public
@strawberry.type(description="A row and its cursor. 分页")
class Edge(Generic[Row]):
    node: Row = strawberry.field(description="The row itself. 行", metadata=OF_ROOT)
    key: strawberry.Private[Sequence[Any]]

    @strawberry.field(
        description="Cursor of this row; pass it as `after` to continue after it. 游标"
    )
    def cursor(self) -> str:
        return cursor(self.key)


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
    total: strawberry.Private["Total"]

    @strawberry.field(
        description=f"Number of rows in the whole list, at most {MOST_COUNTED}. 总行数"
    )
    async def total_count(self) -> int:
        return min(await self.total.value(), MOST_COUNTED)

    @strawberry.field(
        description=f"Whether the list has more rows than the {MOST_COUNTED} that are counted. "
        "总行数是否封顶"
    )
    async def total_is_capped(self) -> bool:
        return await self.total.value() > MOST_COUNTED


class Total:
    """The number of rows of a list, at most one more than `MOST_COUNTED`; counted once, and only if
    a field needs it."""

    def __init__(self, read: "Reading") -> None:
        self._read = read
        self._task: asyncio.Task[int] | None = None

    async def value(self) -> int:
        if self._task is None:
            self._task = asyncio.create_task(self._count())
        return await self._task

    async def _count(self) -> int:
        return len(await self._read(Span(MOST_COUNTED + 1)))


@dataclass(frozen=True, slots=True)
class Page:
    """The page to read. One row more than `size` is read to know whether there is another page."""

    size: int
    key: tuple[Any, ...] | None
    backward: bool = False

    @property
    def span(self) -> Span:
        return Span(self.size + 1, self.key, self.backward)


def page_size(rows: int | None, argument: str = "first") -> int:
    """The rows of a page, `DEFAULT_ROWS` by default. Raises Malformed."""
    size = DEFAULT_ROWS if rows is None else rows
    if not 1 <= size <= LONGEST:
        raise Malformed(argument, f"每页须为 1 至 {LONGEST} 行", f"A page has 1 to {LONGEST} rows.")
    return size


def page(paging: "PageArguments", *kinds: type) -> Page:
    """Check the arguments of a list; `kinds` are the types of the key in the cursor."""
    backward = paging.last is not None or paging.before is not None
    if backward and (paging.first is not None or paging.after is not None):
        raise Malformed(
            "last",
            "向前翻页用 last 和 before，向后翻页用 first 和 after，不能混用",
            "Give `last` with `before`, or `first` with `after`.",
        )
    if backward:
        size, cursor, given = page_size(paging.last, "last"), paging.before, "before"
    else:
        size, cursor, given = page_size(paging.first), paging.after, "after"
    return Page(size, None if cursor is None else _opened(cursor, kinds, given), backward)


class PageArguments(NamedTuple):
    """The arguments of a list, as the client gave them."""

    first: int | None = None
    after: str | None = None
    last: int | None = None
    before: str | None = None


def _opened(cursor: str, kinds: Sequence[type], given: str) -> tuple[Any, ...]:
    try:
        values = orjson.loads(base64.urlsafe_b64decode(cursor.encode("ascii")))
        if not isinstance(values, list):
            raise ValueError("a key is a list")
        return tuple(_key(kind, value) for kind, value in zip(kinds, values, strict=True))
    except (ValueError, UnicodeError, binascii.Error):
        raise Malformed(
            given,
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


Reading = Callable[[Span], Awaitable[Sequence[Any]]]
"""A function that reads the rows of a span."""


async def connection(
    page: Page,
    read: Reading,
    key: Callable[[Any], Sequence[Any]],
    node: Callable[[Any], Any] = lambda row: row,
    as_of: datetime | None = None,
) -> Any:
    """The page as a connection. `key` gives the values of a row's cursor, `node` the row to show,
    and `as_of` is the moment up to which a list of changes is complete."""
    rows = list(await read(page.span))
    more = len(rows) > page.size
    shown = rows[-page.size :] if page.backward else rows[: page.size]
    edges = [Edge(node=node(row), key=key(row)) for row in shown]
    info = PageInfo(
        has_next_page=page.key is not None if page.backward else more,
        end_cursor=cursor(edges[-1].key) if edges else None,
        has_previous_page=more if page.backward else page.key is not None,
        start_cursor=cursor(edges[0].key) if edges else None,
        as_of=as_of,
    )
    nodes = [edge.node for edge in edges]
    return Connection(edges=edges, nodes=nodes, page_info=info, total=Total(read))
