"""Core expressions compiled once, run by asyncpg with arrays: the write path's statements."""

from collections.abc import Collection, Iterable, Sequence
from functools import cached_property
from typing import Any

from sqlalchemy import ARRAY, ColumnElement, FromClause, any_, bindparam, column, func, literal
from sqlalchemy.dialects.postgresql import asyncpg as dialect
from sqlalchemy.sql.expression import ClauseElement

from app.db.core.postgres import Connection, Record


class Statement:
    """One prepared statement, compiled when it first runs; its arguments are passed by name."""

    def __init__(self, core: ClauseElement) -> None:
        self._core = core

    @cached_property
    def text(self) -> str:
        return str(self._compiled)

    @cached_property
    def _compiled(self) -> Any:
        return self._core.compile(dialect=dialect.dialect())

    @cached_property
    def _order(self) -> list[str]:
        return self._compiled.positiontup or []

    @cached_property
    def _literals(self) -> dict[str, Any]:
        values = self._compiled.params
        return {name: value for name, value in values.items() if value is not None}

    async def fetch(self, raw: Connection, **values: Any) -> list[Record]:
        """Run the statement with these arguments and return its rows."""
        arguments = self._literals | values
        return await raw.fetch(self.text, *(arguments[name] for name in self._order))


def rows(prefix: str, *columns: Any) -> FromClause:
    """A table of arguments: one array a column, bound as `<prefix>_<column>`."""
    arrays = (bindparam(f"{prefix}_{c.name}", type_=ARRAY(c.type)) for c in columns)
    names = (column(c.name, c.type) for c in columns)
    return func.unnest(*arrays).table_valued(*names, name=prefix).render_derived()


def table_of(name: str, columns: Sequence[Any], records: Sequence[tuple[Any, ...]]) -> FromClause:
    """A table of these records, one array a column; unlike a CTE it lets queries run parallel."""
    arrays = (
        literal([record[place] for record in records], ARRAY(each.type))
        for place, each in enumerate(columns)
    )
    return func.unnest(*arrays).table_valued(*columns, name=name).render_derived()


def rows_of(query: Any) -> Any:
    """SQL: the rows of a query as one value, a list of tuples, so that one statement reads several
    tables."""
    row = func.row(*query.selected_columns)
    return func.array(query.with_only_columns(row, maintain_column_froms=True).scalar_subquery())


def among(column: Any, values: Collection[Any]) -> ColumnElement[bool]:
    """`column IN values` with one array argument, so that one prepared statement serves any number
    of values."""
    array = bindparam(None, list(values), type_=ARRAY(column.type), unique=True)
    return column == any_(array)


def arrays(
    prefix: str, names: list[str], records: Sequence[tuple[Any, ...]]
) -> dict[str, list[Any]]:
    """The arguments of `rows`: one list a column, from one tuple a record."""
    columns: Iterable[Iterable[Any]] = (
        zip(*records, strict=True) if records else [[] for _ in names]
    )
    return {f"{prefix}_{name}": list(values) for name, values in zip(names, columns, strict=True)}
