"""Contacts of orders and passes, sealed; `kucun serve` and `kucun work` seal what is stored."""

from alembic import op

revision = "0018"
down_revision = "0017"

# Processes of the version before still write the plain columns.
STATEMENTS = """
ALTER TABLE orders ALTER COLUMN contact DROP NOT NULL,
    ADD COLUMN sealed_contact BYTEA, ADD COLUMN contact_index BYTEA;
ALTER TABLE passes ALTER COLUMN customer DROP NOT NULL,
    ADD COLUMN sealed_contact BYTEA, ADD COLUMN contact_index BYTEA;
DROP INDEX ix_orders_unpaid;
CREATE INDEX ix_orders_unpaid ON orders (tenant_id, contact_index)
    WHERE paid_at is null and ended_at is null;
CREATE INDEX ix_orders_contact ON orders (tenant_id, contact_index, id)
    WHERE contact_index is not null;
CREATE INDEX ix_orders_plain_contact ON orders (tenant_id, id) WHERE contact is not null;
CREATE INDEX ix_orders_retained ON orders (tenant_id, ended_at)
    WHERE ended_at is not null and sealed_contact is not null and
    (placed_by = '00000000-0000-0000-0000-000000000001' or external_id is not null);
DROP INDEX ix_passes_customer;
CREATE INDEX ix_passes_contact ON passes (tenant_id, contact_index, id)
    WHERE contact_index is not null;
CREATE INDEX ix_passes_plain_contact ON passes (tenant_id, id) WHERE customer is not null
"""


def upgrade() -> None:
    for statement in STATEMENTS.split(";\n"):
        op.execute(statement)
