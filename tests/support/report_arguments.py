"""Arguments with which each report answers."""

from typing import Any

JANUARY = {"since": "2026-01-01", "until": "2026-01-31"}
REPORTS: dict[str, dict[str, Any]] = {
    **dict.fromkeys(
        ("channelReport", "turnoverReport", "supplierReport", "stocktakeReport"), JANUARY
    ),
    "salesReport": {**JANUARY, "groupBy": "DAY"},
    "lossReport": {**JANUARY, "groupBy": "REASON"},
    "analytics": {"metrics": ["REVENUE"], "dimensions": ["STORE"], "period": JANUARY},
    "chart": {"report": "LEVELS"},
}
