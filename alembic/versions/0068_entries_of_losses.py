"""An index of the entries of losses, which the report of losses by person reads."""

from alembic import op

revision = "0068"
down_revision = "0067"

INDEX = """
CREATE INDEX ix_entries_losses ON entries (tenant_id, movement_id)
WHERE to_bin IN ('waste', 'variance') OR from_bin IN ('waste', 'variance')
"""


def upgrade() -> None:
    op.execute(INDEX)
