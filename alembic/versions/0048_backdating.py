"""Tenants: how many days late movements may be recorded."""

from alembic import op

revision = "0048"
down_revision = "0047"


def upgrade() -> None:
    op.execute(
        "ALTER TABLE tenants ADD COLUMN backdate_days INTEGER DEFAULT 30 NOT NULL "
        "CONSTRAINT ck_tenants_backdate_days CHECK (backdate_days between 1 and 3650)"
    )
