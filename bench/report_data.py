"""The data set of reports: 200 stores with 5,000 products each and two years of roll-ups.

It is made by SQL in a data folder of its own and kept between runs; its ledger holds only what
reports read: the receipts of purchase orders, and the variances of stocktakes.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, date, datetime, timedelta
from typing import NamedTuple
from uuid import UUID

import asyncpg

from app.db.core.unit import Database
from app.domain.people.stores import create_tenant
from app.domain.reports.report_sums import keep_sums
from app.run.embedded import Engines, Urls
from app.run.migrate import upgrade
from app.settings import Settings
from bench.stage import PASSWORD, unheard

STORES, PRODUCTS, CATEGORIES, SUPPLIERS = 200, 5_000, 40, 50
DAYS = 730
FLOWS_A_DAY = 72
"""Roll-ups of a store and day: about 10 M in all, one for each entry of a small shop."""
CHANGES = 7 * 60
"""Revisions of each store in the last seven days."""
CHANGES_SINCE = 10
"""Changes of each store since its sums were kept: those of ten minutes, one every minute."""
FRESH = timedelta(days=7)
"""An older data set is made again: its last days are too long ago."""
CODE = "bench-reports"

CATALOGUE = f"""
INSERT INTO stores (tenant_id, id, code, name)
    SELECT '{{tenant}}', uuidv7(), '{CODE}-' || n, '门店 ' || n FROM generate_series(2, {STORES}) n;
INSERT INTO feeds (tenant_id, store_id)
    SELECT tenant_id, id FROM stores WHERE tenant_id = '{{tenant}}' ON CONFLICT DO NOTHING;
INSERT INTO categories (tenant_id, id, name)
    SELECT '{{tenant}}', uuidv7(), '分类 ' || n FROM generate_series(1, {CATEGORIES}) n;
INSERT INTO suppliers (tenant_id, id, name, lead_days, search, pinyin)
    SELECT '{{tenant}}', uuidv7(), '供应商 ' || n, 3, n::text, lpad(n::text, 4, '0')
    FROM generate_series(1, {SUPPLIERS}) n;
INSERT INTO products (tenant_id, id, sku, name, kind, unit, scale, category_id, price, search,
        pinyin, reorder_point, tracks_batches, created_at)
    SELECT '{{tenant}}', uuidv7(), 'SKU-' || n, '商品 ' || n, 'GOODS', '件', 1,
        c.ids[1 + n % {CATEGORIES}], 1000 + n, 'sku-' || n, lpad(n::text, 6, '0'), 5, n % 10 = 0,
        now() - interval '3 years'
    FROM generate_series(1, {PRODUCTS}) n,
        (SELECT array_agg(id) AS ids FROM categories WHERE tenant_id = '{{tenant}}') c;
INSERT INTO levels (tenant_id, store_id, product_id, shelf, version, scale, reorder_point,
        tracks_batches, value, unit_cost, received_at)
    SELECT p.tenant_id, s.id, p.id, q.shelf, 10, 1, 5, p.tracks_batches, q.shelf * 60000, 60000,
        now() - interval '40 days'
    FROM stores s JOIN products p USING (tenant_id),
        LATERAL (SELECT floor(random() * 60 + length(s.code) * 0)::bigint AS shelf) q
    WHERE s.tenant_id = '{{tenant}}' ORDER BY s.id, p.id;
INSERT INTO batches (tenant_id, id, product_id, number, expires_on, received_at)
    SELECT tenant_id, uuidv7(), id, 'B' || n, current_date - 10 + 40 * n, now()
    FROM products, generate_series(0, 9) n WHERE tenant_id = '{{tenant}}' AND tracks_batches;
INSERT INTO batch_levels (tenant_id, store_id, product_id, expires_on, batch_id, shelf, reserved,
        quarantine, transit)
    SELECT DISTINCT ON (l.tenant_id, l.store_id, l.product_id) l.tenant_id, l.store_id,
        l.product_id, b.expires_on, b.id, l.shelf, 0, 0, 0
    FROM levels l JOIN batches b USING (tenant_id, product_id)
    WHERE l.tenant_id = '{{tenant}}' AND l.shelf > 0
    ORDER BY l.tenant_id, l.store_id, l.product_id, random()
