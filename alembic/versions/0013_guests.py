"""Guests: an index of the orders of one contact."""

from alembic import op

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    op.execute(
        "CREATE INDEX ix_orders_unpaid ON orders (tenant_id, contact) "
        "WHERE paid_at is null and ended_at is null"
    )
