"""Scans of sessions that ended long ago are deleted."""

from alembic import op

revision = "0070"
down_revision = "0069"


def upgrade() -> None:
    op.execute("GRANT DELETE ON scans TO kucun_app")
