"""The invariants, one query each. Each returned row names a breach and its place."""

from collections.abc import Iterable
from dataclasses import dataclass

from app.db.core.audit_amounts import AMOUNTS
from app.db.core.audit_checkpoints import checkpoint_invariants
from app.db.core.audit_flows import FLOWS
from app.db.core.audit_receipts import RECEIPTS
from app.db.core.audit_report_sums import REPORT_SUMS
from app.db.core.postgres import Connection, connect
from app.db.core.stocktake_invariants import STOCKTAKE_INVARIANTS
from app.domain.rules.kinds import ON_HAND_BINS, PHYSICAL_BINS, UNEXPIRED_BINS


def _list(bins: Iterable[str]) -> str:
    """SQL: the bins as the right side of IN."""
    return f"({', '.join(map(repr, bins))})"


ON_HAND, PHYSICAL, UNEXPIRED = map(_list, (ON_HAND_BINS, PHYSICAL_BINS, UNEXPIRED_BINS))

PLACES = """
    SELECT tenant_id, from_store AS store_id, product_id, from_bin AS bin, -quantity AS quantity
    FROM entries
    UNION ALL
    SELECT tenant_id, to_store, product_id, to_bin, quantity FROM entries
"""

POSITIONS = f"""
    SELECT tenant_id, from_store AS store_id, product_id, from_seq AS seq, from_after AS after,
        (CASE WHEN from_bin IN {ON_HAND} THEN -quantity ELSE 0 END)
        + (CASE WHEN to_store = from_store AND to_bin IN {ON_HAND}
           THEN quantity ELSE 0 END) AS change
    FROM entries WHERE from_seq IS NOT NULL
    UNION ALL
    SELECT tenant_id, to_store, product_id, to_seq, to_after,
        CASE WHEN to_bin IN {ON_HAND} THEN quantity ELSE 0 END
    FROM entries WHERE to_seq IS NOT NULL
"""

BATCHED = f"""
    SELECT * FROM (
        SELECT tenant_id, from_store AS store_id, product_id, batch_id, from_bin AS bin,
            -quantity AS quantity, from_seq AS seq
        FROM entries
        UNION ALL
        SELECT tenant_id, to_store, product_id, batch_id, to_bin, quantity,
            coalesce(to_seq, from_seq)
        FROM entries
    ) p WHERE p.batch_id IS NOT NULL AND p.bin IN {PHYSICAL}
"""

WRITTEN_OFF = """
    SELECT tenant_id, write_off_id AS id, product_id, batch_id, quantity AS requested,
        CASE source WHEN 'shelf' THEN quantity ELSE 0 END AS shelved,
        0 AS held, 0 AS reshelved, 0 AS wasted
    FROM write_off_lines
    UNION ALL
    SELECT m.tenant_id, m.document_id, e.product_id, e.batch_id, 0, 0,
        CASE e.to_bin WHEN 'quarantine' THEN e.quantity ELSE 0 END,
        CASE e.to_bin WHEN 'shelf' THEN e.quantity ELSE 0 END,
        CASE e.to_bin WHEN 'waste' THEN e.quantity ELSE 0 END
    FROM movements m JOIN entries e ON (e.tenant_id, e.movement_id) = (m.tenant_id, m.id)
"""

