"""The invariants of money: costs of stock, and what customers pay and get back."""

from app.domain.rules.kinds import PHYSICAL_BINS

PHYSICAL = f"({', '.join(map(repr, PHYSICAL_BINS))})"

AMOUNTS = {
    "a level's value is the sum of its entries": f"""
        SELECT format('store %s product %s: ledger %s, level %s', l.store_id, l.product_id,
            coalesce(s.total, 0), l.value)
        FROM levels l LEFT JOIN (
            SELECT tenant_id, store_id, product_id, sum(cost) AS total FROM (
                SELECT tenant_id, from_store AS store_id, product_id, -cost AS cost
                FROM entries WHERE from_bin IN {PHYSICAL}
                UNION ALL
                SELECT tenant_id, to_store, product_id, cost
                FROM entries WHERE to_bin IN {PHYSICAL}
            ) c GROUP BY 1, 2, 3
        ) s USING (tenant_id, store_id, product_id)
        WHERE l.value <> coalesce(s.total, 0)
        OR l.shelf + l.reserved + l.quarantine + l.transit = 0 AND l.value <> 0
    """,
    "returns give back at most what was paid, and the last ones all of it": """
        SELECT format('sale %s product %s: paid %s, given back %s', id, product_id, paid, refund)
        FROM (
            SELECT m.tenant_id, m.id, e.product_id, sum(e.quantity) AS sold, sum(e.amount) AS paid
            FROM movements m JOIN entries e ON (e.tenant_id, e.movement_id) = (m.tenant_id, m.id)
            WHERE e.to_bin = 'customer' GROUP BY 1, 2, 3
            -- Parts of a bundle bring back a share of its price: the whole sale is checked below.
            HAVING NOT EXISTS (SELECT FROM entries b WHERE (b.tenant_id, b.movement_id)
                = (m.tenant_id, m.id) AND b.recipe_id IS NOT NULL)
        ) s
        JOIN (
            SELECT m.tenant_id, m.sale_id AS id, e.product_id, sum(e.quantity) AS returned,
                sum(e.amount) AS refund
            FROM movements m JOIN entries e ON (e.tenant_id, e.movement_id) = (m.tenant_id, m.id)
            WHERE m.sale_id IS NOT NULL AND NOT EXISTS (SELECT FROM movements r
                WHERE (r.tenant_id, r.reverses_id) = (m.tenant_id, m.id))
            GROUP BY 1, 2, 3
        ) r USING (tenant_id, id, product_id)
        WHERE refund > paid OR returned = sold AND refund <> paid
    """,
    "returns of a sale give back at most what was paid for it": """
        SELECT format('sale %s: paid %s, given back %s', s.id, paid, sum(e.amount)) FROM (
            SELECT m.tenant_id, m.id, sum(e.amount) AS paid
            FROM movements m JOIN entries e ON (e.tenant_id, e.movement_id) = (m.tenant_id, m.id)
            WHERE e.to_bin = 'customer' GROUP BY 1, 2
        ) s
        JOIN movements r ON (r.tenant_id, r.sale_id) = (s.tenant_id, s.id)
        JOIN entries e ON (e.tenant_id, e.movement_id) = (r.tenant_id, r.id)
        WHERE NOT EXISTS (SELECT FROM movements u
            WHERE (u.tenant_id, u.reverses_id) = (r.tenant_id, r.id))
        GROUP BY s.tenant_id, s.id, paid HAVING sum(e.amount) > paid
    """,
    "an order is handed over for its total": """
        SELECT format('order %s: total %s, handed over for %s', o.id, o.total, sum(e.amount))
        FROM orders o
        JOIN movements m ON (m.tenant_id, m.document_id) = (o.tenant_id, o.id)
            AND m.kind = 'FULFILMENT'
        JOIN entries e ON (e.tenant_id, e.movement_id) = (m.tenant_id, m.id)
        GROUP BY o.tenant_id, o.id, o.total HAVING sum(e.amount) <> o.total
    """,
}
