"""The time zones that PostgreSQL knows."""

from sqlalchemy import Text, column, select, table

from app.db.core.snapshot import AnySession

ZONES = table("pg_timezone_names", column("name", Text()))


async def timezone_names(session: AnySession) -> set[str]:
    """The names of PostgreSQL's time zones, aliases included. A slow query: the server reads files
    for it."""
    return set((await session.scalars(select(ZONES.c.name))).all())
