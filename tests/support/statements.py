"""Counts the SQL of a test's process: statements of reads, and the transactions they run in."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID

import pytest

from app.db.core.snapshot import Snapshot


class Statements(list[str]):
    """The texts of the statements, in order; `transactions` counts the snapshots begun."""

    transactions = 0

    def about(self, *tables: str) -> list[str]:
        """Those that read one of these tables first."""
        return [text for text in self if any(f"FROM {table}" in text for table in tables)]


@contextmanager
def read_statements() -> Iterator[Statements]:
    """The reads of this process while the block runs."""
    statements = Statements()
    fetch, begin = Snapshot.fetch, Snapshot._fetch_first

    async def counted(
        self: Snapshot, tenant: UUID | None, mode: str, text: str, *arguments: Any
    ) -> Any:
        statements.append(text)
        return await fetch(self, tenant, mode, text, *arguments)

    async def begun(
        self: Snapshot, tenant: UUID | None, mode: str, text: str, *arguments: Any
    ) -> Any:
        # A token is looked up at most every half second, by one read for all who wait.
        statements.transactions += "FROM sessions" not in text and self._lone is None
        return await begin(self, tenant, mode, text, *arguments)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Snapshot, "fetch", counted)
        patch.setattr(Snapshot, "_fetch_first", begun)
        yield statements
