"""Settings of alert rules: which of several binds a product in a store, and the defaults."""

from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple
from uuid import UUID


class Setting(NamedTuple):
    """How a rule judges what it names; None names all of them.

    `days` are stages of near expiry or the window of slow movers, `fewer_than` is in whole product
    units, `hours` is how long a document may wait.
    """

    rule: str
    store_id: UUID | None = None
    category_id: UUID | None = None
    product_id: UUID | None = None
    enabled: bool = True
    days: tuple[int, ...] | None = None
    fewer_than: int | None = None
    hours: int | None = None


class Limits(NamedTuple):
    """What binds a subject: the setting, with the defaults in place of what it leaves open."""

    enabled: bool
    days: tuple[int, ...]
    fewer_than: int
    hours: int


MOST_DAYS = 30
"""The longest expiry warning of a product."""
STAGES = (30, 15, 7)
"""Days before the last day of sale at which a batch is warned of."""
WINDOW_DAYS = 30
FEWER_THAN = 5
WAITING_HOURS = 24
DEFAULT = Limits(True, STAGES, FEWER_THAN, WAITING_HOURS)


class Settings:
    """The settings of a tenant; the most specific one binds.

    A setting of a category holds for the categories below it: `parents` has the one above each.
    """

    def __init__(
        self, settings: Iterable[Setting], parents: Mapping[UUID, UUID | None] | None = None
    ) -> None:
        self._by_subject = {each[:4]: each for each in settings}
        self._parents = parents or {}

    @property
    def furthest(self) -> int:
        """The most days before its last day of sale at which any batch is warned of."""
        chosen = (each.days or () for each in self._by_subject.values())
        return max(MOST_DAYS, *(day for days in chosen for day in days), 0)

    @property
    def windows(self) -> set[tuple[int, int]]:
        """The windows of slow movers, in days, each with the largest number that is too few."""
        slow = [each for each in self._by_subject.values() if each.rule == "SLOW_MOVING"]
        fewest = max(FEWER_THAN, *(each.fewer_than or 0 for each in slow), 0)
        days = {WINDOW_DAYS, *(each.days[0] for each in slow if each.days)}
        return {(each, fewest) for each in days}

    def of(
        self,
        rule: str,
        store: UUID,
        category: UUID | None = None,
        product: UUID | None = None,
        own_days: int | None = None,
    ) -> Limits:
        """What binds a product in a store. `own_days` is the product's own expiry warning, which
        gives way to a setting of the product alone."""
        setting = self._setting(rule, store, category, product)
        days = STAGES if rule == "NEAR_EXPIRY" else (WINDOW_DAYS,)
        if own_days is not None and (setting is None or setting.product_id is None):
            days = stages_from(own_days)
        elif setting is not None and setting.days:
            days = setting.days
        if setting is None:
            return DEFAULT._replace(days=days)
        return Limits(
            setting.enabled,
            days,
            FEWER_THAN if setting.fewer_than is None else setting.fewer_than,
            WAITING_HOURS if setting.hours is None else setting.hours,
        )

    def _setting(
        self, rule: str, store: UUID, category: UUID | None, product: UUID | None
    ) -> Setting | None:
        for of_category, of_product in ((None, product), *self._above(category), (None, None)):
            for place in (store, None):
                if setting := self._by_subject.get((rule, place, of_category, of_product)):
                    return setting
        return None

    def _above(self, category: UUID | None) -> Iterator[tuple[UUID, None]]:
        """The category and those above it, the nearest first."""
        while category is not None:
            yield category, None
            category = self._parents.get(category)


def stages_from(days: int) -> tuple[int, ...]:
    """The stages of a product that is warned of so many days before its last day of sale."""
    return (days, *(stage for stage in STAGES if stage < days))


def stage(days_left: int, stages: Iterable[int]) -> int | None:
    """The stage that a batch has reached: the smallest one not below its days left."""
    return min((each for each in stages if days_left <= each), default=None)
