"""Suppliers, purchase orders and their lines."""

from alembic import op

revision = "0012"
down_revision = "0011"

TABLES = """
CREATE TABLE suppliers (
    tenant_id UUID NOT NULL,
    id UUID NOT NULL,
    name TEXT NOT NULL,
    contact TEXT,
    phone TEXT,
    note TEXT,
    lead_days INTEGER NOT NULL,
    search TEXT NOT NULL,
    pinyin TEXT NOT NULL,
    archived_at TIMESTAMP WITH TIME ZONE,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT pk_suppliers PRIMARY KEY (tenant_id, id),
    CONSTRAINT uq_suppliers_tenant_id_name UNIQUE (tenant_id, name),
    CONSTRAINT ck_suppliers_lead_days CHECK (lead_days between 0 and 365)
);
CREATE INDEX ix_suppliers_pinyin ON suppliers (tenant_id, pinyin, id);
CREATE TABLE purchase_orders (
    tenant_id UUID NOT NULL,
    id UUID NOT NULL,
    number TEXT NOT NULL,
    supplier_id UUID NOT NULL,
    store_id UUID NOT NULL,
    state TEXT DEFAULT 'OPEN' NOT NULL,
    expected_on DATE NOT NULL,
    note TEXT,
    reason TEXT,
    ordered_by UUID NOT NULL,
    ordered_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    ended_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT pk_purchase_orders PRIMARY KEY (tenant_id, id),
    CONSTRAINT uq_purchase_orders_tenant_id_number UNIQUE (tenant_id, number),
    CONSTRAINT fk_purchase_orders_tenant_id_supplier_id FOREIGN KEY(tenant_id, supplier_id)
        REFERENCES suppliers (tenant_id, id)
        ON DELETE RESTRICT,
    CONSTRAINT fk_purchase_orders_tenant_id_store_id FOREIGN KEY(tenant_id, store_id)
        REFERENCES stores (tenant_id, id)
        ON DELETE RESTRICT,
    CONSTRAINT ck_purchase_orders_state
        CHECK (state in ('OPEN', 'PARTIAL', 'RECEIVED', 'CLOSED', 'CANCELLED')),
    CONSTRAINT ck_purchase_orders_ended_at
        CHECK ((ended_at is null) = (state in ('OPEN', 'PARTIAL')))
);
CREATE INDEX ix_purchase_orders_store ON purchase_orders (tenant_id, store_id, expected_on, id);
CREATE INDEX ix_purchase_orders_supplier ON purchase_orders (tenant_id, supplier_id);
CREATE INDEX ix_purchase_orders_open ON purchase_orders (tenant_id, store_id, expected_on, id)
    WHERE ended_at is null;
CREATE TABLE purchase_lines (
    tenant_id UUID NOT NULL,
    purchase_id UUID NOT NULL,
    line INTEGER NOT NULL,
    product_id UUID NOT NULL,
    ordered BIGINT NOT NULL,
    received BIGINT DEFAULT '0' NOT NULL,
    scale BIGINT NOT NULL,
    unit_cost BIGINT,
    CONSTRAINT pk_purchase_lines PRIMARY KEY (tenant_id, purchase_id, line),
    CONSTRAINT uq_purchase_lines_tenant_id_purchase_id_product_id
        UNIQUE (tenant_id, purchase_id, product_id),
    CONSTRAINT fk_purchase_lines_tenant_id_purchase_id FOREIGN KEY(tenant_id, purchase_id)
        REFERENCES purchase_orders (tenant_id, id)
        ON DELETE RESTRICT,
    CONSTRAINT fk_purchase_lines_tenant_id_product_id FOREIGN KEY(tenant_id, product_id)
        REFERENCES products (tenant_id, id)
        ON DELETE RESTRICT,
    CONSTRAINT ck_purchase_lines_ordered CHECK (ordered >= 0),
    CONSTRAINT ck_purchase_lines_received CHECK (received >= 0),
    CONSTRAINT ck_purchase_lines_anything CHECK (ordered + received > 0)
);
"""

TOLD = ("suppliers", "purchase_orders", "purchase_lines")

MINE = "tenant_id = nullif(current_setting('app.tenant', true), '')::uuid"


def upgrade() -> None:
    for statement in TABLES.strip().split(";\n"):
        op.execute(statement)
    for table in TOLD:
        op.execute(f"GRANT SELECT, INSERT, UPDATE ON {table} TO kucun_app")
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
        op.execute(f"CREATE POLICY tenant ON {table} USING ({MINE}) WITH CHECK ({MINE})")