"""

ROLLUPS = f"""
INSERT INTO rollups (tenant_id, store_id, day, product_id, flow, hour, channel, reason, quantity,
        cost, discount, amount)
    SELECT '{{tenant}}', s.id, '{{day}}'::date, ids[1 + floor({PRODUCTS} * random() ^ 2)::int],
        f.flow, 8 + floor(14 * random())::int,
        CASE WHEN f.flow IN ('SOLD', 'RETURNED')
            THEN (ARRAY['COUNTER', 'COUNTER', 'COUNTER', 'WECHAT'])[1 + floor(4 * random())::int]
            ELSE '' END,
        CASE WHEN f.flow IN ('WASTED', 'MISSING')
            THEN (ARRAY['破损', '过期', ''])[1 + floor(3 * random())::int] ELSE '' END,
        sum(f.quantity), sum(f.quantity * 60000), 0,
        CASE WHEN f.flow IN ('SOLD', 'RETURNED') THEN sum(f.quantity * 1000) ELSE 0 END
    FROM (SELECT array_agg(id) AS ids FROM products WHERE tenant_id = '{{tenant}}') p,
        (SELECT id FROM stores WHERE tenant_id = '{{tenant}}') s,
        generate_series(1, {FLOWS_A_DAY}) n,
        LATERAL (SELECT CASE WHEN n <= 58 THEN 'SOLD' WHEN n <= 61 THEN 'RETURNED'
            WHEN n <= 64 THEN 'WASTED' WHEN n <= 65 THEN 'MISSING' ELSE 'RECEIVED' END AS flow,
            CASE WHEN n <= 65 THEN 1 ELSE 8 END AS quantity) f
    GROUP BY 2, 4, 5, 6, 7, 8 ORDER BY 6
"""

DOCUMENTS = f"""
INSERT INTO changes (tenant_id, store_id, revision, at, product_ids)
    SELECT s.tenant_id, s.id, n, now() - (1 - n::float8 / {CHANGES}) * interval '7 days',
        ARRAY[p.ids[1 + floor({PRODUCTS} * random() ^ 2)::int]]
    FROM stores s, generate_series(1, {CHANGES}) n,
        (SELECT array_agg(id) AS ids FROM products WHERE tenant_id = '{{tenant}}') p
    WHERE s.tenant_id = '{{tenant}}';
INSERT INTO purchase_orders (tenant_id, id, number, supplier_id, store_id, state, expected_on,
        ordered_by, ordered_at, ended_at)
    SELECT '{{tenant}}', uuidv7(), 'PO-' || s.place || '-' || n, v.ids[1 + n % {SUPPLIERS}], s.id,
        'RECEIVED', current_date - n * 4, '{{actor}}', now() - n * interval '4 days',
        now() - n * interval '4 days'
    FROM (SELECT id, row_number() OVER () AS place FROM stores WHERE tenant_id = '{{tenant}}') s,
        generate_series(1, {DAYS} / 4) n,
        (SELECT array_agg(id) AS ids FROM suppliers WHERE tenant_id = '{{tenant}}') v;
INSERT INTO purchase_lines (tenant_id, purchase_id, line, product_id, ordered, received, scale,
        unit_cost)
    SELECT DISTINCT ON (o.id, p.id) o.tenant_id, o.id, n, p.id, 10, 10 - (n = 3)::int, 1, 60000
    FROM purchase_orders o, generate_series(1, 10) n,
        LATERAL (SELECT ids[1 + (floor({PRODUCTS} * random())::int + (o.id IS NULL)::int)] AS id
            FROM (SELECT array_agg(id) AS ids FROM products WHERE tenant_id = '{{tenant}}') every) p
    WHERE o.tenant_id = '{{tenant}}';
INSERT INTO movements (tenant_id, id, kind, store_id, actor_id, key, document_id, occurred_at,
        business_date, timezone)
    SELECT tenant_id, uuidv7(), 'RECEIPT', store_id, ordered_by, uuidv7(), id, ended_at,
        expected_on + 1, 'Asia/Shanghai'
    FROM purchase_orders WHERE tenant_id = '{{tenant}}';
INSERT INTO stocktakes (tenant_id, id, store_id, state, opened_by, closed_by, closed_at)
    SELECT s.tenant_id, uuidv7(), s.id, 'CLOSED', '{{actor}}', '{{actor}}',
        now() - n * interval '15 days'
    FROM stores s, generate_series(0, 11) n WHERE s.tenant_id = '{{tenant}}';
INSERT INTO stocktake_variances (tenant_id, stocktake_id, product_id, part, seq, expected, late,
        counted, counted_at)
    SELECT t.tenant_id, t.id, p.id, 0, 10, 20, 0, 20 - (random() < 0.1)::int, t.closed_at
    FROM stocktakes t JOIN products p USING (tenant_id)
    WHERE t.tenant_id = '{{tenant}}' AND random() < 0.06;
