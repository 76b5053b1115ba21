"""Receipt numbers are found in capitals and small letters."""

from alembic import op

revision = "0065"
down_revision = "0064"


def upgrade() -> None:
    op.execute("DROP INDEX ix_movements_receipt")
    op.execute(
        "CREATE INDEX ix_movements_receipt ON movements (tenant_id, store_id, upper(document), id) "
        "WHERE kind = 'SALE' AND document IS NOT NULL"
    )
