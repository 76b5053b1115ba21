"""The night scan: how long a million levels and batches take, and how much it delays sales.

`python -m bench.night TENANT` is the worker of the scan: it prints its seconds and MiB.
"""

import asyncio
import os
import resource
import sys
import time
from collections.abc import AsyncIterator, Sequence
from uuid import UUID, uuid4

import asyncpg

from app.db.alert_watches import due_stores
from app.db.core.unit import Database
from app.domain.notices.watch import watch_stores
from app.domain.people.stores import create_tenant
from app.jobs.alerts import PAUSE_SECONDS
from bench import stage as stages
from bench.measure import Figure, median
from bench.stage import PASSWORD, ROOT, Shop, Stage
from bench.tills import SALES_PER_SECOND, paced, selling, slowness

FIGURES = ("scan_1m_s", "scan_1m_mib", "scan_sale_x")
PRODUCTS = 2_000
STORES, STOCKED = 100, 10_000

SEED = """
INSERT INTO stores (tenant_id, id, code, name, timezone)
  SELECT $1, uuidv7(), 'scan-' || substr($1::text, 25) || n, '门店' || n, 'Asia/Shanghai'
  FROM generate_series(2, $2::int) n;
INSERT INTO feeds (tenant_id, store_id)
  SELECT tenant_id, id FROM stores s WHERE tenant_id = $1
  AND NOT EXISTS (SELECT FROM feeds f WHERE f.tenant_id = $1 AND f.store_id = s.id);
INSERT INTO movements (tenant_id, id, kind, store_id, actor_id, key, occurred_at)
  SELECT $1, uuidv7(interval '-60 days'), 'OPENING', id, $1, uuidv7(), now() - interval '60 days'
  FROM stores WHERE tenant_id = $1;
INSERT INTO batches (tenant_id, id, product_id, number, expires_on, received_at)
  SELECT $1, id, id, '', current_date + CASE WHEN right(sku, 2) = '00' THEN 6 ELSE 200 END,
    now() - interval '60 days'
  FROM products WHERE tenant_id = $1;
INSERT INTO entries (tenant_id, movement_id, line, product_id, from_store, from_bin, to_store,
    to_bin, quantity, scale, to_seq, to_after, batch_id)
  SELECT $1, m.id, row_number() OVER (PARTITION BY m.id ORDER BY p.id), p.id, m.store_id,
    'opening', m.store_id, 'shelf', 20, 1, 1, 20, p.id
  FROM movements m, products p WHERE m.tenant_id = $1 AND p.tenant_id = $1;
INSERT INTO levels (tenant_id, store_id, product_id, shelf, version, scale, reorder_point,
    tracks_batches)
  SELECT $1, s.id, p.id, 20, 1, 1, 5, true
  FROM stores s, products p WHERE s.tenant_id = $1 AND p.tenant_id = $1;
INSERT INTO batch_levels (tenant_id, store_id, product_id, expires_on, batch_id, shelf, reserved,
    quarantine, transit)
  SELECT $1, s.id, b.product_id, b.expires_on, b.id, 20, 0, 0, 0
  FROM stores s, batches b WHERE s.tenant_id = $1 AND b.tenant_id = $1;
INSERT INTO rollups (tenant_id, store_id, day, product_id, flow, hour, channel, reason, quantity,
    cost, discount, amount)
  SELECT $1, s.id, current_date - 5, p.id, 'SOLD', 10, 'COUNTER', '', 10, 0, 0, 0
  FROM stores s, products p
  WHERE s.tenant_id = $1 AND p.tenant_id = $1 AND right(p.sku, 2) <> '50';
"""
"""Stock that was opened 60 days ago: of a hundred products one expires soon, and one is slow."""


async def figures(stage: Stage, wanted: Sequence[str]) -> AsyncIterator[Figure]:
    for figure in await scanned(stage, await stage.shop(PRODUCTS)):
        if figure.name in wanted:
            yield figure


async def scanned(stage: Stage, shop: Shop) -> list[Figure]:
    """The watch of a new day over 100 stores, in a process of its own, beside sales of another
    chain."""
    tenant = await seeded(stage)
    with stage.serving(jobs=False) as [server]:
        token = await shop.token(server.port)
        sales = selling(server.port, shop, token)
        results: list[tuple[float, float]] = []

        async def scan() -> None:
            results.append(await night(stage, tenant))

        during = await paced(server.port, sales, scan())
        seconds, memory = results[0]
        without = await paced(server.port, sales, asyncio.sleep(seconds))
    raw = await asyncpg.connect(stage.urls.owner)
    alerts = await raw.fetch(
        "SELECT rule, count(*) FROM alerts WHERE tenant_id = $1 GROUP BY rule ORDER BY rule", tenant
    )
    await raw.close()
    opened = {row[0]: row[1] for row in alerts}
    each = STORES * STOCKED // 100
    assert opened == {"NEAR_EXPIRY": each, "SLOW_MOVING": each}, opened
    text = f"{STORES * STOCKED:,} levels and batches in {STORES} stores; {2 * each:,} alerts opened"
    beside = (
        f"median of {SALES_PER_SECOND} sales/s meanwhile: {slowness([during])}; "
        f"without: {slowness([without])}"
    )
    return [
        Figure("scan_1m_s", seconds, text),
        Figure("scan_1m_mib", memory, "peak RSS of the process that scans"),
        Figure("scan_sale_x", median(during) / median(without), beside),
    ]


async def seeded(stage: Stage) -> UUID:
    """The id of a chain with a million levels and batches."""
    db, name = Database(stage.urls.database, stages.unheard), f"scan-{time.time_ns():x}"
    founded = await create_tenant(db, "夜间", f"{name}-owner", PASSWORD, name, "夜间店")
    await db.close()
    tenant = founded.store.tenant_id
    products = [uuid4() for _ in range(STOCKED)]
    codes = [f"69{number:010d}" for number in range(STOCKED)]
    chain = Shop(tenant, tenant, founded.store.id, name, products, codes)
    await stages.catalogue(stage.urls.owner, chain, True)
    raw = await asyncpg.connect(stage.urls.owner)
    arguments = f"'{tenant}'", str(STORES)
    for statement in SEED.split(";\n"):
        if statement.strip():
            text = statement.replace("$1", arguments[0]).replace("$2", arguments[1])
            await raw.execute(text)
    await raw.execute("VACUUM ANALYZE")
    await raw.close()
    return tenant


async def night(stage: Stage, tenant: UUID) -> tuple[float, float]:
    """Seconds and peak MiB of a process that judges all stores of the chain."""
    worker = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "bench.night",
        str(tenant),
        env={**os.environ, "KUCUN_DATABASE_URL": stage.urls.database},
        cwd=ROOT,
        stdout=asyncio.subprocess.PIPE,
    )
    output, _ = await worker.communicate()
    seconds, memory = output.split()
    return float(seconds), float(memory)


async def scan(tenant: UUID) -> None:
    db = Database(os.environ["KUCUN_DATABASE_URL"], stages.unheard)
    started = time.perf_counter()
    while await are_due(db, tenant):
        await watch_stores(db, tenant)
        await asyncio.sleep(PAUSE_SECONDS)
    seconds = time.perf_counter() - started
    await db.close()
    print(seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)


async def are_due(db: Database, tenant: UUID) -> bool:
    async with db.read(tenant) as session:
        return bool(await due_stores(session, tenant))


if __name__ == "__main__":
    asyncio.run(scan(UUID(sys.argv[1])))
