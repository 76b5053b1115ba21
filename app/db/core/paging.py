"""Keyset pages: the rows of an ordered list after a key, or the last ones before it."""

from typing import Any, NamedTuple

from sqlalchemy import tuple_

from app.db.core.snapshot import AnySession


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
        descending = newest != self.backward
        if self.key is not None:
            place, key = (order[0], self.key[0]) if len(order) == 1 else (tuple_(*order), self.key)
            query = query.where(place < key if descending else place > key)
        query = query.order_by(*(each.desc() if descending else each for each in order))
        rows = list(await session.execute(query.limit(self.limit)))
        return rows[::-1] if self.backward else rows

    async def scalars(
        self, session: AnySession, query: Any, *order: Any, newest: bool = False
    ) -> list[Any]:
        """The first item of each row."""
        return [row[0] for row in await self.execute(session, query, *order, newest=newest)]
