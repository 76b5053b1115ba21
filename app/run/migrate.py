"""Upgrade a database to the newest schema; several processes may run it at the same time."""

from pathlib import Path

from alembic.config import Config

from alembic import command

ROOT = Path(__file__).parent.parent.parent


def upgrade(owner_url: str, revision: str = "head") -> None:
    """Run the missing migrations, up to `revision`, as the owner of the schema."""
    config = Config(ROOT / "alembic.ini")
    # % is an escape character in this file format.
    config.set_main_option("sqlalchemy.url", owner_url.replace("%", "%%"))
    command.upgrade(config, revision)
