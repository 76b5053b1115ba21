"""Flows: what an entry means for a report, by the counter accounts it touches."""

from typing import Final

FLOWS_TO: Final = {
    "customer": "SOLD",
    "supplier": "SENT_BACK",
    "waste": "WASTED",
    "variance": "MISSING",
    "kitchen": "USED",
}
"""The flow of goods that go to a counter account."""

FLOWS_FROM: Final = {
    "customer": "RETURNED",
    "supplier": "RECEIVED",
    "variance": "FOUND",
    "kitchen": "MADE",
    "opening": "OPENED",
}
"""The flow of goods that come from a counter account."""

FLOWS_WITH_REASON: Final = ("WASTED", "MISSING", "FOUND")
"""Flows that are counted for each reason of a movement."""
