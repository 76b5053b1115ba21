"""The rule AUDIT_DRIFT: the nightly audit found breaches in a chain's ledger."""

from alembic import op

revision = "0061"
down_revision = "0060"


def upgrade() -> None:
    op.execute(
        "ALTER TABLE alerts DROP CONSTRAINT ck_alerts_rule, ADD CONSTRAINT ck_alerts_rule CHECK ("
        "rule in ('LOW_STOCK', 'OUT_OF_STOCK', 'NEAR_EXPIRY', 'EXPIRED', 'SLOW_MOVING', "
        "'DISCREPANCY', 'DISH_UNAVAILABLE', 'TRANSFER_WAITING', 'WRITE_OFF_WAITING', "
        "'PURCHASE_WAITING', 'EXPECTED_NOT_ARRIVED', 'AUDIT_DRIFT'))"
    )
    op.execute(
        "ALTER TABLE alerts ALTER COLUMN urgency SET EXPRESSION AS ("
        "case rule when 'AUDIT_DRIFT' then 0 when 'EXPIRED' then 0 when 'OUT_OF_STOCK' then 1 "
        "when 'DISH_UNAVAILABLE' then 2 when 'DISCREPANCY' then 3 when 'NEAR_EXPIRY' then "
        "case when tier <= 7 then 4 when tier <= 15 then 6 else 8 end when 'LOW_STOCK' then 5 "
        "when 'EXPECTED_NOT_ARRIVED' then 7 when 'SLOW_MOVING' then 10 else 9 end)"
    )
