"""Arguments and input fields that many roots share, each described once."""

from datetime import datetime
from typing import Annotated, Any, TypeVar
from uuid import UUID

import strawberry

from app.domain.errors import Malformed
from app.domain.people.staff import MOST_STORES

LIST_LIMIT = "list-limit"
TEXT_LIMIT = "text-limit"
T = TypeVar("T")


def at_most(count: int) -> dict[str, int]:
    """The metadata of an input list that takes at most `count` values."""
    return {LIST_LIMIT: count}


def at_most_characters(count: int) -> dict[str, int]:
    """The metadata of an input field whose text has at most `count` characters."""
    return {TEXT_LIMIT: count}


First = Annotated[
    int | None, strawberry.argument(description="Number of rows, from 1 to 200; 50 by default.")
]
After = Annotated[
    str | None,
    strawberry.argument(description="Cursor of an earlier page; return the rows after it."),
]
Last = Annotated[
    int | None,
    strawberry.argument(
        description="Number of rows at the end of the list, or before `before`, from 1 to 200; "
        "instead of `first`."
    ),
]
Before = Annotated[
    str | None,
    strawberry.argument(
        description="Cursor of an earlier page; return the rows before it. 50 of them without "
        "`last`."
    ),
]
UpdatedSince = Annotated[
    datetime | None,
    strawberry.argument(
        description="Return only rows that changed at or after this time; a time more than 7 days "
        "ago may return others as well. Use `pageInfo.asOf` of the previous poll. 更新时间起"
    ),
]
StoreIds = Annotated[
    list[UUID] | None,
    strawberry.argument(
        description="Return only rows of these stores; all your stores by default. Stores that "
        "you may not see are ignored.",
        metadata=at_most(MOST_STORES),
    ),
]
StoreCode = Annotated[str, strawberry.argument(description="Public code of the store. 门店编码")]


def value_of(argument: strawberry.Some[T | None] | None) -> T | None:
    """The value of a field that null clears; None if it is null or was omitted."""
    return None if argument is None else argument.value


def required(argument: strawberry.Some[T | None] | None, field: str) -> T | None:
    """The value of a required field that null clears. Raises Malformed if it was omitted."""
    if argument is None:
        raise Malformed(
            field, "请填写此项；如需清除，请填 null", "Give a value, or null to remove it."
        )
    return argument.value


def emptied(**fields: strawberry.Some[Any] | None) -> tuple[str, ...]:
    """The names of the fields that were given as null, or as an empty text."""
    return tuple(
        name for name, field in fields.items() if field is not None and field.value in (None, "")
    )


def request_key() -> Any:
    """The idempotency key of an input."""
    return strawberry.field(
        description="UUID that you generate for this request. A retry with the same key and "
        "input returns the first result, also if another member of staff or API key sends it; "
        "another input fails with KeyReused. Keys are kept for 90 days. 幂等键"
    )
