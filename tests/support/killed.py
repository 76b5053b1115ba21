"""Processes that are killed in the middle of their work on the database."""

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing import get_context
from multiprocessing.process import BaseProcess
from typing import Any

from sqlalchemy import event

from app.db.core.unit import Database

FORKS = get_context("forkserver")
# Loading the program takes longer than what most of its processes do in a test.
FORKS.set_forkserver_preload(["app.main"])


@contextmanager
def running(target: Callable[..., None], *arguments: object) -> Iterator[BaseProcess]:
    """Another process that runs `target`; killed at the end at the latest."""
    process = FORKS.Process(target=target, args=arguments)
    process.start()
    try:
        yield process
    finally:
        process.kill()
        process.join()


def kill_after(db: Database, statements: int) -> None:
    """This process kills itself once the database has answered so many statements."""
    answered = 0

    def count(_: object) -> None:
        nonlocal answered
        answered += 1
        if answered == statements:
            os.kill(os.getpid(), signal.SIGKILL)

    @event.listens_for(db.engine.sync_engine, "connect")
    def watch(connection: Any, _: object) -> None:
        connection.driver_connection.add_query_logger(count)


def killing(target: Callable[..., None]) -> Callable[..., bool]:
    """Runs `target` in another process; the answer is whether it was killed before its end."""

    def run(*arguments: object) -> bool:
        with running(target, *arguments) as process:
            process.join(60)
            assert process.exitcode in (0, -signal.SIGKILL)
            return process.exitcode != 0

    return run
