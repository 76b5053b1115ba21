"""Write-offs: the zone of the store in which the goods of a line lay."""

from alembic import op

revision = "0064"
down_revision = "0063"


def upgrade() -> None:
    op.execute("ALTER TABLE write_off_lines ADD zone TEXT")
