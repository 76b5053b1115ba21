"""Thresholds: when a falling stock raises an alert, and when a rising one ends it."""

from enum import Enum


class Step(Enum):
    """What a crossing does to the alert of its rule and product."""

    RAISE = "The stock fell to the limit: an alert is opened."
    RESOLVE = "The stock rose above the limit: the alert is over."
    CLOSE = "The stock rose well above the limit: the next fall is a new alert."


RECOVERY_PART = 10
"""A stock has recovered when it exceeds the limit by a tenth of it, and by at least one unit."""


def crossing(before: int, after: int, limit: int, scale: int) -> Step | None:
    """The step when a stock changes from `before` to `after`, in base units; None if it crosses
    nothing.

    Between the limit and the recovery a resolved alert is kept: if the stock falls again, the same
    alert is open again, so that it is notified once.
    """
    if before > limit >= after:
        return Step.RAISE
    if before <= _recovery(limit, scale) < after:
        return Step.CLOSE
    if before <= limit < after:
        return Step.RESOLVE
    return None


def standing(quantity: int, limit: int, scale: int) -> Step:
    """The step of a stock whose limit was changed, in base units; a limit of 0 means no limit."""
    if limit == 0 or quantity > _recovery(limit, scale):
        return Step.CLOSE
    return Step.RAISE if quantity <= limit else Step.RESOLVE


def _recovery(limit: int, scale: int) -> int:
    return limit + max(scale, limit // RECOVERY_PART)
