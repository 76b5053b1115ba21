"""Guests: what one contact holds in a store, found at once."""

from alembic import op

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    op.execute(
        "CREATE INDEX ix_orders_held ON orders (tenant_id, store_id, contact) WHERE state = 'HELD'"
    )
