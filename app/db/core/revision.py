"""The revision of the schema that a database has. Commands that only ask for it load no
SQLAlchemy."""

from importlib import import_module
from typing import Any

CONNECT_SECONDS = 10


async def present_revision(url: str) -> str | None:
    """The revision of the database; None when it has none or does not answer."""
    # `Any`: asyncpg has no type stubs.
    driver: Any = import_module("asyncpg")
    try:
        raw = await driver.connect(url, timeout=CONNECT_SECONDS)
    except (OSError, driver.PostgresError):
        return None
    try:
        return await raw.fetchval("SELECT version_num FROM alembic_version")
    except driver.UndefinedTableError:
        return None
    finally:
        await raw.close()
