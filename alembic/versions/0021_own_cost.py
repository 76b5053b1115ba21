"""Entries: whether a reversal took goods out at their own cost or at the average."""

from alembic import op

revision = "0021"
down_revision = "0020"


def upgrade() -> None:
    op.execute("ALTER TABLE entries ADD COLUMN own_cost BOOLEAN")
