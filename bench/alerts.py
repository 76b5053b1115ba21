"""Alerts: what judging costs a sale, how soon they are shown and sent, and deliveries."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from unittest.mock import patch
from uuid import UUID, uuid4

import asyncpg
import psutil

from app.db.core.unit import Database
from app.db.core.vault import Vault
from app.db.tables import Movement
from app.domain.ledger.rollups import RollUps
from app.domain.notices.deliver import deliver
from app.domain.notices.providers import Providers
from app.domain.notices.sms import SmsClients
from app.domain.people.mini_apps import MiniApps
from app.settings import Settings
from bench import stage as stages
from bench.asking import Wrong, ask
from bench.lane import lane
from bench.live import every
from bench.measure import Figure, cpu, median
from bench.sockets import follow, subscribed
from bench.stage import SECRET, Shop, Stage, command

FIGURES = (
    "alert_sale_x",
    "alert_raising_sale_x",
    "rollup_sale_x",
    "alert_frame_p99_ms",
    "alert_provider_s",
    "deliver_10k_s",
)
PRODUCTS = 2_000
IN_FLIGHT = 64
ROUNDS = 5
CROSSINGS = 200
RATE = 20
SENT = 10
DELIVERIES = 10_000
PROTOCOL = "graphql-transport-ws"

FEED = (
    "subscription Feed($store: UUID!) { alertFeed(storeIds: [$store]) { alerts { id raisedAt } } }"
)
TARGET = """
mutation($input: AddNotificationTargetInput!) { addNotificationTarget(input: $input) {
  ... on NotificationTarget { id } ... on Problem { message } } }
"""


async def figures(stage: Stage, wanted: Sequence[str]) -> AsyncIterator[Figure]:
    shop = await stage.shop(PRODUCTS)
    if {"alert_sale_x", "alert_raising_sale_x"} & set(wanted):
        for figure in await judging(stage, shop):
            if figure.name in wanted:
                yield figure
    if "rollup_sale_x" in wanted:
        yield await adding(stage, shop)
    if "alert_frame_p99_ms" in wanted:
        yield await shown(stage, shop)
    if "alert_provider_s" in wanted:
        yield await sent(stage, shop)
    if "deliver_10k_s" in wanted:
        yield await delivered(stage, shop)


async def point(stage: Stage, products: Sequence[UUID]) -> None:
    """Set the reorder point of these products one below the shelf, and of all others to 0; close
    all alerts."""
    raw = await asyncpg.connect(stage.urls.owner)
    async with raw.transaction():
        # A worker of a server may be writing deliveries at the same time.
        await raw.execute("LOCK TABLE alerts, deliveries IN EXCLUSIVE MODE")
        await raw.execute("DELETE FROM deliveries")
        await raw.execute("DELETE FROM alerts")
        await raw.execute("UPDATE levels SET reorder_point = 0 WHERE reorder_point > 0")
        query = "UPDATE levels SET reorder_point = shelf - 1 WHERE product_id = any($1)"
        await raw.execute(query, products)
    await raw.execute("VACUUM (ANALYZE) levels, alerts")
    await raw.close()


async def each_sold_once(stage: Stage, made, shop: Shop) -> float:
    """CPU µs of a sale, of this process and of PostgreSQL, when each product is sold once."""
    waiting = iter(shop.products)

    async def seller() -> None:
        for product in waiting:
            outcome = await made.submit(shop.tenant, shop.sale(product))
            assert isinstance(outcome, Movement), outcome

    me = psutil.Process()
    used = sum(me.cpu_times()[:2]) + cpu(stage.database)
    await asyncio.gather(*(seller() for _ in range(IN_FLIGHT)))
    used = sum(me.cpu_times()[:2]) + cpu(stage.database) - used
    return used / len(shop.products) * 1e6


async def judging(stage: Stage, shop: Shop) -> list[Figure]:
    """Sales of which one in ten takes its level to the reorder point, beside as many that cross
    none; and what one costs when all of them do."""
    costs: dict[int, list[float]] = {0: [], 1: [], 10: []}
    async with lane(stage, shop) as made:
        for _ in range(ROUNDS):
            for of_ten, runs in costs.items():
                crossing = [each for place, each in enumerate(shop.products) if place % 10 < of_ten]
                await point(stage, crossing)
                runs.append(await each_sold_once(stage, made, shop))
                assert await count(stage, shop, "alerts") == len(crossing)
    await point(stage, [])
    text = (
        f"CPU of a sale, client + PostgreSQL, {IN_FLIGHT} in flight: {median(costs[1]):.0f} µs if "
        f"one in ten raises LOW_STOCK, {median(costs[0]):.0f} µs if none does, "
        f"{median(costs[10]):.0f} µs if each does"
    )
    named = {"alert_sale_x": costs[1], "alert_raising_sale_x": costs[10]}
    return [
        Figure(name, median(a / b for a, b in zip(runs, costs[0], strict=True)), text)
        for name, runs in named.items()
    ]


async def adding(stage: Stage, shop: Shop) -> Figure:
    """Sales that are added to the roll-ups, beside sales that are not."""
    added, plain = [], []
    async with lane(stage, shop) as made:
        for _ in range(ROUNDS):
            added.append(await each_sold_once(stage, made, shop))
            with patch.multiple(RollUps, add=nothing, rows=nothing):
                plain.append(await each_sold_once(stage, made, shop))
    text = (
        f"CPU, client + PostgreSQL, {IN_FLIGHT} in flight: {median(added):.0f} µs a sale, "
        f"{median(plain):.0f} µs without the roll-up"
    )
    ratio = median(a / b for a, b in zip(added, plain, strict=True))
    return Figure("rollup_sale_x", ratio, text)


def nothing(*_: object) -> tuple[()]:
    return ()


async def count(stage: Stage, shop: Shop, table: str, state: str = "") -> int:
    raw = await asyncpg.connect(stage.urls.owner)
    more = f" AND state = '{state}'" if state else ""
    rows = await raw.fetchval(
        f"SELECT count(*) FROM {table} WHERE tenant_id = $1{more}", shop.tenant
    )
    await raw.close()
    return rows


async def shown(stage: Stage, shop: Shop) -> Figure:
    """From the start of the transaction that raises an alert to the client's frame with it."""
    late: dict[str, float] = {}

    def heard(text: bytes, now: float) -> None:
        answer = json.loads(text)
        if answer.get("type") != "next":
            return
        for alert in answer["payload"]["data"]["alertFeed"]["alerts"]:
            raised = datetime.fromisoformat(alert["raisedAt"]).timestamp()
            late.setdefault(alert["id"], now - raised)

    with stage.serving(jobs=False) as [server]:
        says = follow(FEED, {"store": str(shop.store)}, await shop.token(server.port))
        async with (
            lane(stage, shop) as made,
            subscribed(server.port, 1, "/graphql", says, heard, PROTOCOL) as clients,
        ):
            await every(clients, 2)
            await asyncio.sleep(1)
            late.clear()
            await point(stage, shop.products)
            for product in shop.products[:CROSSINGS]:
                await made.submit(shop.tenant, shop.sale(product))
                await asyncio.sleep(1 / RATE)
            await asyncio.sleep(1)
    assert len(late) == CROSSINGS, f"{len(late)} of {CROSSINGS} alerts arrived"
    times = sorted(late.values())
    text = (
        f"{CROSSINGS} alerts, {RATE} a second, to alertFeed: "
        f"p50 {times[CROSSINGS // 2] * 1e3:.0f}, max {times[-1] * 1e3:.0f} ms"
    )
    return Figure("alert_frame_p99_ms", times[int(CROSSINGS * 0.99)] * 1e3, text)


