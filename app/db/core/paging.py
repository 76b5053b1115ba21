"""Keyset pages: the rows of an ordered list after a key, or the last ones before it."""

from typing import Any, NamedTuple

from sqlalchemy import bindparam, literal_column, tuple_

from app.db.core.snapshot import AnySession

PAGES = 200
"""Queries of pages that a list keeps: their limits and orders differ."""


class Span(NamedTuple):
    """At most `limit` rows after `key`, or before it if `backward`. Without a key: the first rows
    of the list, or its last ones if `backward`."""

    limit: int
    key: tuple[Any, ...] | None = None
    backward: bool = False

    async def execute(
        self, session: AnySession, query: Any, *order: Any, newest: bool = False
    ) -> list[Any]:
        """The rows in the order of the list: ascending by `order`, which is unique, or descending
        if `newest`."""
        return await self.fetch(session, self.query(query, *order, newest=newest), {})

    def query(self, query: Any, *order: Any, newest: bool = False) -> Any:
        """The query of the span's rows; its key is a parameter that `fetch` sets."""
        descending = newest != self.backward
        if self.key is not None:
            marks = [bindparam(f"key_{n}", type_=each.type) for n, each in enumerate(order)]
            place, key = (
                (order[0], marks[0]) if len(order) == 1 else (tuple_(*order), tuple_(*marks))
            )
            query = query.where(place < key if descending else place > key)
        query = self.in_order(query, *order, newest=newest)
        # A literal: PostgreSQL plans a list whose limit it does not know as if it were long.
        return query.limit(literal_column(str(self.limit)))

    def in_order(self, query: Any, *order: Any, newest: bool = False) -> Any:
        """The query with its rows in the order in which `fetch` reads them."""
        descending = newest != self.backward
        return query.order_by(*(each.desc() if descending else each for each in order))

    @property
    def shape(self) -> "Span":
        """A span whose query is the same, without the values of its key."""
        return Span(self.limit, None if self.key is None else (), self.backward)

    async def fetch(self, session: AnySession, query: Any, values: dict[str, Any]) -> list[Any]:
        """The rows of a query made by `query`; `values` are the parameters of its filters."""
        keys = {f"key_{n}": value for n, value in enumerate(self.key or ())}
        rows = list(await session.execute(query, {**keys, **values}))
        return rows[::-1] if self.backward else rows

    async def scalars(
        self, session: AnySession, query: Any, *order: Any, newest: bool = False
    ) -> list[Any]:
        """The first item of each row."""
        return [row[0] for row in await self.execute(session, query, *order, newest=newest)]
