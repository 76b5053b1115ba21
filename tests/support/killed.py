"""Processes that kill themselves in the middle of their work on the database."""

import os
import signal
from collections.abc import Callable
from multiprocessing import get_context
from typing import Any

from sqlalchemy import event

from app.db.core.unit import Database


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
    server = get_context("forkserver")
    server.set_forkserver_preload([target.__module__])

    def run(*arguments: object) -> bool:
        process = server.Process(target=target, args=arguments)
        process.start()
        process.join(60)
        assert process.exitcode in (0, -signal.SIGKILL)
        return process.exitcode != 0

    return run
