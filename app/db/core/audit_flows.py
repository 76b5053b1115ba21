"""The invariant of roll-ups, and the roll-ups that the ledger gives."""

from collections.abc import Mapping

from app.domain.rules.flows import FLOWS_FROM, FLOWS_TO, FLOWS_WITH_REASON, FROM_STORE, TO_STORE


def _rows(flows: Mapping[str, str], leaves: bool) -> list[str]:
    return [f"({leaves}, '{bin}', '{flow}')" for bin, flow in flows.items()]


BETWEEN_STORES = [f"(false, NULL, '{TO_STORE}')", f"(true, NULL, '{FROM_STORE}')"]
FLOW_ROWS = ", ".join([*_rows(FLOWS_TO, True), *_rows(FLOWS_FROM, False), *BETWEEN_STORES])
REASONED = ", ".join(map(repr, FLOWS_WITH_REASON))

ROLLUPS_OF_LEDGER = f"""
    SELECT tenant_id, store_id, day, product_id, flow, hour, channel,
        CASE WHEN flow IN ({REASONED}) THEN reason ELSE '' END AS reason,
        sum(sign * quantity)::bigint AS quantity, sum(sign * cost)::bigint AS cost,
        sum(sign * discount)::bigint AS discount, sum(sign * amount)::bigint AS amount
    FROM (
        SELECT m.tenant_id, s.store_id, m.business_date AS day, e.product_id, s.flow,
            extract(hour FROM m.occurred_at AT TIME ZONE m.timezone)::smallint AS hour,
            coalesce(m.channel, '') AS channel, coalesce(m.reason, '') AS reason,
            CASE WHEN m.reverses_id IS NULL THEN 1 ELSE -1 END AS sign, e.quantity,
            coalesce(e.cost, 0) AS cost, coalesce(e.discount, 0) AS discount,
            coalesce(e.amount, 0) AS amount
        FROM movements m JOIN entries e ON (e.tenant_id, e.movement_id) = (m.tenant_id, m.id),
        LATERAL (VALUES {FLOW_ROWS}) f (leaves, bin, flow),
        LATERAL (SELECT f.flow,
            CASE WHEN f.leaves = (m.reverses_id IS NULL) THEN e.to_store ELSE e.from_store END
                AS store_id,
            CASE WHEN f.leaves = (m.reverses_id IS NULL) THEN e.to_bin ELSE e.from_bin END AS bin
        ) s
        WHERE s.bin = f.bin OR (f.bin IS NULL AND e.from_store <> e.to_store)
    ) moved
    GROUP BY 1, 2, 3, 4, 5, 6, 7, 8
"""
"""SQL: the roll-ups that the ledger gives."""

FLOWS = {
    "I13 roll-ups are the sums of the ledger": f"""
    SELECT format('store %s day %s product %s %s', store_id, day, product_id, flow)
    FROM ({ROLLUPS_OF_LEDGER}) l FULL JOIN rollups r
    USING (tenant_id, store_id, day, product_id, flow, hour, channel, reason)
    WHERE (coalesce(l.quantity, 0), coalesce(l.cost, 0), coalesce(l.discount, 0),
        coalesce(l.amount, 0))
    <> (coalesce(r.quantity, 0), coalesce(r.cost, 0), coalesce(r.discount, 0),
        coalesce(r.amount, 0))
"""
}