async def sent(stage: Stage, shop: Shop) -> Figure:
    """From a sale that crosses to the request that a group robot receives; the slowest of some."""
    arrived: asyncio.Queue[float] = asyncio.Queue()

    async def take(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        arrived.put_nowait(time.perf_counter())
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
        await writer.drain()
        writer.close()

    robot = await asyncio.start_server(take, "127.0.0.1", 0)
    port, took = robot.sockets[0].getsockname()[1], []
    with stage.serving() as [server]:
        target = {"name": "群", "url": f"json://127.0.0.1:{port}/robot", "storeId": str(shop.store)}
        token = await shop.token(server.port)
        values = {"input": {"key": str(uuid4()), **target}}
        answer = await ask(server.port, "/graphql", TARGET, values, token)
        if "id" not in answer["addNotificationTarget"]:
            raise Wrong(str(answer))
        async with lane(stage, shop) as made:
            await point(stage, shop.products)
            for product in shop.products[-SENT:]:
                started = time.perf_counter()
                await made.submit(shop.tenant, shop.sale(product))
                async with asyncio.timeout(60):
                    took.append(await arrived.get() - started)
                await asyncio.sleep(0.3)
    robot.close()
    await command(stage.urls.owner, "DELETE FROM notification_targets")
    text = f"{SENT} alerts, one after the other: {min(took):.1f} to {max(took):.1f} s"
    return Figure("alert_provider_s", max(took), text)


async def delivered(stage: Stage, shop: Shop) -> Figure:
    """10,000 webhook deliveries that are due, sent by one worker to a server beside it."""
    vault, hook = Vault(SECRET), uuid4()
    db, config = Database(stage.urls.database, stages.unheard, vault=vault), Settings(secret=SECRET)
    providers = Providers(frozenset(["127.0.0.1"]), MiniApps(config), SmsClients(config))
    raw = await asyncpg.connect(stage.urls.owner)
    with stage.serving(role="receiver") as [receiver]:
        await raw.execute(
            "INSERT INTO webhooks (tenant_id, id, url, events, sealed_secret, created_by)"
            " VALUES ($1, $2, $3, '{ALERT_RAISED}', $4, $1)",
            shop.tenant,
            hook,
            f"http://127.0.0.1:{receiver.port}/",
            vault.seal(shop.tenant, hook, "whsec"),
        )
        await raw.execute(
            "INSERT INTO deliveries (tenant_id, id, channel, recipient_id, event, store_id, body,"
            " next_at) SELECT $1, uuidv7(), 'WEBHOOK', $2, 'ALERT_RAISED', $3, $4, now()"
            " FROM generate_series(1, $5::int)",
            shop.tenant,
            hook,
            shop.store,
            json.dumps({"text": "大米库存仅剩 5 袋，需尽快补货" * 10}),
            DELIVERIES,
        )
        started = time.perf_counter()
        while await count(stage, shop, "deliveries", "PENDING"):
            await deliver(db, shop.tenant, providers)
        seconds = time.perf_counter() - started
    done = await count(stage, shop, "deliveries", "DELIVERED")
    await raw.execute("DELETE FROM deliveries WHERE tenant_id = $1", shop.tenant)
    await raw.execute("DELETE FROM webhooks WHERE tenant_id = $1", shop.tenant)
    await raw.close()
    await db.close()
    assert done == DELIVERIES, f"{done} of {DELIVERIES}"
    text = f"{DELIVERIES:,} webhook deliveries by one worker, {DELIVERIES / seconds:,.0f} a second"
    return Figure("deliver_10k_s", seconds, text)