INVARIANTS = AMOUNTS | {
    "I1 the ledger is append-only": """
        SELECT format('%s has no guard', t.name) FROM (VALUES ('movements'), ('entries')) t (name)
        WHERE NOT EXISTS (SELECT FROM pg_trigger WHERE tgname = 'append_only'
            AND tgrelid = t.name::regclass AND tgenabled = 'O')
        OR has_table_privilege('kucun_app', t.name, 'UPDATE')
        OR has_table_privilege('kucun_app', t.name, 'DELETE')
    """,
    "I2 a positive quantity goes from one place to another": """
        SELECT format('movement %s line %s', movement_id, line) FROM entries
        WHERE quantity <= 0 OR (from_store, from_bin) = (to_store, to_bin)
    """,
    "I3 bins are the sum of their entries": f"""
        SELECT format('store %s product %s %s: ledger %s, level %s', s.store_id, s.product_id,
            s.bin, s.total, b.held)
        FROM (
            SELECT tenant_id, store_id, product_id, bin, sum(quantity) AS total
            FROM ({PLACES}) p WHERE bin IN {PHYSICAL}
            GROUP BY 1, 2, 3, 4
        ) s
        FULL JOIN (
            SELECT tenant_id, store_id, product_id, bin, held FROM levels, LATERAL (VALUES
                ('shelf', shelf), ('reserved', reserved),
                ('quarantine', quarantine), ('transit', transit)) v (bin, held)
        ) b USING (tenant_id, store_id, product_id, bin)
        WHERE coalesce(s.total, 0) IS DISTINCT FROM b.held
    """,
    "I3 batch bins are the sum of their entries": f"""
        SELECT format('store %s batch %s %s: ledger %s, level %s', s.store_id, s.batch_id,
            s.bin, s.total, b.held)
        FROM (
            SELECT tenant_id, store_id, product_id, batch_id, bin, sum(quantity) AS total
            FROM ({BATCHED}) p GROUP BY 1, 2, 3, 4, 5
        ) s
        FULL JOIN (
            SELECT tenant_id, store_id, product_id, batch_id, bin, held
            FROM batch_levels, LATERAL (VALUES ('shelf', shelf), ('reserved', reserved),
                ('quarantine', quarantine), ('transit', transit)) v (bin, held)
        ) b USING (tenant_id, store_id, product_id, batch_id, bin)
        WHERE coalesce(s.total, 0) <> coalesce(b.held, 0)
    """,
    "I3 a level is the sum of its batches": """
        SELECT format('store %s product %s', l.store_id, l.product_id)
        FROM levels l LEFT JOIN (
            SELECT tenant_id, store_id, product_id, sum(shelf) AS shelf,
                sum(reserved) AS reserved, sum(quarantine) AS quarantine, sum(transit) AS transit
            FROM batch_levels GROUP BY 1, 2, 3
        ) b USING (tenant_id, store_id, product_id)
        WHERE CASE WHEN l.tracks_batches THEN
            (l.shelf, l.reserved, l.quarantine, l.transit) IS DISTINCT FROM
            (coalesce(b.shelf, 0), coalesce(b.reserved, 0),
             coalesce(b.quarantine, 0), coalesce(b.transit, 0))
        ELSE b.shelf IS NOT NULL END
    """,
    "I4 no bin is below zero": """
        SELECT format('store %s product %s', store_id, product_id) FROM levels
        WHERE least(shelf, reserved, quarantine, transit) < 0
    """,
    "I5 one key, one effect": """
        SELECT format('movement %s key %s', m.id, m.key) FROM movements m
        LEFT JOIN requests r ON (r.tenant_id, r.key, r.result_id) = (m.tenant_id, m.key, m.id)
        WHERE r.result_id IS NULL AND m.recorded_at > now() - interval '89 days'
    """,
    "I6 a store's revisions are gap-free": """
        SELECT format('store %s: revision %s, %s changes up to %s', f.store_id, f.revision,
            count(c.revision), max(c.revision))
        FROM feeds f LEFT JOIN changes c USING (tenant_id, store_id)
        GROUP BY f.tenant_id, f.store_id, f.revision
        HAVING f.revision <> coalesce(max(c.revision), 0)
        OR count(c.revision) <> coalesce(max(c.revision) - min(c.revision) + 1, 0)
    """,
    "I7 the batch that expires first leaves first, unless a batch is named": f"""
        SELECT format('movement %s line %s', e.movement_id, e.line)
        FROM entries e
        JOIN movements m ON (m.tenant_id, m.id) = (e.tenant_id, e.movement_id)
        JOIN batches b ON (b.tenant_id, b.id) = (e.tenant_id, e.batch_id)
        JOIN batches f ON (f.tenant_id, f.product_id) = (b.tenant_id, b.product_id)
            AND f.expires_on < b.expires_on
        WHERE e.from_seq IS NOT NULL AND NOT e.batch_named
        AND (f.expires_on >= m.business_date OR e.to_bin NOT IN {UNEXPIRED})
        AND (SELECT sum(p.quantity) FROM ({BATCHED}) p
            WHERE (p.tenant_id, p.store_id, p.batch_id, p.bin)
                = (e.tenant_id, e.from_store, f.id, e.from_bin) AND p.seq < e.from_seq) > 0
    """,
    "I8 expired batches are not sold": f"""
        SELECT format('movement %s line %s', e.movement_id, e.line)
        FROM entries e
        JOIN movements m ON (m.tenant_id, m.id) = (e.tenant_id, e.movement_id)
        JOIN batches b ON (b.tenant_id, b.id) = (e.tenant_id, e.batch_id)
        WHERE e.from_bin IN ('shelf', 'quarantine') AND e.to_bin IN {UNEXPIRED}
        AND m.kind <> 'REVERSAL' AND b.expires_on < m.business_date
    """,
    "a movement's business date is the day of the event, in its own zone": """
        SELECT format('movement %s: %s', id, business_date) FROM movements
        WHERE business_date > (greatest(occurred_at, recorded_at) AT TIME ZONE timezone)::date
        OR business_date < (least(occurred_at, recorded_at) AT TIME ZONE timezone)::date
    """,
    "I9 positions are gap-free and on-hand is the running sum": f"""
        SELECT format('store %s product %s seq %s', store_id, product_id, seq) FROM (
            SELECT *, row_number() OVER level AS place, sum(change) OVER level AS total
            FROM ({POSITIONS}) p
            WINDOW level AS (PARTITION BY tenant_id, store_id, product_id ORDER BY seq)
        ) q WHERE seq <> place OR after <> total
    """,
    "I9 a level's version counts its entries": f"""
        SELECT format('store %s product %s: version %s, %s entries', l.store_id, l.product_id,
            l.version, count(p.seq))
        FROM levels l LEFT JOIN ({POSITIONS}) p USING (tenant_id, store_id, product_id)
        GROUP BY l.tenant_id, l.store_id, l.product_id, l.version
        HAVING l.version <> count(p.seq)
    """,
    "I10 shipped = received + damaged + lost + returned + in transit": """
        SELECT format('transfer %s product %s', t.id, l.product_id) FROM transfers t
        JOIN transfer_lines l ON (l.tenant_id, l.transfer_id) = (t.tenant_id, t.id)
        LEFT JOIN transfers r ON r.tenant_id = t.tenant_id AND t.id IN (r.id, r.return_of)
        LEFT JOIN movements m ON (m.tenant_id, m.document_id) = (r.tenant_id, r.id)
        LEFT JOIN entries e ON (e.tenant_id, e.movement_id, e.product_id)
            = (m.tenant_id, m.id, l.product_id)
        GROUP BY t.tenant_id, t.id, t.to_store, t.state, l.product_id, l.shipped, l.received,
            l.damaged, l.lost, l.returned
        HAVING l.shipped - l.received - l.damaged - l.lost - l.returned <>
            coalesce(sum(e.quantity) FILTER (WHERE (e.to_store, e.to_bin)
                = (t.to_store, 'transit')), 0)
            - coalesce(sum(e.quantity) FILTER (WHERE (e.from_store, e.from_bin)
                = (t.to_store, 'transit')), 0)
        OR t.state NOT IN ('SHIPPED', 'PARTIAL')
            AND l.shipped <> l.received + l.damaged + l.lost + l.returned
    """,
    "I10 goods in transit were shipped to the store": """
        SELECT format('store %s product %s', v.store_id, v.product_id) FROM levels v
        LEFT JOIN (
            SELECT t.tenant_id, t.to_store, l.product_id,
                sum(l.shipped - l.received - l.damaged - l.lost - l.returned) AS coming
            FROM transfers t
            JOIN transfer_lines l ON (l.tenant_id, l.transfer_id) = (t.tenant_id, t.id)
            GROUP BY 1, 2, 3
        ) c ON (c.tenant_id, c.to_store, c.product_id) = (v.tenant_id, v.store_id, v.product_id)
        WHERE v.transit <> coalesce(c.coming, 0)
    """,
    "I11 at most one alert is open for a rule and subject": """
        SELECT format('store %s %s %s', store_id, rule, subject_id) FROM alerts
        WHERE NOT closed GROUP BY tenant_id, store_id, rule, subject_id HAVING count(*) > 1
    """,
    "I12 a row's tenant is the tenant of all it refers to": """
        SELECT format('movement %s line %s', e.movement_id, e.line) FROM entries e
        JOIN movements m ON (m.tenant_id, m.id) = (e.tenant_id, e.movement_id)
        LEFT JOIN levels a ON (a.tenant_id, a.store_id, a.product_id)
            = (e.tenant_id, e.from_store, e.product_id)
        LEFT JOIN levels b ON (b.tenant_id, b.store_id, b.product_id)
            = (e.tenant_id, e.to_store, e.product_id)
        LEFT JOIN stores s ON (s.tenant_id, s.id) = (m.tenant_id, m.store_id)
        LEFT JOIN batches c ON (c.tenant_id, c.id) = (e.tenant_id, e.batch_id)
        WHERE c.product_id <> e.product_id OR (c.id IS NULL) <> (e.batch_id IS NULL)
        OR a.scale IS DISTINCT FROM e.scale OR b.scale IS DISTINCT FROM e.scale OR s.id IS NULL
    """,
    "a pass's used count is the sum of its redemptions": """
        SELECT format('pass %s', p.id) FROM passes p
        LEFT JOIN redemptions r ON (r.tenant_id, r.pass_id) = (p.tenant_id, p.id)
        GROUP BY p.tenant_id, p.id
        HAVING p.used <> coalesce(sum(r.uses) FILTER (WHERE r.reversed_at IS NULL), 0)
        OR (p.state = 'USED') <> (p.used = p.uses)
    """,
    "an ended pass reserves nothing": """
        SELECT format('pass %s', p.id) FROM passes p
        JOIN movements m ON (m.tenant_id, m.document_id) = (p.tenant_id, p.id)
        JOIN entries e ON (e.tenant_id, e.movement_id) = (m.tenant_id, m.id)
        WHERE p.state <> 'ACTIVE' AND 'reserved' IN (e.from_bin, e.to_bin)
        GROUP BY p.tenant_id, p.id, e.product_id, e.batch_id
        HAVING sum(CASE e.to_bin WHEN 'reserved' THEN e.quantity ELSE -e.quantity END) <> 0
    """,
    "an ended order reserves nothing": """
        SELECT format('order %s', o.id) FROM orders o
        JOIN movements m ON (m.tenant_id, m.document_id) = (o.tenant_id, o.id)
        JOIN entries e ON (e.tenant_id, e.movement_id) = (m.tenant_id, m.id)
        WHERE o.state NOT IN ('HELD', 'PAID') AND 'reserved' IN (e.from_bin, e.to_bin)
        GROUP BY o.tenant_id, o.id, e.product_id, e.batch_id
        HAVING sum(CASE e.to_bin WHEN 'reserved' THEN e.quantity ELSE -e.quantity END) <> 0
    """,
    "an open order reserves its ordered quantities": """
        SELECT format('order %s', o.id) FROM orders o
        JOIN (SELECT tenant_id, order_id, sum(quantity) AS ordered FROM order_lines
            GROUP BY 1, 2 HAVING bool_and(recipe_id IS NULL)) l
            ON (l.tenant_id, l.order_id) = (o.tenant_id, o.id)
        LEFT JOIN movements m ON (m.tenant_id, m.document_id) = (o.tenant_id, o.id)
        LEFT JOIN entries e ON (e.tenant_id, e.movement_id) = (m.tenant_id, m.id)
            AND 'reserved' IN (e.from_bin, e.to_bin)
        WHERE o.state IN ('HELD', 'PAID') GROUP BY o.tenant_id, o.id, l.ordered
        HAVING coalesce(sum(CASE e.to_bin WHEN 'reserved' THEN e.quantity ELSE -e.quantity END), 0)
            <> l.ordered
    """,
    "a level has the end of its earliest hold": """
        SELECT format('store %s product %s', l.store_id, l.product_id) FROM orders o
        JOIN movements m ON (m.tenant_id, m.document_id) = (o.tenant_id, o.id)
        JOIN entries e ON (e.tenant_id, e.movement_id) = (m.tenant_id, m.id)
            AND e.to_bin = 'reserved'
        JOIN levels l ON (l.tenant_id, l.store_id, l.product_id)
            = (e.tenant_id, e.to_store, e.product_id)
        WHERE o.state = 'HELD' AND NOT o.extended
        AND coalesce(l.held_until, 'infinity') > o.expires_at
    """,
    "an open write-off holds its requested quantities": f"""
        SELECT format('write-off %s product %s', id, product_id) FROM write_offs w
        JOIN ({WRITTEN_OFF}) p USING (tenant_id, id)
        WHERE w.state = 'REQUESTED' GROUP BY tenant_id, id, product_id, batch_id
        HAVING sum(held) <> sum(shelved) OR sum(reshelved) + sum(wasted) <> 0
    """,
    "a decided write-off holds nothing": f"""
        SELECT format('write-off %s product %s', w.id, p.product_id) FROM write_offs w
        JOIN ({WRITTEN_OFF}) p USING (tenant_id, id)
        JOIN stores s ON (s.tenant_id, s.id) = (w.tenant_id, w.store_id)
        LEFT JOIN batches b ON (b.tenant_id, b.id) = (w.tenant_id, p.batch_id)
        WHERE w.state <> 'REQUESTED'
        GROUP BY w.tenant_id, w.id, p.product_id, p.batch_id, b.expires_on, s.timezone
        HAVING sum(held) <> sum(shelved)
        OR sum(wasted) <> CASE w.state WHEN 'APPROVED' THEN sum(requested) ELSE 0 END
        -- Goods that expired while the write-off waited stay in quarantine.
        OR sum(reshelved) <> CASE WHEN w.state = 'APPROVED'
            OR b.expires_on < (w.decided_at AT TIME ZONE s.timezone)::date
            THEN 0 ELSE sum(held) END
    """,
    "quarantine covers the earmarks of open write-offs": """
        SELECT format('store %s product %s', a.store_id, a.product_id) FROM (
            SELECT w.tenant_id, w.store_id, l.product_id, l.batch_id, sum(l.quantity) AS earmarked
            FROM write_offs w
            JOIN write_off_lines l ON (l.tenant_id, l.write_off_id) = (w.tenant_id, w.id)
            WHERE w.state = 'REQUESTED' GROUP BY 1, 2, 3, 4
        ) a
        LEFT JOIN levels v ON (v.tenant_id, v.store_id, v.product_id)
            = (a.tenant_id, a.store_id, a.product_id)
        LEFT JOIN batch_levels b ON (b.tenant_id, b.store_id, b.product_id, b.batch_id)
            = (a.tenant_id, a.store_id, a.product_id, a.batch_id)
        WHERE a.earmarked > coalesce(
            CASE WHEN a.batch_id IS NULL THEN v.quarantine ELSE b.quarantine END, 0)
    """,
    "a write-off is not approved by its requester": """
        SELECT format('write-off %s', id) FROM write_offs
        WHERE state = 'APPROVED' AND decided_by IS NOT DISTINCT FROM requested_by
    """,
    "a purchase line's received quantity is the sum of its receipts": """
        SELECT format('purchase order %s product %s: ledger %s, line %s', purchase_id, product_id,
            s.total, l.received)
        FROM purchase_lines l FULL JOIN (
            SELECT p.tenant_id, p.id AS purchase_id, e.product_id,
                sum(CASE 'supplier' WHEN e.from_bin THEN e.quantity
                    WHEN e.to_bin THEN -e.quantity ELSE 0 END) AS total
            FROM purchase_orders p
            JOIN movements m ON (m.tenant_id, m.document_id) = (p.tenant_id, p.id)
            JOIN entries e ON (e.tenant_id, e.movement_id) = (m.tenant_id, m.id)
            GROUP BY 1, 2, 3
        ) s USING (tenant_id, purchase_id, product_id)
        -- The line of goods that were never ordered goes with their receipt.
        WHERE coalesce(l.received, 0) <> coalesce(s.total, 0)
    """,
    "a purchase order's state follows from its lines": """
        SELECT format('purchase order %s: %s', p.id, p.state) FROM purchase_orders p
        LEFT JOIN (
            SELECT tenant_id, purchase_id AS id, bool_or(received > 0) AS came,
                bool_and(received >= ordered) AS whole
            FROM purchase_lines GROUP BY 1, 2
        ) l USING (tenant_id, id)
        WHERE NOT coalesce(CASE
            WHEN NOT l.came THEN p.state IN ('OPEN', 'CANCELLED', 'CLOSED')
            WHEN l.whole THEN p.state = 'RECEIVED'
            ELSE p.state IN ('PARTIAL', 'CLOSED') END, false)
    """,
    "a movement has entries, an entry has a movement": """
        SELECT format('movement %s', coalesce(m.id, e.movement_id)) FROM movements m
        FULL JOIN (SELECT DISTINCT tenant_id, movement_id FROM entries) e
            ON (e.tenant_id, e.movement_id) = (m.tenant_id, m.id)
        WHERE m.id IS NULL OR e.movement_id IS NULL
        -- The hold of an order reserves nothing when all of it is used later.
        AND (m.kind <> 'ORDER_HOLD' OR EXISTS (
            SELECT FROM order_lines l
            JOIN products p ON (p.tenant_id, p.id) = (l.tenant_id, l.product_id)
            WHERE (l.tenant_id, l.order_id) = (m.tenant_id, m.document_id)
            AND p.kind NOT IN ('PASS', 'SERVICE')
        ))
        -- Nothing of an order comes back but passes.
        AND (m.kind NOT IN ('RETURN', 'RETURN_HELD', 'RETURN_WASTED') OR NOT EXISTS (
            SELECT FROM passes p
            WHERE (p.tenant_id, p.order_id) = (m.tenant_id, m.document_id) AND p.state = 'REFUNDED'
        ))
    """,
    **FLOWS,
    **RECEIPTS,
    **REPORT_SUMS,
    **STOCKTAKE_INVARIANTS,
    **checkpoint_invariants(PHYSICAL),
}


@dataclass(frozen=True, slots=True)
class Finding:
    """A breach of an invariant."""

    invariant: str
    where: str


async def audit(url: str) -> list[Finding]:
    """Every breach in the database; at most 100 per invariant.

    `url` connects as the owner, who reads every tenant's rows.
    """
    connection = await connect(url)
    try:
        async with connection.transaction(isolation="repeatable_read", readonly=True):
            return await findings(connection)
    finally:
        await connection.close()


async def findings(connection: Connection) -> list[Finding]:
    """Every breach that the connection's transaction sees; at most 100 per invariant."""
    return [
        Finding(name, row[0])
        for name, query in INVARIANTS.items()
        for row in await connection.fetch(f"{query} LIMIT 100")
    ]
