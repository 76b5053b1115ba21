"""What fault tests ask about processes: is it gone, and has something come true in time."""

import time
from collections.abc import Callable

import psutil


def until(condition: Callable[[], object], seconds: float = 20) -> None:
    """Wait for a condition; fail when it does not come true in time."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it never came true"
        time.sleep(0.02)


def gone(pid: int) -> bool:
    """Whether no process runs under `pid`; a zombie does not run."""
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True
