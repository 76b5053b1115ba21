"""Movements: sales by receipt number."""

from alembic import op

revision = "0037"
down_revision = "0036"


def upgrade() -> None:
    op.execute(
        "CREATE INDEX ix_movements_receipt ON movements (tenant_id, store_id, document, id) "
        "WHERE kind = 'SALE' AND document IS NOT NULL"
    )
