"""Retention: when a key was claimed, and the right to delete old changes."""

from alembic import op

revision = "0014"
down_revision = "0013"


def upgrade() -> None:
    # Keys that exist count from now on: none is forgotten too early.
    op.execute(
        "ALTER TABLE requests ADD COLUMN claimed_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL"
    )
    op.execute("CREATE INDEX ix_requests_claimed ON requests (tenant_id, claimed_at)")
    op.execute("GRANT DELETE ON changes TO kucun_app")
