"""Counts of this process since it started, for `/metrics`."""

from collections import Counter

DELIVERIES: Counter[tuple[str, str]] = Counter()
"""Attempts to deliver notifications and events, by channel and by the state that they ended in."""
JOB_FAILURES: Counter[str] = Counter()
"""Failures of jobs that were recorded for a tenant, by job."""
