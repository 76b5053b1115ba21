"""The time zones that a store may have: both PostgreSQL and Python compute its days."""

from functools import cache
from uuid import UUID
from zoneinfo import available_timezones

from app.db import timezones as rows
from app.db.core.snapshot import Reads
from app.domain.errors import Malformed

OF_SERVERS = frozenset({"localtime", "Factory"})
"""Names whose meaning depends on the server."""

python_zones = cache(available_timezones)


async def timezones(reads: Reads, tenant: UUID) -> list[str]:
    """The names that both know, sorted."""
    async with reads.read(tenant) as session:
        names = await rows.timezone_names(session)
    return sorted(names & python_zones() - OF_SERVERS)


async def check_timezone(reads: Reads, tenant: UUID, name: str) -> str:
    """The name. Raises Malformed for one that `timezones` does not list."""
    if name not in await timezones(reads, tenant):
        raise Malformed(
            "timezone",
            "时区无效，请从 timezones 列表中选择，例如 Asia/Shanghai",
            "The time zone is unknown: give a name that `timezones` lists, such as Asia/Shanghai.",
        )
    return name
