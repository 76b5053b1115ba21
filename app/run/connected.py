"""A database for a command of the command line."""

from collections.abc import Generator
from contextlib import contextmanager

from app import settings
from app.run import embedded
from app.settings import Settings


@contextmanager
def connected(valkey: bool = False) -> Generator[Settings]:
    """Settings with a database: the configured one, else the running server's, else a new one
    that stops at the end of the block."""
    chosen = settings.load()
    if chosen.database_url:
        yield chosen
        return
    with embedded.borrowed(chosen.data, valkey=valkey) as urls:
        update = {"database_url": urls.database, "owner_url": chosen.owner_url or urls.owner}
        update["secret"] = chosen.secret or embedded.keep_secret(chosen.data / "secret")
        if valkey:
            update["redis_url"] = chosen.redis_url or urls.redis
        yield chosen.model_copy(update=update)
