"""Mini-programs of Douyin: the key that opens phone numbers."""

from alembic import op

revision = "0047"
down_revision = "0046"


def upgrade() -> None:
    op.execute("ALTER TABLE mini_apps ADD COLUMN sealed_phone_key BYTEA")
