"""Passes that orders sell: the order and its line, once."""

from alembic import op

revision = "0044"
down_revision = "0043"


def upgrade() -> None:
    op.execute(
        "ALTER TABLE passes ADD COLUMN order_id UUID, ADD COLUMN order_line INTEGER, "
        "ADD CONSTRAINT fk_passes_tenant_id_order_id FOREIGN KEY (tenant_id, order_id) "
        "REFERENCES orders (tenant_id, id) ON DELETE RESTRICT"
    )
    op.execute(
        "CREATE UNIQUE INDEX uq_passes_order ON passes (tenant_id, order_id, order_line) "
        "WHERE order_id IS NOT NULL"
    )
