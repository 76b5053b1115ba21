"""Invariants of receipt numbers."""

RECEIPTS = {
    "a receipt number is unique for its store, till and business day": """
        SELECT format('store %s %s: receipt %s', store_id, business_date, document)
        FROM movements WHERE receipt_key IS NOT NULL
        GROUP BY tenant_id, store_id, till_id, business_date, document HAVING count(*) > 1
    """,
    "a receipt number is claimed for its sale": """
        SELECT format('movement %s: receipt %s', m.id, m.document) FROM movements m
        LEFT JOIN requests r ON (r.tenant_id, r.key, r.result_id)
            = (m.tenant_id, m.receipt_key, m.id)
        WHERE m.receipt_key IS NOT NULL AND r.result_id IS NULL
        AND m.recorded_at > now() - interval '89 days'
    """,
}