INSERT INTO movements (tenant_id, id, kind, store_id, actor_id, key, document_id, occurred_at,
        business_date, timezone)
    SELECT tenant_id, uuidv7(), 'LOSS', store_id, closed_by, uuidv7(), id, closed_at,
        closed_at::date, 'Asia/Shanghai'
    FROM stocktakes WHERE tenant_id = '{{tenant}}';
INSERT INTO entries (tenant_id, movement_id, line, product_id, from_store, from_bin, to_store,
        to_bin, quantity, scale, cost)
    SELECT m.tenant_id, m.id, row_number() OVER (PARTITION BY m.id), v.product_id, m.store_id,
        'shelf', m.store_id, 'variance', 1, 1, 60000
    FROM movements m JOIN stocktake_variances v
        ON (v.tenant_id, v.stocktake_id) = (m.tenant_id, m.document_id) AND v.counted < v.expected
    WHERE m.tenant_id = '{{tenant}}'
"""


SINCE = f"""
INSERT INTO changes (tenant_id, store_id, revision, at, product_ids)
    SELECT f.tenant_id, f.store_id, c.revision + n, clock_timestamp(),
        ARRAY[p.ids[1 + floor({PRODUCTS} * random() ^ 2)::int]]
    FROM feeds f, generate_series(1, {CHANGES_SINCE}) n,
        (SELECT array_agg(id) AS ids FROM products WHERE tenant_id = '{{tenant}}') p,
        (SELECT max(revision) AS revision FROM changes WHERE tenant_id = '{{tenant}}') c
    WHERE f.tenant_id = '{{tenant}}'
"""


class Chain(NamedTuple):
    """The tenant of the data set, its owner and stores, and the last day of its roll-ups."""

    tenant: UUID
    actor: UUID
    stores: list[UUID]
    last_day: date


@asynccontextmanager
async def kept_chain() -> AsyncIterator[tuple[Urls, Chain]]:
    """The engines and the chain of the data set; the first run of a week makes it."""
    with Engines(Settings().data / CODE) as engines:
        urls = engines.urls()
        await asyncio.to_thread(upgrade, urls.owner)
        yield urls, await _chain(urls)


async def keep_all_sums(urls: Urls, db: Database, chain: Chain) -> None:
    """Keep the sums that reports read, and change some levels of each store since."""
    await keep_sums(db, chain.tenant)
    owner = await asyncpg.connect(urls.owner)
    try:
        await owner.execute(SINCE.format(tenant=chain.tenant))
        await owner.execute("VACUUM ANALYZE store_sums, category_sums, level_sums")
    finally:
        await owner.close()


def _today() -> date:
    return datetime.now(UTC).date()


async def _chain(urls: Urls) -> Chain:
    owner = await asyncpg.connect(urls.owner)
    try:
        kept = await owner.fetchrow("SELECT tenant_id, max(day) AS day FROM rollups GROUP BY 1")
        if kept is None or kept["day"] < _today() - FRESH:
            await _make(urls, owner)
            kept = await owner.fetchrow("SELECT tenant_id, max(day) AS day FROM rollups GROUP BY 1")
        assert kept is not None
        of_tenant = "WHERE tenant_id = $1 ORDER BY id"
        stores = await owner.fetch(f"SELECT id FROM stores {of_tenant}", kept["tenant_id"])
        [actor, *_] = await owner.fetch(f"SELECT id FROM staff {of_tenant}", kept["tenant_id"])
        ids = [row["id"] for row in stores]
        return Chain(kept["tenant_id"], actor["id"], ids, kept["day"])
    finally:
        await owner.close()


async def _make(urls: Urls, owner: asyncpg.Connection) -> None:
    """Found the tenant and fill its tables, in place of an older one."""
    db = Database(urls.database, unheard)
    name = f"{CODE}-{_today()}"
    founded = await create_tenant(db, "压测", name, PASSWORD, name, "门店 1")
    await db.close()
    tenant, actor = founded.store.tenant_id, founded.owner.id
    # Foreign keys and triggers are those of the application's own writes.
    await owner.execute("SET session_replication_role = replica")
    await owner.execute("DELETE FROM rollups")
    await owner.execute(CATALOGUE.format(tenant=tenant))
    for ago in reversed(range(DAYS)):
        day = _today() - timedelta(days=ago)
        await owner.execute(ROLLUPS.format(tenant=tenant, day=day))
    await owner.execute(DOCUMENTS.format(tenant=tenant, actor=actor))
    await owner.execute("SET session_replication_role = origin")
    await owner.execute("VACUUM ANALYZE")
