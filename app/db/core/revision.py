"""The revision of the schema that a database has."""

import asyncpg

CONNECT_SECONDS = 10


async def present_revision(url: str) -> str | None:
    """The revision of the database; None when it has none or does not answer."""
    try:
        raw = await asyncpg.connect(url, timeout=CONNECT_SECONDS)
    except (OSError, asyncpg.PostgresError):
        return None
    try:
        return await raw.fetchval("SELECT version_num FROM alembic_version")
    except asyncpg.UndefinedTableError:
        return None
    finally:
        await raw.close()
