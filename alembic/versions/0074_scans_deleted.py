"""Scan sessions say whether their scans are deleted, so that retention reads each session once."""

from alembic import op

revision = "0074"
down_revision = "0073"


def upgrade() -> None:
    op.execute("ALTER TABLE scan_sessions ADD COLUMN scans_deleted BOOLEAN NOT NULL DEFAULT false")
    op.execute(
        "CREATE INDEX ix_scan_sessions_with_scans ON scan_sessions (tenant_id, ended_at) "
        "WHERE NOT scans_deleted AND ended_at IS NOT NULL"
    )
