"""Stock as of past moments in a ledger of 10 million entries, which is made once and kept."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg

from app.db.checkpoint_days import rebuild
from app.db.core.unit import Database
from app.db.history import balances
from app.db.stock_values import StockFilter, values
from app.run.embedded import Engines, Urls
from app.run.migrate import upgrade
from bench.measure import Figure, cpu, median
from bench.stage import ROOT, Stage, catalogue, founded, unheard

FIGURES = ("as_of_level_ms", "as_of_store_ms", "as_of_tenant_s")
FOLDER = ROOT / ".data" / "bench-history"
STORES, PRODUCTS, BLOCK = 200, 5_000, 100
"""A movement has so many lines: each product of a block once."""
DAYS_AGO = (100, 60, 60, 60, 60, 30, 30, 30, 30, None)
"""Days before the end at which the ten entries of each level were recorded: opening stock, four
sales on each of two days, and one in the last LAST_DAYS, on each of which a tenth moved."""
LAST_DAYS = 10
ROUNDS = 5
MOMENTS = (90, 45, 15)
"""Days before the end that are asked for."""


@dataclass(frozen=True)
class Ledger:
    """The tenant of the kept ledger, and the day on which it ends."""

    tenant: UUID
    stores: list[UUID]
    products: list[UUID]
    end: datetime


async def figures(_: Stage, wanted: Sequence[str]) -> AsyncIterator[Figure]:
    with Engines(FOLDER) as engines:
        urls = engines.urls()
        await asyncio.to_thread(upgrade, urls.owner)
        ledger = await kept(urls)
        db = Database(urls.database, unheard, 1)
        measured = {
            "as_of_level_ms": (1e3, "one level", one_level),
            "as_of_store_ms": (1e3, f"{PRODUCTS:,} levels of one store", one_store),
            "as_of_tenant_s": (1, f"{STORES * PRODUCTS:,} levels of all stores", all_stores),
        }
        for name in wanted:
            scale, what, read = measured[name]
            wall, used = await timed(engines, db, ledger, read)
            text = f"{what}, {10 * STORES * PRODUCTS:,} entries; CPU {used * scale:.3g}"
            yield Figure(name, wall * scale, text)
        await db.close()


async def timed(engines: Engines, db: Database, ledger: Ledger, read: Any) -> tuple[float, float]:
    """The median seconds of reads of the past, and the CPU seconds of one in PostgreSQL."""
    times: list[float] = []
    await read(db, ledger, ledger.end, 0)
    before = cpu([engines.postgres.pid])
    for number in range(ROUNDS):
        for days in MOMENTS:
            at = ledger.end - timedelta(days=days)
            started = time.perf_counter()
            await read(db, ledger, at, number)
            times.append(time.perf_counter() - started)
    return median(times), (cpu([engines.postgres.pid]) - before) / len(times)


async def one_level(db: Database, ledger: Ledger, at: datetime, number: int) -> None:
    pairs = [(ledger.stores[number], ledger.products[number * 7])]
    async with db.read(ledger.tenant) as session:
        assert await balances(session, ledger.tenant, pairs, at, ledger.end)


async def one_store(db: Database, ledger: Ledger, at: datetime, number: int) -> None:
    await read_values(db, ledger, at, [ledger.stores[number]], "PRODUCT", PRODUCTS)


async def all_stores(db: Database, ledger: Ledger, at: datetime, _: int) -> None:
    await read_values(db, ledger, at, ledger.stores, "STORE", STORES)


async def read_values(
    db: Database, ledger: Ledger, at: datetime, stores: list[UUID], group: str, rows: int
) -> None:
    async with db.read(ledger.tenant) as session:
        moment = at, ledger.end
        read = await values(session, ledger.tenant, StockFilter(stores), group, moment)
    assert len(read) == rows, len(read)


async def kept(urls: Urls) -> Ledger:
    """The ledger in the data folder; made when it is not there."""
    file = FOLDER / "ledger.json"
    if not file.exists():
        file.write_text(json.dumps(await make(urls)))
    tenant, end = json.loads(file.read_text())
    raw = await asyncpg.connect(urls.owner)
    stores = await raw.fetch("SELECT id FROM stores WHERE tenant_id = $1 ORDER BY id", UUID(tenant))
    products = await raw.fetch(
        "SELECT id FROM products WHERE tenant_id = $1 ORDER BY id", UUID(tenant)
    )
    await raw.close()
    ids = [each["id"] for each in stores], [each["id"] for each in products]
    return Ledger(UUID(tenant), *ids, datetime.fromisoformat(end))


MOVEMENTS = """
CREATE UNLOGGED TABLE blocks AS
SELECT uuidv7(m.at - now()) AS id, s.id AS store_id, b AS block, n, m.days, m.at
FROM unnest($3::int[]) WITH ORDINALITY AS d (days, n), stores s, generate_series(0, $4 - 1) b,
    LATERAL (SELECT coalesce(d.days, b % $5::int) AS days) c,
    LATERAL (
        SELECT c.days,
            $2::timestamptz - make_interval(days => c.days, mins => 60 - 5 * n::int) AS at
    ) m
WHERE s.tenant_id = $1 ORDER BY n, s.id, b
"""
HEADS = """
INSERT INTO movements (tenant_id, id, kind, store_id, actor_id, key, channel, occurred_at,
    recorded_at, business_date, timezone)
SELECT $1, id, CASE n WHEN 1 THEN 'OPENING' ELSE 'SALE' END, store_id, $2, id,
    CASE WHEN n > 1 THEN 'COUNTER' END, at, at, (at AT TIME ZONE 'Asia/Shanghai')::date,
    'Asia/Shanghai'
