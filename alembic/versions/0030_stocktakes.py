"""Stocktakes: counts at positions of the ledger, posted as variances; when a level was counted."""

from alembic import op

revision = "0030"
down_revision = "0029"

TABLES = """
CREATE TABLE stocktakes (
    tenant_id UUID NOT NULL,
    id UUID NOT NULL,
    store_id UUID NOT NULL,
    state TEXT DEFAULT 'OPEN' NOT NULL,
    blind BOOLEAN DEFAULT false NOT NULL,
    everything BOOLEAN DEFAULT false NOT NULL,
    zones TEXT[] DEFAULT '{}' NOT NULL,
    category_ids UUID[] DEFAULT '{}' NOT NULL,
    opened_by UUID NOT NULL,
    opened_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    reviewed_by UUID,
    reviewed_at TIMESTAMP WITH TIME ZONE,
    closed_by UUID,
    closed_at TIMESTAMP WITH TIME ZONE,
    close_key UUID,
    reversed_by UUID,
    reversed_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT pk_stocktakes PRIMARY KEY (tenant_id, id),
    CONSTRAINT fk_stocktakes_tenant_id_store_id FOREIGN KEY(tenant_id, store_id)
        REFERENCES stores (tenant_id, id)
        ON DELETE RESTRICT,
    CONSTRAINT ck_stocktakes_state
        CHECK (state in ('OPEN', 'REVIEW', 'CLOSING', 'CLOSED', 'CANCELLED', 'REVERSED'))
);
CREATE INDEX ix_stocktakes_open ON stocktakes (tenant_id, store_id, id)
    WHERE state in ('OPEN', 'REVIEW', 'CLOSING');
CREATE INDEX ix_stocktakes_store ON stocktakes (tenant_id, store_id, id);
CREATE TABLE stocktake_lines (
    tenant_id UUID NOT NULL,
    stocktake_id UUID NOT NULL,
    product_id UUID NOT NULL,
    id UUID DEFAULT uuidv7() NOT NULL,
    scale BIGINT NOT NULL,
    confirmed_seq BIGINT,
    confirmed_by UUID,
    reason TEXT,
    note TEXT,
    explained_by UUID,
    posted_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT pk_stocktake_lines PRIMARY KEY (tenant_id, stocktake_id, product_id),
    CONSTRAINT uq_stocktake_lines_tenant_id_id UNIQUE (tenant_id, id),
    CONSTRAINT fk_stocktake_lines_tenant_id_stocktake_id FOREIGN KEY(tenant_id, stocktake_id)
        REFERENCES stocktakes (tenant_id, id)
        ON DELETE RESTRICT,
    CONSTRAINT fk_stocktake_lines_tenant_id_product_id FOREIGN KEY(tenant_id, product_id)
        REFERENCES products (tenant_id, id)
        ON DELETE RESTRICT
);
CREATE INDEX ix_stocktake_lines_product ON stocktake_lines (tenant_id, product_id, stocktake_id);
CREATE TABLE stocktake_counts (
    tenant_id UUID NOT NULL,
    id UUID NOT NULL,
    stocktake_id UUID NOT NULL,
    product_id UUID NOT NULL,
    zone TEXT DEFAULT '' NOT NULL,
    batch_id UUID,
    batch_no TEXT,
    expires_on DATE,
    quantity BIGINT NOT NULL,
    scale BIGINT NOT NULL,
    began_seq BIGINT NOT NULL,
    seq BIGINT NOT NULL,
    counted_by UUID NOT NULL,
    counted_at TIMESTAMP WITH TIME ZONE NOT NULL,
    recorded_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    replaced_by UUID,
    checks BOOLEAN DEFAULT false NOT NULL,
    CONSTRAINT pk_stocktake_counts PRIMARY KEY (tenant_id, id),
    CONSTRAINT fk_stocktake_counts_tenant_id_stocktake_id FOREIGN KEY(tenant_id, stocktake_id)
        REFERENCES stocktakes (tenant_id, id)
        ON DELETE RESTRICT,
    CONSTRAINT fk_stocktake_counts_tenant_id_product_id FOREIGN KEY(tenant_id, product_id)
        REFERENCES products (tenant_id, id)
        ON DELETE RESTRICT,
    CONSTRAINT ck_stocktake_counts_began CHECK (began_seq <= seq)
);
CREATE INDEX ix_stocktake_counts_product ON stocktake_counts
    (tenant_id, stocktake_id, product_id, id);
CREATE TABLE stocktake_variances (
    tenant_id UUID NOT NULL,
    stocktake_id UUID NOT NULL,
    product_id UUID NOT NULL,
    part INTEGER NOT NULL,
    batch_id UUID,
    seq BIGINT NOT NULL,
    expected BIGINT NOT NULL,
    late BIGINT NOT NULL,
    counted BIGINT NOT NULL,
    counted_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_stocktake_variances PRIMARY KEY (tenant_id, stocktake_id, product_id, part),
    CONSTRAINT fk_stocktake_variances_tenant_id_stocktake_id FOREIGN KEY(tenant_id, stocktake_id)
        REFERENCES stocktakes (tenant_id, id)
        ON DELETE RESTRICT,
    CONSTRAINT fk_stocktake_variances_tenant_id_product_id FOREIGN KEY(tenant_id, product_id)
        REFERENCES products (tenant_id, id)
        ON DELETE RESTRICT
);
CREATE TABLE stocktake_rules (
    tenant_id UUID NOT NULL,
    recount_value BIGINT,
    recount_percent INTEGER,
    reason_value BIGINT,
    set_by UUID,
    set_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT pk_stocktake_rules PRIMARY KEY (tenant_id),
    CONSTRAINT ck_stocktake_rules_recount_value CHECK (recount_value >= 0),
    CONSTRAINT ck_stocktake_rules_recount_percent CHECK (recount_percent >= 0),
    CONSTRAINT ck_stocktake_rules_reason_value CHECK (reason_value >= 0)
);
"""

RIGHTS = {
    "stocktakes": "SELECT, INSERT, UPDATE",
    "stocktake_lines": "SELECT, INSERT, UPDATE",
    "stocktake_counts": "SELECT, INSERT, UPDATE",
    "stocktake_variances": "SELECT, INSERT",
    "stocktake_rules": "SELECT, INSERT, UPDATE",
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
    op.execute("ALTER TABLE levels ADD COLUMN counted_at TIMESTAMP WITH TIME ZONE")
    op.execute("ALTER TABLE movements ADD COLUMN dated BOOLEAN DEFAULT false NOT NULL")
