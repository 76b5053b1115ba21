"""SMS: the chain's account at a provider, phones of staff, and messages whose report is awaited."""

from alembic import op

revision = "0050"
down_revision = "0049"

TABLES = """
CREATE TABLE sms_accounts (
    tenant_id UUID NOT NULL,
    provider TEXT NOT NULL,
    key_id TEXT NOT NULL,
    sealed_secret BYTEA NOT NULL,
    sign_name TEXT NOT NULL,
    sdk_app_id TEXT,
    set_by UUID NOT NULL,
    set_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT pk_sms_accounts PRIMARY KEY (tenant_id),
    CONSTRAINT ck_sms_accounts_provider CHECK (provider in ('ALIYUN', 'TENCENT'))
);
CREATE TABLE staff_phones (
    tenant_id UUID NOT NULL,
    staff_id UUID NOT NULL,
    sealed_phone BYTEA NOT NULL,
    set_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT pk_staff_phones PRIMARY KEY (tenant_id, staff_id),
    CONSTRAINT fk_staff_phones_tenant_id_staff_id FOREIGN KEY(tenant_id, staff_id)
        REFERENCES staff (tenant_id, id) ON DELETE RESTRICT
);
ALTER TABLE deliveries ADD COLUMN sent_at TIMESTAMP WITH TIME ZONE,
    DROP CONSTRAINT ck_deliveries_state,
    ADD CONSTRAINT ck_deliveries_state CHECK (state in ('PENDING', 'SENT', 'DELIVERED', 'DEAD'));
CREATE INDEX ix_deliveries_sent ON deliveries (tenant_id, next_at) WHERE state = 'SENT'
"""

RIGHTS = {
    "sms_accounts": "SELECT, INSERT, UPDATE",
    "staff_phones": "SELECT, INSERT, UPDATE, DELETE",
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
