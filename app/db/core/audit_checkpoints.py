"""The invariants of checkpoints, one query each: each is verified against the one before it."""


def _sides(physical: str) -> str:
    """SQL: what each entry takes from a physical bin and adds to one, at its position."""
    return f"""
        SELECT tenant_id, from_store AS store_id, product_id, movement_id, from_seq AS seq,
            batch_id, from_bin AS bin, -quantity AS quantity, -coalesce(cost, 0) AS value
        FROM entries WHERE from_seq IS NOT NULL AND from_bin IN {physical}
        UNION ALL
        SELECT tenant_id, to_store, product_id, movement_id, coalesce(to_seq, from_seq), batch_id,
            to_bin, quantity, coalesce(cost, 0)
        FROM entries WHERE to_bin IN {physical}
            AND (to_seq IS NOT NULL OR (from_seq IS NOT NULL AND to_store = from_store))
    """


KEPT = """
    SELECT c.tenant_id, c.store_id, c.product_id, c.seq, b.batch_id, b.bin, b.quantity, b.value
    FROM checkpoints c, jsonb_to_recordset(c.balances)
        AS b (batch_id UUID, bin TEXT, quantity BIGINT, value BIGINT)
"""


TOTALS_OF_BALANCES = """
    SELECT tenant_id, store_id, product_id, seq,
        coalesce((SELECT sum(quantity) FILTER (WHERE bin IN ('shelf', 'reserved', 'quarantine'))
            FROM jsonb_to_recordset(balances) AS b (bin TEXT, quantity BIGINT)), 0)::bigint
            AS on_hand,
        coalesce((SELECT sum(value) FROM jsonb_to_recordset(balances) AS b (value BIGINT)), 0)
            ::bigint AS value
    FROM checkpoints
"""
DAYS_OF_CHECKPOINTS = """
    SELECT c.tenant_id, c.store_id, c.day, sum(c.on_hand - coalesce(b.on_hand, 0))::bigint,
        sum(c.value - coalesce(b.value, 0))::bigint,
        count(*) FILTER (WHERE c.on_hand <> 0) - count(*) FILTER (WHERE b.on_hand <> 0),
        min(c.first_at), max(c.last_at), min(c.first_known), max(c.last_known)
    FROM checkpoints c LEFT JOIN checkpoints b ON (b.tenant_id, b.store_id, b.product_id, b.seq)
        = (c.tenant_id, c.store_id, c.product_id, c.since_seq)
    GROUP BY c.tenant_id, c.store_id, c.day
"""
DAYS = """
    SELECT tenant_id, store_id, day, on_hand, value, levels, first_at, last_at, first_known,
        last_known
    FROM checkpoint_days
"""
COVERED = """
    rpad(lpad(to_hex((extract(epoch FROM covered_until - interval '1 hour') * 1000)::bigint), 12,
        '0'), 32, '0')::uuid
"""


def checkpoint_invariants(physical: str) -> dict[str, str]:
    """The queries by the names of their invariants; `physical` is the SQL list of the bins that
    hold goods."""
    sides = _sides(physical)
    return {
        "a checkpoint is the one before it and the entries since": f"""
            SELECT format('store %s product %s position %s %s: differs by %s, value %s', store_id,
                product_id, seq, bin, sum(quantity), sum(value))
            FROM (
                {KEPT}
                UNION ALL
                SELECT c.tenant_id, c.store_id, c.product_id, c.seq, k.batch_id, k.bin, -k.quantity,
                    -k.value
                FROM checkpoints c JOIN ({KEPT}) k
                    ON (k.tenant_id, k.store_id, k.product_id, k.seq)
                    = (c.tenant_id, c.store_id, c.product_id, c.since_seq)
                UNION ALL
                SELECT c.tenant_id, c.store_id, c.product_id, c.seq, e.batch_id, e.bin, -e.quantity,
                    -e.value
                FROM checkpoints c JOIN ({sides}) e
                    ON (e.tenant_id, e.store_id, e.product_id)
                    = (c.tenant_id, c.store_id, c.product_id)
                    AND e.seq > c.since_seq AND e.seq <= c.seq
            ) p
            GROUP BY tenant_id, store_id, product_id, seq, batch_id, bin
            HAVING sum(quantity) <> 0 OR sum(value) <> 0
        """,
        "a checkpoint knows when its entries happened": f"""
            SELECT format('store %s product %s position %s', c.store_id, c.product_id, c.seq)
            FROM checkpoints c
            JOIN ({sides}) e ON (e.tenant_id, e.store_id, e.product_id)
                = (c.tenant_id, c.store_id, c.product_id) AND e.seq > c.since_seq AND e.seq <= c.seq
            JOIN movements m ON (m.tenant_id, m.id) = (e.tenant_id, e.movement_id)
            WHERE m.occurred_at NOT BETWEEN c.first_at AND c.last_at
            OR m.recorded_at NOT BETWEEN c.first_known AND c.last_known
        """,
        "a checkpoint continues the one before it": """
            SELECT format('store %s product %s position %s', c.store_id, c.product_id, c.seq)
            FROM checkpoints c LEFT JOIN checkpoints b
                ON (b.tenant_id, b.store_id, b.product_id, b.seq)
                = (c.tenant_id, c.store_id, c.product_id, c.since_seq)
            WHERE c.since_seq > 0 AND (
                b.seq IS NULL OR b.last_at > c.last_at OR b.last_known > c.last_known
            )
        """,
        "a checkpoint's totals are the sums of its balances": f"""
            SELECT format('store %s product %s position %s', c.store_id, c.product_id, c.seq)
            FROM checkpoints c JOIN ({TOTALS_OF_BALANCES}) t
                ON (t.tenant_id, t.store_id, t.product_id, t.seq)
                = (c.tenant_id, c.store_id, c.product_id, c.seq)
            WHERE (c.on_hand, c.value) <> (t.on_hand, t.value)
        """,
        "a checkpoint day is the sum of its checkpoints": f"""
            SELECT format('store %s day %s', store_id, day)
            FROM (
                ({DAYS_OF_CHECKPOINTS} EXCEPT {DAYS}) UNION ALL ({DAYS} EXCEPT
                {DAYS_OF_CHECKPOINTS})
            ) d
        """,
        "checkpoints have what their mark covers": f"""
            SELECT format('store %s product %s position %s', e.store_id, e.product_id, e.seq)
            FROM checkpoint_marks k JOIN ({sides}) e
                ON e.tenant_id = k.tenant_id AND e.movement_id < {COVERED}
            WHERE NOT EXISTS (
                SELECT FROM checkpoints c WHERE c.tenant_id = e.tenant_id
                AND c.store_id = e.store_id AND c.product_id = e.product_id AND c.seq >= e.seq
            )
        """,
    }
