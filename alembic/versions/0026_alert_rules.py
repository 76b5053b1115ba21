"""Alerts: settings of rules, and up to where each store is judged."""

from alembic import op

revision = "0026"
down_revision = "0025"

TABLES = """
CREATE TABLE alert_rules (
    tenant_id UUID NOT NULL,
    id UUID NOT NULL,
    rule TEXT NOT NULL,
    store_id UUID,
    category_id UUID,
    product_id UUID,
    enabled BOOLEAN NOT NULL,
    days INTEGER[],
    fewer_than INTEGER,
    hours INTEGER,
    set_by UUID NOT NULL,
    set_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT pk_alert_rules PRIMARY KEY (tenant_id, id),
    CONSTRAINT fk_alert_rules_tenant_id_store_id FOREIGN KEY(tenant_id, store_id)
        REFERENCES stores (tenant_id, id) ON DELETE RESTRICT,
    CONSTRAINT fk_alert_rules_tenant_id_category_id FOREIGN KEY(tenant_id, category_id)
        REFERENCES categories (tenant_id, id) ON DELETE RESTRICT,
    CONSTRAINT fk_alert_rules_tenant_id_product_id FOREIGN KEY(tenant_id, product_id)
        REFERENCES products (tenant_id, id) ON DELETE RESTRICT,
    CONSTRAINT ck_alert_rules_subject CHECK (category_id is null or product_id is null)
);
CREATE UNIQUE INDEX uq_alert_rules_subject ON alert_rules
    (tenant_id, rule, store_id, category_id, product_id) NULLS NOT DISTINCT;
CREATE TABLE alert_watches (
    tenant_id UUID NOT NULL,
    store_id UUID NOT NULL,
    revision BIGINT NOT NULL,
    day DATE NOT NULL,
    judged_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_alert_watches PRIMARY KEY (tenant_id, store_id),
    CONSTRAINT fk_alert_watches_tenant_id_store_id FOREIGN KEY(tenant_id, store_id)
        REFERENCES stores (tenant_id, id) ON DELETE RESTRICT
);
ALTER TABLE products ALTER COLUMN expiry_warning_days DROP NOT NULL;
ALTER TABLE products ALTER COLUMN expiry_warning_days DROP DEFAULT;
UPDATE products SET expiry_warning_days = NULL WHERE expiry_warning_days = 15
"""

RIGHTS = {
    "alert_rules": "SELECT, INSERT, UPDATE, DELETE",
    "alert_watches": "SELECT, INSERT, UPDATE",
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
