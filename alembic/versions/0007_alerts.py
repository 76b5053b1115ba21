"""Alerts: conditions that staff should know of."""

from alembic import op

revision = "0007"
down_revision = "0006"

TABLES = """
CREATE TABLE alerts (
    tenant_id UUID NOT NULL,
    id UUID NOT NULL,
    rule TEXT NOT NULL,
    store_id UUID NOT NULL,
    product_id UUID NOT NULL,
    state TEXT DEFAULT 'OPEN' NOT NULL,
    quantity BIGINT NOT NULL,
    scale BIGINT NOT NULL,
    movement_id UUID NOT NULL,
    order_ids UUID[] DEFAULT '{}' NOT NULL,
    raised_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    acknowledged_at TIMESTAMP WITH TIME ZONE,
    acknowledged_by UUID,
    CONSTRAINT pk_alerts PRIMARY KEY (tenant_id, id),
    CONSTRAINT fk_alerts_tenant_id_store_id FOREIGN KEY(tenant_id, store_id)
        REFERENCES stores (tenant_id, id)
        ON DELETE RESTRICT,
    CONSTRAINT fk_alerts_tenant_id_product_id FOREIGN KEY(tenant_id, product_id)
        REFERENCES products (tenant_id, id)
        ON DELETE RESTRICT,
    CONSTRAINT ck_alerts_rule CHECK (rule in ('DISCREPANCY')),
    CONSTRAINT ck_alerts_state CHECK (state in ('OPEN', 'ACKNOWLEDGED'))
);
CREATE INDEX ix_alerts_store ON alerts (tenant_id, store_id, id);
CREATE UNIQUE INDEX uq_alerts_open ON alerts (tenant_id, store_id, product_id, rule)
    WHERE state = 'OPEN';
"""

RIGHTS = {"alerts": "SELECT, INSERT, UPDATE"}

MINE = "tenant_id = nullif(current_setting('app.tenant', true), '')::uuid"


def upgrade() -> None:
    for statement in TABLES.strip().split(";\n"):
        op.execute(statement)
    for table, rights in RIGHTS.items():
        op.execute(f"GRANT {rights} ON {table} TO kucun_app")
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
        op.execute(f"CREATE POLICY tenant ON {table} USING ({MINE}) WITH CHECK ({MINE})")
