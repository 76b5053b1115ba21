"""Alerts: a life until recovery, subjects other than products, and the rules of the stock."""

from alembic import op

revision = "0024"
down_revision = "0023"

TABLES = """
ALTER TABLE alerts ALTER COLUMN product_id DROP NOT NULL;
ALTER TABLE alerts ALTER COLUMN quantity DROP NOT NULL;
ALTER TABLE alerts ALTER COLUMN scale DROP NOT NULL;
ALTER TABLE alerts ALTER COLUMN movement_id DROP NOT NULL;
ALTER TABLE alerts
    ADD COLUMN batch_id UUID,
    ADD COLUMN document_id UUID,
    ADD COLUMN cause_id UUID,
    ADD COLUMN threshold BIGINT,
    ADD COLUMN tier INTEGER,
    ADD COLUMN due_on DATE DEFAULT 'infinity' NOT NULL,
    ADD COLUMN resolved_at TIMESTAMP WITH TIME ZONE,
    ADD COLUMN resolved_by UUID,
    ADD COLUMN snoozed_until TIMESTAMP WITH TIME ZONE,
    ADD COLUMN closed BOOLEAN DEFAULT false NOT NULL,
    ADD COLUMN subject_id UUID GENERATED ALWAYS AS (coalesce(document_id, batch_id, product_id))
        STORED NOT NULL;
ALTER TABLE alerts ADD COLUMN urgency INTEGER GENERATED ALWAYS AS (
    case rule when 'EXPIRED' then 0 when 'OUT_OF_STOCK' then 1 when 'DISH_UNAVAILABLE' then 2
    when 'DISCREPANCY' then 3 when 'NEAR_EXPIRY' then case when tier <= 7 then 4
    when tier <= 15 then 6 else 8 end when 'LOW_STOCK' then 5 when 'EXPECTED_NOT_ARRIVED' then 7
    when 'SLOW_MOVING' then 10 else 9 end) STORED NOT NULL;
UPDATE alerts SET closed = true WHERE state = 'ACKNOWLEDGED';
ALTER TABLE alerts DROP CONSTRAINT ck_alerts_rule, DROP CONSTRAINT ck_alerts_state;
ALTER TABLE alerts
    ADD CONSTRAINT ck_alerts_rule CHECK (rule in ('LOW_STOCK', 'OUT_OF_STOCK', 'NEAR_EXPIRY',
        'EXPIRED', 'SLOW_MOVING', 'DISCREPANCY', 'DISH_UNAVAILABLE', 'TRANSFER_WAITING',
        'WRITE_OFF_WAITING', 'PURCHASE_WAITING', 'EXPECTED_NOT_ARRIVED')),
    ADD CONSTRAINT ck_alerts_state CHECK (state in ('OPEN', 'ACKNOWLEDGED', 'RESOLVED')),
    ADD CONSTRAINT ck_alerts_resolved CHECK ((state = 'RESOLVED') = (resolved_at is not null));
DROP INDEX uq_alerts_open;
CREATE UNIQUE INDEX uq_alerts_open ON alerts (tenant_id, store_id, rule, subject_id)
    WHERE NOT closed;
CREATE INDEX ix_alerts_urgency ON alerts (tenant_id, store_id, urgency, due_on, id);
CREATE INDEX ix_alerts_product ON alerts (tenant_id, product_id, store_id)
    WHERE state <> 'RESOLVED'
"""


def upgrade() -> None:
    for statement in TABLES.strip().split(";\n"):
        op.execute(statement)
