"""The base of every table: constraint names, column types and keys inside one tenant."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any, ClassVar, NamedTuple
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    BigInteger,
    DateTime,
    ForeignKeyConstraint,
    LargeBinary,
    MetaData,
    Text,
    Uuid,
    func,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, class_mapper, mapped_column

NAMES = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}


class Table(DeclarativeBase):
    metadata = MetaData(naming_convention=NAMES)
    type_annotation_map = {
        UUID: Uuid(),
        datetime: DateTime(timezone=True),
        int: BigInteger(),
        str: Text(),
        bytes: LargeBinary(),
        list[UUID]: ARRAY(Uuid()),
        list[str]: ARRAY(Text()),
    }

    joined: ClassVar[Any] = None
    """What the query read of other tables as well: rows by the column that refers to them, other
    values by the name of their loader."""


@cache
def row_class(mapped: type) -> Callable[..., Any]:
    """A subclass of a mapped class, whose columns are plain attributes.

    It takes the columns in their order or by name; what is not given is None. SQLAlchemy's
    descriptors take ten times as long for each read of an attribute, and filling a `__dict__`
    takes four times as long as this dataclass.
    """
    columns = [each.key for each in class_mapper(mapped).column_attrs]
    body = {"__abstract__": True, "__annotations__": dict.fromkeys(columns, Any)}
    plain = type(mapped)(mapped.__name__, (mapped,), body | dict.fromkeys(columns))
    return dataclass(eq=False, repr=False, match_args=False)(plain)


def key() -> Mapped[UUID]:
    return mapped_column(primary_key=True)


def made_at() -> Mapped[datetime]:
    return mapped_column(server_default=func.now())


def to(table: str, column: str) -> ForeignKeyConstraint:
    """A foreign key inside one tenant."""
    return ForeignKeyConstraint(
        ["tenant_id", column], [f"{table}.tenant_id", f"{table}.id"], ondelete="RESTRICT"
    )


class Amount(NamedTuple):
    """An amount in base units, and the base units in one product unit; shown as a `Quantity`."""

    base: int
    scale: int
