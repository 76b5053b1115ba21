"""Guests: the share of a store's goods they hold together, and orders by address."""

from alembic import op

revision = "0023"
down_revision = "0022"

UP = """
ALTER TABLE stores ADD COLUMN guest_share INTEGER NOT NULL DEFAULT 50,
    ADD CONSTRAINT ck_stores_guest_share CHECK (guest_share between 0 and 100);
ALTER TABLE orders ADD COLUMN address_index BYTEA;
CREATE INDEX ix_orders_unpaid_address ON orders (tenant_id, address_index)
    WHERE paid_at is null and ended_at is null and address_index is not null;
"""


def upgrade() -> None:
    for statement in UP.strip().split(";\n"):
        op.execute(statement)
