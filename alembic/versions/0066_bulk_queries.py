"""Bulk queries: exports as JSON Lines."""

from alembic import op

revision = "0066"
down_revision = "0065"


def upgrade() -> None:
    op.execute("ALTER TABLE exports DROP CONSTRAINT ck_exports_format")
    op.execute(
        "ALTER TABLE exports ADD CONSTRAINT ck_exports_format "
        "CHECK (format in ('XLSX', 'CSV', 'JSONL'))"
    )
