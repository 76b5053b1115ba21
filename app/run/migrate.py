"""Upgrade a database to the newest schema; several processes may run it at the same time."""

from pathlib import Path

ROOT = Path(__file__).parent.parent.parent


def upgrade(owner_url: str, revision: str = "head") -> None:
    """Run the missing migrations, up to `revision`, as the owner of the schema."""
    # Loaded only for this: with SQLAlchemy it takes a second.
    from alembic.config import Config

    from alembic import command

    config = Config(ROOT / "alembic.ini")
    # % is an escape character in this file format.
    config.set_main_option("sqlalchemy.url", owner_url.replace("%", "%%"))
    command.upgrade(config, revision)


def newest_revision() -> str:
    """The revision of the last migration; the name of its file begins with it."""
    return max(path.name for path in (ROOT / "alembic" / "versions").glob("[0-9]*.py"))[:4]
