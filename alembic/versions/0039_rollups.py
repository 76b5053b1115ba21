"""Roll-ups: the flows of the ledger, added up by store, product, channel and hour."""

from alembic import op

revision = "0039"
down_revision = "0038"

TABLE = """
CREATE TABLE rollups (
    tenant_id UUID NOT NULL,
    store_id UUID NOT NULL,
    day DATE NOT NULL,
    product_id UUID NOT NULL,
    flow TEXT NOT NULL,
    hour SMALLINT NOT NULL,
    channel TEXT NOT NULL,
    reason TEXT NOT NULL,
    quantity BIGINT NOT NULL,
    cost BIGINT NOT NULL,
    discount BIGINT NOT NULL,
    amount BIGINT NOT NULL,
    CONSTRAINT pk_rollups PRIMARY KEY
        (tenant_id, store_id, day, product_id, flow, hour, channel, reason)
) WITH (fillfactor=80)
"""

FILL = """
    INSERT INTO rollups (tenant_id, store_id, day, product_id, flow, hour, channel, reason,
        quantity, cost, discount, amount)
    SELECT tenant_id, store_id, day, product_id, flow, hour, channel,
        CASE WHEN flow IN ('WASTED', 'MISSING', 'FOUND') THEN reason ELSE '' END,
        sum(sign * quantity), sum(sign * cost), sum(sign * discount), sum(sign * amount)
    FROM (
        SELECT m.tenant_id, s.store_id, m.business_date AS day, e.product_id, s.flow,
            extract(hour FROM m.occurred_at AT TIME ZONE m.timezone)::smallint AS hour,
            coalesce(m.channel, '') AS channel, coalesce(m.reason, '') AS reason,
            CASE WHEN m.reverses_id IS NULL THEN 1 ELSE -1 END AS sign, e.quantity,
            coalesce(e.cost, 0) AS cost, coalesce(e.discount, 0) AS discount,
            coalesce(e.amount, 0) AS amount
        FROM movements m JOIN entries e ON (e.tenant_id, e.movement_id) = (m.tenant_id, m.id)
        JOIN LATERAL (VALUES
            (true, 'customer', 'SOLD'), (true, 'supplier', 'SENT_BACK'),
            (true, 'waste', 'WASTED'), (true, 'variance', 'MISSING'), (true, 'kitchen', 'USED'),
            (false, 'customer', 'RETURNED'), (false, 'supplier', 'RECEIVED'),
            (false, 'variance', 'FOUND'), (false, 'kitchen', 'MADE'), (false, 'opening', 'OPENED')
        ) f (leaves, bin, flow) ON true
        JOIN LATERAL (SELECT f.flow,
            CASE WHEN f.leaves = (m.reverses_id IS NULL) THEN e.to_store ELSE e.from_store END
                AS store_id,
            CASE WHEN f.leaves = (m.reverses_id IS NULL) THEN e.to_bin ELSE e.from_bin END AS bin
        ) s ON s.bin = f.bin
    ) moved
    GROUP BY 1, 2, 3, 4, 5, 6, 7, 8
"""

MINE = "tenant_id = nullif(current_setting('app.tenant', true), '')::uuid"


def upgrade() -> None:
    op.execute(TABLE)
    op.execute("GRANT SELECT, INSERT, UPDATE ON rollups TO kucun_app")
    for table in ("movements", "entries"):
        op.execute(f"ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY")
    op.execute(FILL)
    for table in ("movements", "entries"):
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE rollups ENABLE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE rollups FORCE ROW LEVEL SECURITY")
    op.execute(f"CREATE POLICY tenant ON rollups USING ({MINE}) WITH CHECK ({MINE})")
