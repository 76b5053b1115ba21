"""An index of the roll-ups of a day: reports of many stores read them in the order of the table."""

from alembic import op

revision = "0067"
down_revision = "0066"


def upgrade() -> None:
    op.execute("CREATE INDEX ix_rollups_day ON rollups (tenant_id, day)")
