"""Notifications: targets, webhooks, who is notified, quiet hours, and each delivery."""

from alembic import op

revision = "0035"
down_revision = "0034"

TABLES = """
CREATE TABLE notification_targets (
    tenant_id UUID NOT NULL,
    id UUID NOT NULL,
    name TEXT NOT NULL,
    service TEXT NOT NULL,
    sealed_url BYTEA NOT NULL,
    staff_id UUID,
    store_id UUID,
    created_by UUID NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    ended_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT pk_notification_targets PRIMARY KEY (tenant_id, id),
    CONSTRAINT fk_notification_targets_tenant_id_staff_id FOREIGN KEY(tenant_id, staff_id)
        REFERENCES staff (tenant_id, id) ON DELETE RESTRICT,
    CONSTRAINT fk_notification_targets_tenant_id_store_id FOREIGN KEY(tenant_id, store_id)
        REFERENCES stores (tenant_id, id) ON DELETE RESTRICT
);
CREATE TABLE webhooks (
    tenant_id UUID NOT NULL,
    id UUID NOT NULL,
    url TEXT NOT NULL,
    events TEXT[] NOT NULL,
    sealed_secret BYTEA NOT NULL,
    created_by UUID NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    ended_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT pk_webhooks PRIMARY KEY (tenant_id, id)
);
CREATE TABLE webhook_cursors (
    tenant_id UUID NOT NULL,
    webhook_id UUID NOT NULL,
    store_id UUID NOT NULL,
    revision BIGINT NOT NULL,
    CONSTRAINT pk_webhook_cursors PRIMARY KEY (tenant_id, webhook_id, store_id),
    CONSTRAINT fk_webhook_cursors_tenant_id_webhook_id FOREIGN KEY(tenant_id, webhook_id)
        REFERENCES webhooks (tenant_id, id) ON DELETE RESTRICT,
    CONSTRAINT fk_webhook_cursors_tenant_id_store_id FOREIGN KEY(tenant_id, store_id)
        REFERENCES stores (tenant_id, id) ON DELETE RESTRICT
);
CREATE TABLE recipients (
    tenant_id UUID NOT NULL,
    id UUID NOT NULL,
    rule TEXT NOT NULL,
    store_id UUID,
    roles TEXT[] NOT NULL,
    staff_ids UUID[] NOT NULL,
    set_by UUID NOT NULL,
    set_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT pk_recipients PRIMARY KEY (tenant_id, id),
    CONSTRAINT fk_recipients_tenant_id_store_id FOREIGN KEY(tenant_id, store_id)
        REFERENCES stores (tenant_id, id) ON DELETE RESTRICT
);
CREATE UNIQUE INDEX uq_recipients_subject ON recipients (tenant_id, rule, store_id)
    NULLS NOT DISTINCT;
CREATE TABLE deliveries (
    tenant_id UUID NOT NULL,
    id UUID NOT NULL,
    channel TEXT NOT NULL,
    recipient_id UUID NOT NULL,
    event TEXT NOT NULL,
    store_id UUID NOT NULL,
    alert_id UUID,
    occasion TIMESTAMP WITH TIME ZONE,
    revision BIGINT,
    body TEXT NOT NULL,
    state TEXT DEFAULT 'PENDING' NOT NULL,
    attempts INTEGER DEFAULT 0 NOT NULL,
    next_at TIMESTAMP WITH TIME ZONE NOT NULL,
    error TEXT,
    receipt TEXT,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    delivered_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT pk_deliveries PRIMARY KEY (tenant_id, id),
    CONSTRAINT fk_deliveries_tenant_id_store_id FOREIGN KEY(tenant_id, store_id)
        REFERENCES stores (tenant_id, id) ON DELETE RESTRICT,
    CONSTRAINT fk_deliveries_tenant_id_alert_id FOREIGN KEY(tenant_id, alert_id)
        REFERENCES alerts (tenant_id, id) ON DELETE RESTRICT,
    CONSTRAINT ck_deliveries_channel CHECK (channel in ('IN_APP', 'MESSAGE', 'WEBHOOK')),
    CONSTRAINT ck_deliveries_state CHECK (state in ('PENDING', 'DELIVERED', 'DEAD'))
);
CREATE UNIQUE INDEX uq_deliveries_alert ON deliveries (tenant_id, alert_id, occasion, recipient_id)
    WHERE alert_id IS NOT NULL;
CREATE UNIQUE INDEX uq_deliveries_revision ON deliveries
    (tenant_id, recipient_id, store_id, revision) WHERE revision IS NOT NULL;
CREATE INDEX ix_deliveries_due ON deliveries (tenant_id, next_at) WHERE state = 'PENDING';
CREATE INDEX ix_deliveries_store ON deliveries (tenant_id, store_id, id);
ALTER TABLE stores ADD COLUMN quiet_from TIME, ADD COLUMN quiet_until TIME;
ALTER TABLE alerts ADD COLUMN notified_at TIMESTAMP WITH TIME ZONE;
UPDATE alerts SET notified_at = now();
CREATE INDEX ix_alerts_unnotified ON alerts (tenant_id, id)
    WHERE state = 'OPEN' AND (notified_at IS NULL OR notified_at < raised_at)
"""

RIGHTS = {
    "notification_targets": "SELECT, INSERT, UPDATE",
    "webhooks": "SELECT, INSERT, UPDATE",
    "webhook_cursors": "SELECT, INSERT, UPDATE",
    "recipients": "SELECT, INSERT, UPDATE",
    "deliveries": "SELECT, INSERT, UPDATE",
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
