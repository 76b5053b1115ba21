"""Webhooks: a second secret while the first is replaced, and replays of a store's changes."""

from alembic import op

revision = "0052"
down_revision = "0051"


def upgrade() -> None:
    op.execute(
        "ALTER TABLE webhooks ADD COLUMN former_secret BYTEA, "
        "ADD COLUMN rotated_at TIMESTAMP WITH TIME ZONE"
    )
    op.execute("ALTER TABLE webhook_cursors ADD COLUMN replays INTEGER DEFAULT 0 NOT NULL")
    op.execute("ALTER TABLE deliveries ADD COLUMN replay INTEGER DEFAULT 0 NOT NULL")
    op.execute("DROP INDEX uq_deliveries_revision")
    op.execute(
        "CREATE UNIQUE INDEX uq_deliveries_revision ON deliveries "
        "(tenant_id, recipient_id, store_id, revision, replay) WHERE revision IS NOT NULL"
    )
    op.execute("CREATE INDEX ix_deliveries_recipient ON deliveries (tenant_id, recipient_id, id)")
