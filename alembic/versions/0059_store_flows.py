"""Roll-ups of goods that go from store to store, and into and out of transit."""

from alembic import op

revision = "0059"
down_revision = "0058"

FILL = """
    INSERT INTO rollups (tenant_id, store_id, day, product_id, flow, hour, channel, reason,
        quantity, cost, discount, amount)
    SELECT tenant_id, store_id, day, product_id, flow, hour, channel, '',
        sum(sign * quantity), sum(sign * cost), sum(sign * discount), sum(sign * amount)
    FROM (
        SELECT m.tenant_id, s.store_id, m.business_date AS day, e.product_id, f.flow,
            extract(hour FROM m.occurred_at AT TIME ZONE m.timezone)::smallint AS hour,
            coalesce(m.channel, '') AS channel,
            CASE WHEN m.reverses_id IS NULL THEN 1 ELSE -1 END AS sign, e.quantity,
            coalesce(e.cost, 0) AS cost, coalesce(e.discount, 0) AS discount,
            coalesce(e.amount, 0) AS amount
        FROM movements m JOIN entries e ON (e.tenant_id, e.movement_id) = (m.tenant_id, m.id)
        JOIN LATERAL (VALUES
            (true, 'transit', 'INTO_TRANSIT'), (false, 'transit', 'OUT_OF_TRANSIT'),
            (false, NULL, 'TO_STORE'), (true, NULL, 'FROM_STORE')
        ) f (leaves, bin, flow) ON true
        JOIN LATERAL (SELECT
            CASE WHEN f.leaves = (m.reverses_id IS NULL) THEN e.to_store ELSE e.from_store END
                AS store_id,
            CASE WHEN f.leaves = (m.reverses_id IS NULL) THEN e.to_bin ELSE e.from_bin END AS bin
        ) s ON s.bin = f.bin OR (f.bin IS NULL AND e.from_store <> e.to_store)
    ) moved
    GROUP BY 1, 2, 3, 4, 5, 6, 7
"""
TABLES = ("movements", "entries", "rollups")


def upgrade() -> None:
    for table in TABLES:
        op.execute(f"ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY")
    op.execute(FILL)
    for table in TABLES:
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
