"""Limits in CPU seconds, on machines of different speed."""

import time

REFERENCE_SECONDS = 0.015
"""What `_fixed_work` takes on the machine whose CPU seconds the limits are in."""


def slowness() -> float:
    """How many times slower this machine is at the moment than the reference; at least 1."""
    return max(1.0, min(_fixed_work() for _ in range(5)) / REFERENCE_SECONDS)


def _fixed_work() -> float:
    """The CPU seconds of some work that never changes."""
    began = time.process_time()
    for _ in range(20):
        table = {str(n): (n, n * 7 % 13) for n in range(5000)}
        assert sum(pair[1] for pair in table.values())
    return time.process_time() - began
