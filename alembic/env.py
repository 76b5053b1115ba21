"""Runs the migrations against the owner's URL, one transaction for all of them."""

import asyncio

from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine

from alembic import context
from app.db.tables import Table


def run(connection) -> None:
    # Several processes may start at once: the first migrates, the others find nothing to do.
    connection.execute(text("select pg_advisory_xact_lock(hashtext('kucun.migrate'))"))
    context.configure(connection=connection, target_metadata=Table.metadata, compare_type=True)
    with context.begin_transaction():
        context.run_migrations()


async def online(url: str) -> None:
    engine = create_async_engine(
        url.replace("postgresql://", "postgresql+asyncpg://", 1), hide_parameters=True
    )
    async with engine.begin() as connection:
        await connection.run_sync(run)
    await engine.dispose()


url = context.config.get_main_option("sqlalchemy.url")
assert url, "the owner's URL is set by `kucun migrate`"
asyncio.run(online(url))
