"""Tables of exports: columns, rows and charts, in the language of the request."""

from collections.abc import AsyncIterator, Callable, Iterable
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any, NamedTuple
from uuid import UUID
from zoneinfo import ZoneInfo

from app.db import categories, identity
from app.db.core.snapshot import AnySession
from app.db.tables import Category, Store

Label = tuple[str, str]
"""A text in Chinese and in English."""
Row = list[Any]
TEN_THOUSANDTHS = 10_000
MOST_BARS = 15
OTHERS: Label = ("其他", "Others")


class Column(NamedTuple):
    """A column of an export: its name, its title, and what its values are.

    `total`: the last row adds it up. `ratio`: the last row divides the totals of these columns.
    `cost`: only for those who see costs.
    """

    name: str
    title: Label
    kind: str = "TEXT"
    total: bool = False
    ratio: tuple[str, str] | None = None
    cost: bool = False


class Chart(NamedTuple):
    """A chart: one point, bar or slice for each label; amounts are in 1/10000 yuan.

    `shape`: LINE, BAR or PIE.
    """

    shape: str
    title: Label
    columns: tuple[Label, Label]
    points: list[tuple[str, int]]
    kind: str = "MONEY"

    def described(self, scope: "ExportScope") -> dict[str, Any]:
        """What the programs that draw it need, with numbers as decimal digits."""
        digits = yuan if self.kind == "MONEY" else str
        return {
            "shape": self.shape,
            "title": scope.text(self.title),
            "columns": [scope.text(each) for each in self.columns],
            "kind": self.kind,
            "points": [[label, digits(value)] for label, value in self.points],
        }


@dataclass(frozen=True, slots=True)
class ExportTable:
    """What an export holds. `pages` reads its rows; `charts` are complete after the last page.

    `expected` is the number of rows when it is known before they are read.
    """

    columns: list[Column]
    pages: AsyncIterator[list[Row]]
    charts: Callable[[], list[Chart]]
    expected: int | None = None


@dataclass(frozen=True, slots=True)
class ExportScope:
    """What an export is made of: the request, and names that all its rows share."""

    tenant: UUID
    stores: list[UUID]
    with_cost: bool
    language: str
    since: date | None
    until: date | None
    group_by: str | None
    category_id: UUID | None
    within_days: int
    stocktake_id: UUID | None = None
    names: dict[UUID, Store] = field(default_factory=dict[UUID, Store])
    categories: dict[UUID, str] = field(default_factory=dict[UUID, str])

    @property
    def period(self) -> tuple[date, date]:
        """The first and the last day; only for reports of a period."""
        assert self.since is not None, "the request names a period"
        assert self.until is not None, "the request names a period"
        return self.since, self.until

    def text(self, label: Label) -> str:
        """The label in the language of the request."""
        return label[self.language == "en"]

    def columns(self, every: list[Column]) -> list[Column]:
        """The columns that the requester may see."""
        return [each for each in every if self.with_cost or not each.cost]

    def largest(self, points: Iterable[tuple[str, int]]) -> list[tuple[str, int]]:
        """The points from the largest on, at most MOST_BARS: the last adds up all others."""
        ordered = sorted(points, key=lambda point: -point[1])
        if len(ordered) <= MOST_BARS:
            return ordered
        shown, rest = ordered[: MOST_BARS - 1], ordered[MOST_BARS - 1 :]
        return [*shown, (self.text(OTHERS), sum(value for _, value in rest))]

    def local(self, moment: datetime | None, store: UUID) -> str | None:
        """A moment by the store's clock, to the minute."""
        if moment is None:
            return None
        local = moment.astimezone(ZoneInfo(self.names[store].timezone))
        return local.strftime("%Y-%m-%dT%H:%M")


async def scope_of(
    session: AnySession,
    tenant: UUID,
    stores: list[UUID],
    with_cost: bool,
    language: str,
    choice: dict[str, Any],
) -> ExportScope:
    """The scope of a report that is kept as `ReportChoice.stored`."""
    every = await categories.categories(session, tenant)
    return ExportScope(
        tenant,
        stores,
        with_cost,
        language,
        date.fromisoformat(choice["since"]) if choice["since"] else None,
        date.fromisoformat(choice["until"]) if choice["until"] else None,
        choice["groupBy"],
        UUID(choice["categoryId"]) if choice["categoryId"] else None,
        choice["withinDays"],
        UUID(choice["stocktakeId"]) if choice.get("stocktakeId") else None,
        {store.id: store for store in await identity.stores_by_id(session, tenant, stores)},
        paths(list(every)),
    )


def yuan(ten_thousandths: int | None) -> str | None:
    """1/10000 yuan as decimal digits."""
    return None if ten_thousandths is None else str(Decimal(ten_thousandths) / TEN_THOUSANDTHS)


def fen(amount: int | None) -> str | None:
    """An amount in fen as decimal digits of yuan."""
    return None if amount is None else str(Decimal(amount) / 100)


def day(value: date | None) -> str | None:
    """The date; none for goods that do not expire."""
    return None if value is None or value == date.max else value.isoformat()


def paths(categories: list[Category]) -> dict[UUID, str]:
    """The path of each category: 食品 / 饮料."""
    by_id = {each.id: each for each in categories}

    def path(category: Category) -> str:
        parent = category.parent_id and by_id.get(category.parent_id)
        return f"{path(parent)} / {category.name}" if parent else category.name

    return {id: path(each) for id, each in by_id.items()}