FROM blocks
"""
ENTRIES = """
INSERT INTO entries (tenant_id, movement_id, line, product_id, from_store, from_bin, to_store,
    to_bin, quantity, scale, unit_cost, from_seq, from_after, to_seq, to_after, cost)
SELECT $1, b.id, p.line, p.id, b.store_id, CASE n WHEN 1 THEN 'opening' ELSE 'shelf' END,
    b.store_id, CASE n WHEN 1 THEN 'shelf' ELSE 'customer' END,
    CASE n WHEN 1 THEN 100 ELSE 1 END, 1, CASE n WHEN 1 THEN 30000 END,
    CASE WHEN n > 1 THEN n END, CASE WHEN n > 1 THEN 101 - n END,
    CASE n WHEN 1 THEN 1 END, CASE n WHEN 1 THEN 100 END, CASE n WHEN 1 THEN 3000000 ELSE 30000 END
FROM blocks b JOIN goods p ON p.block = b.block
"""
LEVELS = """
INSERT INTO levels (tenant_id, store_id, product_id, shelf, version, scale, value, unit_cost)
SELECT $1, s.id, p.id, 91, 10, 1, 91 * 30000, 30000
FROM stores s, goods p WHERE s.tenant_id = $1 ORDER BY s.id, p.id
"""
CHECKPOINTS = """
INSERT INTO checkpoints (tenant_id, store_id, product_id, seq, since_seq, day, first_at, last_at,
    first_known, last_known, on_hand, value, balances)
SELECT $1, l.store_id, l.product_id, c.seq, c.since, (c.last AT TIME ZONE 'Asia/Shanghai')::date
    + 1,
    c.first, c.last, c.first, c.last, 101 - c.seq, (101 - c.seq) * 30000,
    jsonb_build_array(jsonb_build_object('batch_id', NULL, 'bin', 'shelf', 'quantity', 101 - c.seq,
        'value', (101 - c.seq) * 30000))
FROM levels l JOIN goods p ON p.id = l.product_id JOIN (
    SELECT block, max(n) AS seq, min(n) - 1 AS since, min(at) AS first, max(at) AS last
    FROM (SELECT DISTINCT block, n, days, at FROM blocks) b WHERE days > 0 GROUP BY block, days
) c ON c.block = p.block
WHERE l.tenant_id = $1 ORDER BY l.store_id, l.product_id, c.seq
"""
MARK = "INSERT INTO checkpoint_marks VALUES ($1, $2::timestamptz - interval '26 hours')"


async def make(urls: Urls) -> tuple[str, str]:
    """Writes the ledger by SQL: its tenant and end. Takes several minutes."""
    shop = await founded(urls, PRODUCTS, f"history-{time.time_ns():x}"[:32])
    await catalogue(urls.owner, shop, tracked=False)
    end = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
    raw = await asyncpg.connect(urls.owner)
    # The rows are right by construction: no trigger checks or refuses them.
    await raw.execute("SET session_replication_role = replica; SET maintenance_work_mem = '1GB'")
    await raw.execute(
        "INSERT INTO stores (tenant_id, id, code, name) SELECT $1, uuidv7(), $2 || n, '门店' || n "
        "FROM generate_series(2, $3::int) n",
        shop.tenant,
        f"h{time.time_ns():x}-",
        STORES,
    )
    await raw.execute(
        "CREATE UNLOGGED TABLE goods AS SELECT id, n / $2::int AS block, 1 + n % $2::int AS line "
        "FROM (SELECT id, row_number() OVER (ORDER BY id)::int - 1 AS n FROM products "
        "WHERE tenant_id = $1) p",
        shop.tenant,
        BLOCK,
    )
    blocks = PRODUCTS // BLOCK
    await raw.execute(MOVEMENTS, shop.tenant, end, list(DAYS_AGO), blocks, LAST_DAYS)
    await raw.execute(HEADS, shop.tenant, shop.actor)
    await raw.execute(LEVELS, shop.tenant)
    for table, statement in (("entries", ENTRIES), ("checkpoints", CHECKPOINTS)):
        with_indexes = await without_indexes(raw, table)
        await raw.execute(statement, shop.tenant)
        for index in with_indexes:
            await raw.execute(index)
    await rebuild(urls.owner)
    await raw.execute(MARK, shop.tenant, end)
    await raw.execute("DROP TABLE blocks, goods")
    await raw.execute("VACUUM ANALYZE")
    await raw.close()
    return str(shop.tenant), end.isoformat()


async def without_indexes(raw: asyncpg.Connection, table: str) -> list[str]:
    """Drops the indexes of a table; the statements that create them again."""
    indexes = await raw.fetch(
        "SELECT i.indexrelid::regclass::text AS name, pg_get_indexdef(i.indexrelid) AS definition, "
        "c.conname, pg_get_constraintdef(c.oid) AS key FROM pg_index i "
        "LEFT JOIN pg_constraint c ON c.conindid = i.indexrelid AND c.conrelid = i.indrelid "
        "WHERE i.indrelid = $1::regclass",
        table,
    )
    for each in indexes:
        if each["conname"]:
            await raw.execute(f"ALTER TABLE {table} DROP CONSTRAINT {each['conname']}")
        else:
            await raw.execute(f"DROP INDEX {each['name']}")
    return [
        f"ALTER TABLE {table} ADD CONSTRAINT {each['conname']} {each['key']}"
        if each["conname"]
        else each["definition"]
        for each in indexes
    ]
