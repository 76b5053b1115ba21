"""Recipients by category, escalation of alerts that wait, and daily digests."""

from alembic import op

revision = "0051"
down_revision = "0050"

TABLES = """
ALTER TABLE recipients ADD COLUMN category_id UUID,
    ADD CONSTRAINT fk_recipients_tenant_id_category_id FOREIGN KEY(tenant_id, category_id)
        REFERENCES categories (tenant_id, id) ON DELETE RESTRICT;
DROP INDEX uq_recipients_subject;
CREATE UNIQUE INDEX uq_recipients_subject ON recipients (tenant_id, rule, store_id, category_id)
    NULLS NOT DISTINCT;
CREATE TABLE escalations (
    tenant_id UUID NOT NULL,
    id UUID NOT NULL,
    rule TEXT NOT NULL,
    store_id UUID,
    minutes INTEGER,
    set_by UUID NOT NULL,
    set_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT pk_escalations PRIMARY KEY (tenant_id, id),
    CONSTRAINT fk_escalations_tenant_id_store_id FOREIGN KEY(tenant_id, store_id)
        REFERENCES stores (tenant_id, id) ON DELETE RESTRICT,
    CONSTRAINT ck_escalations_minutes CHECK (minutes > 0)
);
CREATE UNIQUE INDEX uq_escalations_subject ON escalations (tenant_id, rule, store_id)
    NULLS NOT DISTINCT;
GRANT SELECT, INSERT, UPDATE ON escalations TO kucun_app;
ALTER TABLE escalations ENABLE ROW LEVEL SECURITY;
ALTER TABLE escalations FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON escalations
    USING (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid)
    WITH CHECK (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid);
ALTER TABLE alerts ADD COLUMN escalations INTEGER DEFAULT 0 NOT NULL;
ALTER TABLE stores ADD COLUMN digest_hour INTEGER, ADD COLUMN digest_on DATE,
    ADD CONSTRAINT ck_stores_digest_hour CHECK (digest_hour between 0 and 23)
"""


def upgrade() -> None:
    for statement in TABLES.strip().split(";\n"):
        op.execute(statement)
