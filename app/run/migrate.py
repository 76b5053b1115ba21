"""Bring a database to the newest schema; safe to run by several processes at once."""

from pathlib import Path

from alembic.config import Config

from alembic import command

ROOT = Path(__file__).parent.parent.parent


def upgrade(owner_url: str) -> None:
    """Run the migrations that are missing, as the owner of the schema."""
    config = Config(ROOT / "alembic.ini")
    # The file format gives % a meaning of its own.
    config.set_main_option("sqlalchemy.url", owner_url.replace("%", "%%"))
    command.upgrade(config, "head")
