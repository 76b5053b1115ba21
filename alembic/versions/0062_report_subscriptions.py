"""Reports that staff receive each month, and the sealed links of their messages."""

from alembic import op

revision = "0062"
down_revision = "0061"

TABLES = """
CREATE TABLE report_subscriptions (
    tenant_id UUID NOT NULL,
    id UUID NOT NULL,
    staff_id UUID NOT NULL,
    report TEXT NOT NULL,
    format TEXT NOT NULL,
    language TEXT NOT NULL,
    origin TEXT NOT NULL,
    stores UUID[],
    choice JSONB NOT NULL,
    month DATE NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    ended_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT pk_report_subscriptions PRIMARY KEY (tenant_id, id),
    CONSTRAINT fk_report_subscriptions_staff_id FOREIGN KEY (tenant_id, staff_id)
        REFERENCES staff (tenant_id, id) ON DELETE RESTRICT,
    CONSTRAINT ck_report_subscriptions_format CHECK (format in ('XLSX', 'CSV'))
);
CREATE INDEX ix_report_subscriptions_due ON report_subscriptions (tenant_id, month)
    WHERE ended_at IS NULL;
CREATE INDEX ix_report_subscriptions_staff_id ON report_subscriptions (tenant_id, staff_id);
ALTER TABLE exports ADD COLUMN subscription_id UUID;
ALTER TABLE exports ADD CONSTRAINT fk_exports_subscription_id
    FOREIGN KEY (tenant_id, subscription_id)
    REFERENCES report_subscriptions (tenant_id, id) ON DELETE RESTRICT;
CREATE INDEX ix_exports_subscription_id ON exports (tenant_id, subscription_id, id)
    WHERE subscription_id IS NOT NULL;
ALTER TABLE deliveries ADD COLUMN sealed_link BYTEA
"""

MINE = "tenant_id = nullif(current_setting('app.tenant', true), '')::uuid"


def upgrade() -> None:
    for statement in TABLES.strip().split(";\n"):
        op.execute(statement)
    op.execute("GRANT SELECT, INSERT, UPDATE ON report_subscriptions TO kucun_app")
    op.execute("ALTER TABLE report_subscriptions ENABLE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE report_subscriptions FORCE ROW LEVEL SECURITY")
    op.execute(f"CREATE POLICY tenant ON report_subscriptions USING ({MINE}) WITH CHECK ({MINE})")
