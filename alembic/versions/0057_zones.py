"""Zones of stores, named by lines of movements; when each zone of a level was counted; tills'
last contact."""

from alembic import op

revision = "0057"
down_revision = "0056"

TABLE = """
CREATE TABLE zone_counts (
    tenant_id UUID NOT NULL,
    store_id UUID NOT NULL,
    product_id UUID NOT NULL,
    zone TEXT NOT NULL,
    counted_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_zone_counts PRIMARY KEY (tenant_id, store_id, product_id, zone)
)
"""

MINE = "tenant_id = nullif(current_setting('app.tenant', true), '')::uuid"


def upgrade() -> None:
    op.execute("ALTER TABLE stores ADD COLUMN zones TEXT[] DEFAULT '{}' NOT NULL")
    op.execute("ALTER TABLE entries ADD COLUMN zone TEXT")
    op.execute("ALTER TABLE levels ADD COLUMN counted_until TIMESTAMP WITH TIME ZONE")
    op.execute("ALTER TABLE tills ADD COLUMN seen_at TIMESTAMP WITH TIME ZONE")
    op.execute(TABLE)
    op.execute("GRANT SELECT, INSERT, UPDATE, DELETE ON zone_counts TO kucun_app")
    op.execute("ALTER TABLE zone_counts ENABLE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE zone_counts FORCE ROW LEVEL SECURITY")
    op.execute(f"CREATE POLICY tenant ON zone_counts USING ({MINE}) WITH CHECK ({MINE})")
