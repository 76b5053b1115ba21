"""Levels: rows that were created only to be locked are not shown."""

from alembic import op

revision = "0031"
down_revision = "0030"

# Row-level security would hide the rows of every tenant from a migration.
HIDE = """
ALTER TABLE levels ADD COLUMN shown BOOLEAN NOT NULL DEFAULT true;
ALTER TABLE levels NO FORCE ROW LEVEL SECURITY;
ALTER TABLE purchase_orders NO FORCE ROW LEVEL SECURITY;
ALTER TABLE purchase_lines NO FORCE ROW LEVEL SECURITY;
UPDATE levels l SET shown = false
    WHERE version = 0 AND NOT reorder_point_own AND expiry_warning_days IS NULL
    AND sold_out_until IS NULL AND NOT EXISTS (
        SELECT FROM purchase_orders o
        JOIN purchase_lines p ON (p.tenant_id, p.purchase_id) = (o.tenant_id, o.id)
        WHERE (o.tenant_id, o.store_id, p.product_id) = (l.tenant_id, l.store_id, l.product_id));
ALTER TABLE levels FORCE ROW LEVEL SECURITY;
ALTER TABLE purchase_orders FORCE ROW LEVEL SECURITY;
ALTER TABLE purchase_lines FORCE ROW LEVEL SECURITY;
"""


def upgrade() -> None:
    for statement in HIDE.strip().split(";\n"):
        op.execute(statement.rstrip(";"))
