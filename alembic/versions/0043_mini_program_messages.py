"""Messages of mini-programs: templates, the identities of staff, and their subscriptions."""

from alembic import op

revision = "0043"
down_revision = "0042"

TABLES = """
CREATE TABLE message_templates (
    tenant_id UUID NOT NULL,
    channel TEXT NOT NULL,
    template TEXT NOT NULL,
    page TEXT,
    fields TEXT[] NOT NULL,
    parts TEXT[] NOT NULL,
    set_by UUID NOT NULL,
    set_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT pk_message_templates PRIMARY KEY (tenant_id, channel),
    CONSTRAINT ck_message_templates_channel CHECK (channel in ('WECHAT', 'DOUYIN', 'SMS')),
    CONSTRAINT ck_message_templates_parts CHECK (cardinality(fields) = cardinality(parts))
);
CREATE TABLE staff_mini_apps (
    tenant_id UUID NOT NULL,
    staff_id UUID NOT NULL,
    channel TEXT NOT NULL,
    app_id TEXT NOT NULL,
    sealed_openid BYTEA NOT NULL,
    bound_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT pk_staff_mini_apps PRIMARY KEY (tenant_id, staff_id, channel),
    CONSTRAINT fk_staff_mini_apps_tenant_id_staff_id FOREIGN KEY(tenant_id, staff_id)
        REFERENCES staff (tenant_id, id) ON DELETE RESTRICT,
    CONSTRAINT ck_staff_mini_apps_channel CHECK (channel in ('WECHAT', 'DOUYIN'))
);
CREATE TABLE message_credits (
    tenant_id UUID NOT NULL,
    staff_id UUID NOT NULL,
    template TEXT NOT NULL,
    credits BIGINT NOT NULL,
    CONSTRAINT pk_message_credits PRIMARY KEY (tenant_id, staff_id, template),
    CONSTRAINT fk_message_credits_tenant_id_staff_id FOREIGN KEY(tenant_id, staff_id)
        REFERENCES staff (tenant_id, id) ON DELETE RESTRICT,
    CONSTRAINT ck_message_credits_credits CHECK (credits >= 0)
);
ALTER TABLE deliveries ADD COLUMN template TEXT, ADD COLUMN parts TEXT,
    DROP CONSTRAINT ck_deliveries_channel,
    ADD CONSTRAINT ck_deliveries_channel
        CHECK (channel in ('IN_APP', 'MESSAGE', 'WEBHOOK', 'WECHAT', 'DOUYIN', 'SMS'));
DROP INDEX uq_deliveries_alert;
CREATE UNIQUE INDEX uq_deliveries_alert
    ON deliveries (tenant_id, alert_id, occasion, recipient_id, channel)
    WHERE alert_id IS NOT NULL
"""

RIGHTS = {
    "message_templates": "SELECT, INSERT, UPDATE",
    "staff_mini_apps": "SELECT, INSERT, UPDATE, DELETE",
    "message_credits": "SELECT, INSERT, UPDATE",
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
