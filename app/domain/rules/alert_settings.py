"""Settings of alert rules: which of several applies to a product in a store, and the defaults."""

from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple
from uuid import UUID


class Setting(NamedTuple):
    """A setting of a rule for a store, category or product; None stands for all of them.

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
    """The limits of a subject: its setting, with the defaults for values that it leaves open."""

    enabled: bool
    days: tuple[int, ...]
    fewer_than: int
    hours: int


MOST_DAYS = 30
"""The longest expiry warning of a product."""
STAGES = (30, 15, 7)
"""The default stages: days before the last day of sale at which an alert is raised."""
WINDOW_DAYS = 30
FEWER_THAN = 5
WAITING_HOURS = 24
DEFAULT = Limits(True, STAGES, FEWER_THAN, WAITING_HOURS)


class Settings:
    """The settings of a tenant; the most specific one applies.

    A setting of a category applies to the categories below it; `parents` has the parent of each.
    """

    def __init__(
        self, settings: Iterable[Setting], parents: Mapping[UUID, UUID | None] | None = None
    ) -> None:
        self._by_subject = {each[:4]: each for each in settings}
        self._parents = parents or {}

    @property
    def furthest(self) -> int:
        """The largest number of days before the last day of sale at which any alert is raised."""
        chosen = (each.days or () for each in self._by_subject.values())
        return max(MOST_DAYS, *(day for days in chosen for day in days), 0)

    @property
    def windows(self) -> set[tuple[int, int]]:
        """The windows of slow movers in days, each with its largest `fewer_than`."""
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
        """The limits of a product in a store. `own_days` is the product's own expiry warning; only
        a setting for this product comes before it."""
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
    """The stages of a product whose own expiry warning is this number of days."""
    return (days, *(stage for stage in STAGES if stage < days))


def stage(days_left: int, stages: Iterable[int]) -> int | None:
    """The stage that a batch has reached: the smallest one not below its days left."""
    return min((each for each in stages if days_left <= each), default=None)
