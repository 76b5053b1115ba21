"""Flows: the meaning of an entry for reports, given by the counter accounts, stores and bins it
touches."""

from typing import Final

FLOWS_TO: Final = {
    "customer": "SOLD",
    "supplier": "SENT_BACK",
    "waste": "WASTED",
    "variance": "MISSING",
    "kitchen": "USED",
    "transit": "INTO_TRANSIT",
}
"""The flow of goods that go to a counter account, or into transit."""

FLOWS_FROM: Final = {
    "customer": "RETURNED",
    "supplier": "RECEIVED",
    "variance": "FOUND",
    "kitchen": "MADE",
    "opening": "OPENED",
    "transit": "OUT_OF_TRANSIT",
}
"""The flow of goods that come from a counter account, or out of transit."""

TO_STORE, FROM_STORE = "TO_STORE", "FROM_STORE"
"""The flows of goods that go from one store to another: of the sender, and of the receiver."""

GAINS: Final = ("RETURNED", "RECEIVED", "FOUND", "MADE", "OPENED", FROM_STORE)
DRAINS: Final = ("SOLD", "SENT_BACK", "WASTED", "MISSING", "USED", TO_STORE)
"""Flows that add to the stock of a store, transit included, and flows that take from it; the
difference of their sums is the change of the stock. The flows of transit are moves inside the
stock."""

FLOWS_WITH_REASON: Final = ("WASTED", "MISSING", "FOUND")
"""Flows that are counted for each reason of a movement."""
