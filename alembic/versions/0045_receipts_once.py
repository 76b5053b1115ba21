"""Movements: one sale per receipt number of a store, till and business day."""

from alembic import op

revision = "0045"
down_revision = "0044"


def upgrade() -> None:
    op.execute("ALTER TABLE movements ADD COLUMN receipt_key UUID")
    op.execute(
        "ALTER TABLE approvals ADD COLUMN receipt_key UUID, ADD COLUMN receipt_content BYTEA"
    )
    op.execute(
        "CREATE UNIQUE INDEX uq_movements_receipt_key ON movements (tenant_id, receipt_key) "
        "WHERE receipt_key IS NOT NULL"
    )
