"""Transfers between stores, and the days that goods take to a store."""

from alembic import op

revision = "0010"
down_revision = "0009"

TABLES = """
ALTER TABLE stores ADD COLUMN lead_days INTEGER DEFAULT '2' NOT NULL;
CREATE TABLE transfers (
    tenant_id UUID NOT NULL,
    id UUID NOT NULL,
    from_store UUID,
    to_store UUID NOT NULL,
    state TEXT NOT NULL,
    note TEXT,
    reason TEXT,
    return_of UUID,
    requested_by UUID,
    approved_by UUID,
    approved_at TIMESTAMP WITH TIME ZONE,
    shipped_by UUID,
    shipped_at TIMESTAMP WITH TIME ZONE,
    ended_at TIMESTAMP WITH TIME ZONE,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT pk_transfers PRIMARY KEY (tenant_id, id),
    CONSTRAINT fk_transfers_tenant_id_from_store FOREIGN KEY(tenant_id, from_store)
        REFERENCES stores (tenant_id, id)
        ON DELETE RESTRICT,
    CONSTRAINT fk_transfers_tenant_id_to_store FOREIGN KEY(tenant_id, to_store)
        REFERENCES stores (tenant_id, id)
        ON DELETE RESTRICT,
    CONSTRAINT fk_transfers_tenant_id_return_of FOREIGN KEY(tenant_id, return_of)
        REFERENCES transfers (tenant_id, id)
        ON DELETE RESTRICT,
    CONSTRAINT ck_transfers_state
        CHECK (state in ('REQUESTED', 'REJECTED', 'APPROVED', 'SHIPPED', 'PARTIAL', 'RECEIVED',
            'CANCELLED')),
    CONSTRAINT ck_transfers_stores CHECK (from_store <> to_store),
    CONSTRAINT ck_transfers_from_store
        CHECK (from_store is not null or state in ('REQUESTED', 'REJECTED', 'CANCELLED'))
);
CREATE INDEX ix_transfers_to ON transfers (tenant_id, to_store, id);
CREATE INDEX ix_transfers_from ON transfers (tenant_id, from_store, id);
CREATE INDEX ix_transfers_return ON transfers (tenant_id, return_of) WHERE return_of is not null;
CREATE TABLE transfer_lines (
    tenant_id UUID NOT NULL,
    transfer_id UUID NOT NULL,
    line INTEGER NOT NULL,
    product_id UUID NOT NULL,
    scale BIGINT NOT NULL,
    requested BIGINT DEFAULT '0' NOT NULL,
    approved BIGINT DEFAULT '0' NOT NULL,
    shipped BIGINT DEFAULT '0' NOT NULL,
    received BIGINT DEFAULT '0' NOT NULL,
    damaged BIGINT DEFAULT '0' NOT NULL,
    lost BIGINT DEFAULT '0' NOT NULL,
    returned BIGINT DEFAULT '0' NOT NULL,
    reason TEXT,
    CONSTRAINT pk_transfer_lines PRIMARY KEY (tenant_id, transfer_id, line),
    CONSTRAINT fk_transfer_lines_tenant_id_transfer_id FOREIGN KEY(tenant_id, transfer_id)
        REFERENCES transfers (tenant_id, id)
        ON DELETE RESTRICT,
    CONSTRAINT fk_transfer_lines_tenant_id_product_id FOREIGN KEY(tenant_id, product_id)
        REFERENCES products (tenant_id, id)
        ON DELETE RESTRICT,
    CONSTRAINT uq_transfer_lines_tenant_id_transfer_id_product_id
        UNIQUE (tenant_id, transfer_id, product_id),
    CONSTRAINT ck_transfer_lines_quantities CHECK (least(requested, approved, shipped) >= 0),
    CONSTRAINT ck_transfer_lines_arrivals CHECK (least(received, damaged, lost, returned) >= 0),
    CONSTRAINT ck_transfer_lines_shipped
        CHECK (shipped >= received + damaged + lost + returned)
);
"""

RIGHTS = {
    "transfers": "SELECT, INSERT, UPDATE",
    "transfer_lines": "SELECT, INSERT, UPDATE",
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
