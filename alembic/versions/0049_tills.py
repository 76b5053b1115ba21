"""Tills: devices that receipt numbers belong to."""

from alembic import op

revision = "0049"
down_revision = "0048"

TABLE = """
CREATE TABLE tills (
    tenant_id UUID NOT NULL,
    id UUID NOT NULL,
    store_id UUID NOT NULL,
    device_id TEXT NOT NULL,
    name TEXT NOT NULL,
    registered_by UUID NOT NULL,
    registered_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    retired_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT pk_tills PRIMARY KEY (tenant_id, id),
    CONSTRAINT uq_tills_tenant_id_store_id_device_id UNIQUE (tenant_id, store_id, device_id),
    CONSTRAINT fk_tills_tenant_id_store_id FOREIGN KEY(tenant_id, store_id)
        REFERENCES stores (tenant_id, id) ON DELETE RESTRICT
)
"""

MINE = "tenant_id = nullif(current_setting('app.tenant', true), '')::uuid"


def upgrade() -> None:
    op.execute(TABLE)
    op.execute("GRANT SELECT, INSERT, UPDATE ON tills TO kucun_app")
    op.execute("ALTER TABLE tills ENABLE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE tills FORCE ROW LEVEL SECURITY")
    op.execute(f"CREATE POLICY tenant ON tills USING ({MINE}) WITH CHECK ({MINE})")
    op.execute("ALTER TABLE approvals ADD COLUMN till_id UUID")
    op.execute(
        "ALTER TABLE movements ADD COLUMN till_id UUID, "
        "ADD CONSTRAINT fk_movements_tenant_id_till_id FOREIGN KEY (tenant_id, till_id) "
        "REFERENCES tills (tenant_id, id) ON DELETE RESTRICT"
    )
