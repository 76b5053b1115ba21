"""The invariants of stocktakes (I14), one query each."""

from app.domain.rules.kinds import ON_HAND_BINS

ON_HAND = f"({', '.join(map(repr, ON_HAND_BINS))})"

CHANGES = f"""
    SELECT tenant_id, from_store AS store_id, product_id, batch_id, from_seq AS seq,
        (CASE WHEN from_bin IN {ON_HAND} THEN -quantity ELSE 0 END)
        + (CASE WHEN to_store = from_store AND to_bin IN {ON_HAND}
           THEN quantity ELSE 0 END) AS change
    FROM entries WHERE from_seq IS NOT NULL
    UNION ALL
    SELECT tenant_id, to_store, product_id, batch_id, to_seq,
        CASE WHEN to_bin IN {ON_HAND} THEN quantity ELSE 0 END
    FROM entries WHERE to_seq IS NOT NULL
"""

STOCKTAKE_INVARIANTS = {
    "I14 a stocktake's variance is posted once": """
        SELECT format('stocktake %s product %s: posted %s, variance %s', s.id, product_id,
            p.posted, v.variance)
        FROM (
            SELECT tenant_id, stocktake_id AS id, product_id, sum(counted - expected) AS variance
            FROM stocktake_variances GROUP BY 1, 2, 3
        ) v
        FULL JOIN (
            SELECT m.tenant_id, m.document_id AS id, e.product_id,
                sum(CASE e.from_bin WHEN 'variance' THEN e.quantity ELSE -e.quantity END) AS posted
            FROM stocktakes t
            JOIN movements m ON (m.tenant_id, m.document_id) = (t.tenant_id, t.id)
            JOIN entries e ON (e.tenant_id, e.movement_id) = (m.tenant_id, m.id)
            GROUP BY 1, 2, 3
        ) p USING (tenant_id, id, product_id)
        JOIN stocktakes s USING (tenant_id, id)
        WHERE coalesce(p.posted, 0)
            <> CASE s.state WHEN 'REVERSED' THEN 0 ELSE coalesce(v.variance, 0) END
    """,
    "I14 a variance is measured against the book at its position": f"""
        SELECT format('stocktake %s product %s: expected %s, late %s', v.stocktake_id,
            v.product_id, v.expected, v.late)
        FROM stocktake_variances v
        JOIN stocktakes s ON (s.tenant_id, s.id) = (v.tenant_id, v.stocktake_id)
        WHERE v.expected - v.late <> (
            SELECT coalesce(sum(c.change), 0) FROM ({CHANGES}) c
            WHERE (c.tenant_id, c.store_id, c.product_id)
                = (v.tenant_id, s.store_id, v.product_id) AND c.seq <= v.seq
            AND CASE WHEN v.batch_id IS NULL THEN NOT EXISTS (
                SELECT FROM stocktake_variances o
                WHERE (o.tenant_id, o.stocktake_id, o.product_id, o.batch_id)
                    = (v.tenant_id, v.stocktake_id, v.product_id, c.batch_id)
            ) ELSE c.batch_id = v.batch_id END
        )
    """,
    "a product is in at most one open stocktake of a store": """
        SELECT format('store %s product %s', s.store_id, l.product_id)
        FROM stocktakes s
        JOIN stocktake_lines l ON (l.tenant_id, l.stocktake_id) = (s.tenant_id, s.id)
        WHERE s.state IN ('OPEN', 'REVIEW', 'CLOSING')
        GROUP BY s.tenant_id, s.store_id, l.product_id HAVING count(*) > 1
    """,
    "a closed stocktake has posted all that was counted": """
        SELECT format('stocktake %s product %s', s.id, l.product_id)
        FROM stocktakes s
        JOIN stocktake_lines l ON (l.tenant_id, l.stocktake_id) = (s.tenant_id, s.id)
        WHERE s.state IN ('CLOSED', 'REVERSED') AND l.posted_at IS NULL AND EXISTS (
            SELECT FROM stocktake_counts c
            WHERE (c.tenant_id, c.stocktake_id, c.product_id)
                = (l.tenant_id, l.stocktake_id, l.product_id) AND c.replaced_by IS NULL
        )
    """,
}
