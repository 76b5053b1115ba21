"""Entries: whether goods had expired when they came in, and went to quarantine."""

from alembic import op

revision = "0040"
down_revision = "0039"


def upgrade() -> None:
    op.execute("ALTER TABLE entries ADD COLUMN came_expired BOOLEAN")
