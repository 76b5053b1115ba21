"""Checkpoint days: what the checkpoints of a day changed in a store, and what checkpoints cover."""

from alembic import op

revision = "0073"
down_revision = "0072"

TABLES = """
CREATE TABLE checkpoint_days (
    tenant_id UUID NOT NULL,
    store_id UUID NOT NULL,
    day DATE NOT NULL,
    on_hand BIGINT NOT NULL,
    value BIGINT NOT NULL,
    levels BIGINT NOT NULL,
    first_at TIMESTAMP WITH TIME ZONE NOT NULL,
    last_at TIMESTAMP WITH TIME ZONE NOT NULL,
    first_known TIMESTAMP WITH TIME ZONE NOT NULL,
    last_known TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_checkpoint_days PRIMARY KEY (tenant_id, store_id, day)
);
CREATE TABLE checkpoint_marks (
    tenant_id UUID NOT NULL,
    covered_until TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_checkpoint_marks PRIMARY KEY (tenant_id)
);
"""

TOTALS = """
UPDATE checkpoints SET (on_hand, value) = (
    SELECT coalesce(sum(quantity) FILTER (WHERE bin IN ('shelf', 'reserved', 'quarantine')), 0),
        coalesce(sum(value), 0)
    FROM jsonb_to_recordset(balances) AS b (bin TEXT, quantity BIGINT, value BIGINT)
)
"""

FILL = """
INSERT INTO checkpoint_days (tenant_id, store_id, day, on_hand, value, levels, first_at, last_at,
    first_known, last_known)
SELECT c.tenant_id, c.store_id, c.day, sum(c.on_hand - coalesce(b.on_hand, 0)),
    sum(c.value - coalesce(b.value, 0)),
    count(*) FILTER (WHERE c.on_hand <> 0) - count(*) FILTER (WHERE b.on_hand <> 0),
    min(c.first_at), max(c.last_at), min(c.first_known), max(c.last_known)
FROM checkpoints c LEFT JOIN checkpoints b ON (b.tenant_id, b.store_id, b.product_id, b.seq)
    = (c.tenant_id, c.store_id, c.product_id, c.since_seq)
GROUP BY c.tenant_id, c.store_id, c.day
"""

MINE = "tenant_id = nullif(current_setting('app.tenant', true), '')::uuid"


def upgrade() -> None:
    op.execute("ALTER TABLE checkpoints ADD COLUMN on_hand BIGINT, ADD COLUMN value BIGINT")
    for statement in filter(str.strip, TABLES.split(";")):
        op.execute(statement)
    op.execute("ALTER TABLE checkpoints NO FORCE ROW LEVEL SECURITY")
    op.execute(TOTALS)
    op.execute(FILL)
    op.execute("ALTER TABLE checkpoints FORCE ROW LEVEL SECURITY")
    for column in ("on_hand", "value"):
        op.execute(f"ALTER TABLE checkpoints ALTER COLUMN {column} SET NOT NULL")
    op.execute("CREATE INDEX ix_checkpoints_day ON checkpoints (tenant_id, store_id, day)")
    for table in ("checkpoint_days", "checkpoint_marks"):
        op.execute(f"GRANT SELECT, INSERT, UPDATE ON {table} TO kucun_app")
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
        op.execute(f"CREATE POLICY tenant ON {table} USING ({MINE}) WITH CHECK ({MINE})")
