"""Passes and redemptions: whose goods were taken ahead, and what was reversed."""

from alembic import op

revision = "0025"
down_revision = "0024"

STATEMENTS = """
ALTER TABLE passes ADD COLUMN ahead BOOLEAN NOT NULL DEFAULT false;
ALTER TABLE redemptions ADD COLUMN ahead BOOLEAN NOT NULL DEFAULT false,
    ADD COLUMN reversed_at TIMESTAMP WITH TIME ZONE;
ALTER TABLE passes NO FORCE ROW LEVEL SECURITY;
ALTER TABLE redemptions NO FORCE ROW LEVEL SECURITY;
UPDATE passes SET ahead = true
    WHERE consume_on = 'FIRST_USE_ON_SALE' AND used = 0 AND state = 'ACTIVE';
UPDATE redemptions r SET ahead = true FROM passes p
    WHERE (p.tenant_id, p.id) = (r.tenant_id, r.pass_id) AND p.consume_on = 'FIRST_USE_ON_SALE'
    AND NOT EXISTS (SELECT FROM redemptions e
        WHERE (e.tenant_id, e.pass_id) = (r.tenant_id, r.pass_id) AND e.id < r.id);
ALTER TABLE passes FORCE ROW LEVEL SECURITY;
ALTER TABLE redemptions FORCE ROW LEVEL SECURITY;
ALTER TABLE passes ADD CONSTRAINT ck_passes_ahead CHECK (state = 'ACTIVE' or not ahead);
CREATE UNIQUE INDEX uq_redemptions_movement ON redemptions (tenant_id, movement_id);
GRANT UPDATE ON redemptions TO kucun_app;
GRANT DELETE ON purchase_lines TO kucun_app
"""


def upgrade() -> None:
    for statement in STATEMENTS.strip().split(";\n"):
        op.execute(statement)
