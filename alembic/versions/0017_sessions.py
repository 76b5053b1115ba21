"""Sessions: the name of the device that signed in."""

from alembic import op

revision = "0017"
down_revision = "0016"


def upgrade() -> None:
    op.execute("ALTER TABLE sessions ADD COLUMN device_name TEXT")
