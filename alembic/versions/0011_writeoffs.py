"""Write-offs: goods in quarantine until they are waste or go back, and who may approve how much."""

from alembic import op

revision = "0011"
down_revision = "0010"

TABLES = """
CREATE TABLE write_offs (
    tenant_id UUID NOT NULL,
    id UUID NOT NULL,
    store_id UUID NOT NULL,
    state TEXT DEFAULT 'REQUESTED' NOT NULL,
    reason TEXT NOT NULL,
    note TEXT,
    photo_urls TEXT[] DEFAULT '{}' NOT NULL,
    requested_by UUID NOT NULL,
    requested_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    decided_by UUID,
    decided_at TIMESTAMP WITH TIME ZONE,
    decision_note TEXT,
    CONSTRAINT pk_write_offs PRIMARY KEY (tenant_id, id),
    CONSTRAINT fk_write_offs_tenant_id_store_id FOREIGN KEY(tenant_id, store_id)
        REFERENCES stores (tenant_id, id)
        ON DELETE RESTRICT,
    CONSTRAINT ck_write_offs_state CHECK (state in ('REQUESTED', 'APPROVED', 'REJECTED')),
    CONSTRAINT ck_write_offs_decided CHECK ((state = 'REQUESTED') = (decided_by is null)),
    CONSTRAINT ck_write_offs_approver CHECK (state <> 'APPROVED' or decided_by <> requested_by)
);
CREATE INDEX ix_write_offs_store ON write_offs (tenant_id, store_id, id);
CREATE INDEX ix_write_offs_open ON write_offs (tenant_id, store_id, id)
    WHERE state = 'REQUESTED';
CREATE TABLE write_off_lines (
    tenant_id UUID NOT NULL,
    write_off_id UUID NOT NULL,
    line INTEGER NOT NULL,
    product_id UUID NOT NULL,
    batch_id UUID,
    source TEXT NOT NULL,
    quantity BIGINT NOT NULL,
    scale BIGINT NOT NULL,
    CONSTRAINT pk_write_off_lines PRIMARY KEY (tenant_id, write_off_id, line),
    CONSTRAINT fk_write_off_lines_tenant_id_write_off_id FOREIGN KEY(tenant_id, write_off_id)
        REFERENCES write_offs (tenant_id, id)
        ON DELETE RESTRICT,
    CONSTRAINT fk_write_off_lines_tenant_id_product_id FOREIGN KEY(tenant_id, product_id)
        REFERENCES products (tenant_id, id)
        ON DELETE RESTRICT,
    CONSTRAINT fk_write_off_lines_tenant_id_batch_id FOREIGN KEY(tenant_id, batch_id)
        REFERENCES batches (tenant_id, id)
        ON DELETE RESTRICT,
    CONSTRAINT ck_write_off_lines_source CHECK (source in ('shelf', 'quarantine')),
    CONSTRAINT ck_write_off_lines_quantity CHECK (quantity > 0)
);
CREATE TABLE write_off_limits (
    tenant_id UUID NOT NULL,
    role TEXT NOT NULL,
    amount BIGINT,
    set_by UUID,
    set_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT pk_write_off_limits PRIMARY KEY (tenant_id, role),
    CONSTRAINT ck_write_off_limits_role CHECK (role in ('MANAGER', 'PURCHASER')),
    CONSTRAINT ck_write_off_limits_amount CHECK (amount >= 0)
);
"""

RIGHTS = {
    "write_offs": "SELECT, INSERT, UPDATE",
    "write_off_lines": "SELECT, INSERT",
    "write_off_limits": "SELECT, INSERT, UPDATE",
}

MINE = "tenant_id = nullif(current_setting('app.tenant', true), '')::uuid"


def upgrade() -> None:
    for statement in TABLES.strip().split(";\n"):
        op.execute(statement)
    for table, rights in RIGHTS.items():
        op.execute(f"GRANT {rights} ON {table} TO kucun_app")
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
        op.execute(f"CREATE POLICY tenant ON {table} USING ({MINE}) WITH CHECK ({MINE})")
