"""The invariants of the sums that reports read instead of levels."""

ON_HAND = "(l.shelf + l.reserved + l.quarantine)"
NO_CATEGORY = "'00000000-0000-0000-0000-000000000000'"

SUMS_OF_LEVELS = f"""
    SELECT l.tenant_id, l.store_id, l.product_id, l.shown,
        coalesce(p.category_id, {NO_CATEGORY}) AS category_id,
        CASE WHEN c.counted THEN l.value ELSE 0 END AS value,
        (c.counted AND {ON_HAND} > 0)::int AS products,
        (c.counted AND l.status = 'LOW')::int AS low,
        (c.counted AND l.status = 'OUT' AND l.reorder_point > 0)::int AS out,
        coalesce(r.at_risk, 0) AS at_risk
    FROM store_sums s
    JOIN levels l USING (tenant_id, store_id)
    JOIN products p ON (p.tenant_id, p.id) = (l.tenant_id, l.product_id)
    CROSS JOIN LATERAL (
        SELECT l.shown AND (p.archived_at IS NULL OR {ON_HAND} + l.transit > 0) AS counted
    ) c
    LEFT JOIN (
        SELECT h.tenant_id, h.store_id, h.product_id,
            sum((h.shelf + h.reserved + h.quarantine) * coalesce(b.unit_cost, v.unit_cost, 0)
                / v.scale) AS at_risk
        FROM batch_levels h
        JOIN batches b ON (b.tenant_id, b.id) = (h.tenant_id, h.batch_id)
        JOIN levels v ON (v.tenant_id, v.store_id, v.product_id)
            = (h.tenant_id, h.store_id, h.product_id)
        JOIN store_sums s ON (s.tenant_id, s.store_id) = (h.tenant_id, h.store_id)
        WHERE b.expires_on <= s.day + 30
        GROUP BY 1, 2, 3
    ) r ON (r.tenant_id, r.store_id, r.product_id) = (l.tenant_id, l.store_id, l.product_id)
    WHERE s.at > now() - interval '6 days'
"""
"""SQL: the sums of each level of the stores that have sums whose later changes are kept."""

CHANGED = """
    SELECT c.tenant_id, c.store_id, unnest(c.product_ids) AS product_id
    FROM changes c JOIN store_sums s USING (tenant_id, store_id) WHERE c.at >= s.at
    UNION
    SELECT u.tenant_id, s.store_id, u.product_id
    FROM product_updates u JOIN store_sums s USING (tenant_id) WHERE u.at >= s.at
"""

REPORT_SUMS = {
    "sums of a level that has not changed since are those of the level": f"""
        SELECT format('store %s product %s', store_id, product_id)
        FROM ({SUMS_OF_LEVELS}) l
        LEFT JOIN level_sums k USING (tenant_id, store_id, product_id)
        LEFT JOIN ({CHANGED}) c USING (tenant_id, store_id, product_id)
        -- A row that was opened only to be locked has sums from the next whole refresh on.
        WHERE c.product_id IS NULL AND (l.shown OR k.product_id IS NOT NULL)
        AND (k.category_id, k.value, k.products, k.low, k.out, k.at_risk)
        IS DISTINCT FROM (l.category_id, l.value, l.products, l.low, l.out, l.at_risk)
    """,
    "sums of a category are those of its levels": """
        SELECT format('store %s category %s', store_id, category_id)
        FROM category_sums c FULL JOIN (
            SELECT tenant_id, store_id, category_id, sum(value) AS value, sum(products) AS products,
                sum(low) AS low, sum(out) AS out, sum(at_risk) AS at_risk
            FROM level_sums GROUP BY 1, 2, 3
        ) l USING (tenant_id, store_id, category_id)
        WHERE (c.value, c.products, c.low, c.out, c.at_risk)
        IS DISTINCT FROM (l.value, l.products, l.low, l.out, l.at_risk)
    """,
}
