"""Stock as of any moment, from checkpoints, equals a replay of the whole ledger."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any
from uuid import UUID

import asyncpg
import pytest
from sqlalchemy import select

from app.db.checkpoint_days import rebuild
from app.db.core.audit import audit
from app.db.core.lane import Lane
from app.db.core.unit import Database
from app.db.history import balances
from app.db.levels import Pair
from app.db.stock_values import StockFilter, values
from app.db.tables import Checkpoint, Entry, Movement
from app.domain.ledger.post import PostDrafts
from app.domain.movements.checkpoints import keep_checkpoints
from app.domain.rules.kinds import ON_HAND_BINS, PHYSICAL_BINS, Kind
from app.run.embedded import Urls
from tests.conftest import VAULT, Cloning, unheard
from tests.support.shop import Shop, a_shop, day

MOVES = 40
Place = tuple[UUID, UUID, UUID | None, str]
KINDS = (Kind.SALE, Kind.SALE, Kind.RECEIPT, Kind.QUARANTINE, Kind.RETURN)


async def history(shop: Shop) -> Sequence[Any]:
    """Every entry of the tenant with its movement."""
    query = select(Entry, Movement).join(
        Movement, (Movement.tenant_id == Entry.tenant_id) & (Movement.id == Entry.movement_id)
    )
    async with shop.db.read(shop.tenant) as session:
        return (await session.execute(query.where(Entry.tenant_id == shop.tenant))).all()


def replay(rows: Sequence[Any], pairs: set[Pair], at: datetime, known: datetime) -> Counter[Any]:
    """Quantity and value of every place, added up entry by entry."""
    held: Counter[Any] = Counter()
    for entry, movement in rows:
        if movement.occurred_at <= at and movement.recorded_at <= known:
            for sign, store, bin in (
                (-1, entry.from_store, entry.from_bin),
                (1, entry.to_store, entry.to_bin),
            ):
                if bin in PHYSICAL_BINS and (store, entry.product_id) in pairs:
                    place = store, entry.product_id, entry.batch_id, bin
                    held[place, "quantity"] += sign * entry.quantity
                    held[place, "value"] += sign * (entry.cost or 0)
    return Counter({key: total for key, total in held.items() if total})


async def as_of(shop: Shop, pairs: set[Pair], at: datetime, known: datetime) -> Counter[Any]:
    held: Counter[Any] = Counter()
    async with shop.db.read(shop.tenant) as session:
        for each in await balances(session, shop.tenant, sorted(pairs), at, known):
            place = each.store_id, each.product_id, each.batch_id, each.bin
            held[place, "quantity"] += each.quantity
            held[place, "value"] += each.value
    return Counter({key: total for key, total in held.items() if total})


async def move(shop: Shop, rng: Random, depot: UUID, now: datetime) -> None:
    """A movement that happened now, lately, or days ago."""
    name, kind = rng.choice(("米", "奶")), rng.choice(KINDS)
    ago = rng.choice((0, 0, 0, rng.randint(1, 60), rng.randint(60, 5000)))
    store = depot if kind is Kind.RECEIPT and rng.random() < 0.5 else shop.store
    drafted = await shop.draft(kind, (name, rng.randint(1, 9)), store=store)
    lines = drafted.lines
    if kind is Kind.RECEIPT:
        lines = tuple(replace(line, unit_cost=rng.randint(1, 9) * 10_000) for line in lines)
    at = now - timedelta(minutes=ago)
    assert isinstance(
        await shop.post(replace(drafted, lines=lines, occurred_at=at, dated=True)), Movement
    )


async def sums(
    shop: Shop, stores: Sequence[UUID], group: str, at: datetime, known: datetime
) -> Any:
    async with shop.db.read(shop.tenant) as session:
        filter = StockFilter(stores)
        read = await values(session, shop.tenant, filter, group, (at, known))
    return {key: (each.value, each.on_hand, each.levels) for key, each in read}


def replayed_sums(held: Counter[Any], group: str) -> dict[UUID, tuple[int, int, int]]:
    """Value, quantity on hand and levels with goods, by store or product."""
    amounts: Counter[tuple[UUID, UUID, str]] = Counter()
    for ((store, product, _, bin), what), amount in held.items():
        if what == "value" or bin in ON_HAND_BINS:
            amounts[store, product, what] += amount
    added: dict[UUID, list[int]] = {}
    for (store, product, what), amount in amounts.items():
        row = added.setdefault(store if group == "STORE" else product, [0, 0, 0])
        row[0 if what == "value" else 1] += amount
        row[2] += what == "quantity" and amount != 0
    return {key: (row[0], row[1], row[2]) for key, row in added.items() if row[0] or row[2]}


LATEST_MARK = """
UPDATE checkpoint_marks k SET covered_until = interval '1 hour' + coalesce((
    SELECT uuid_extract_timestamp(e.movement_id)
    FROM entries e CROSS JOIN LATERAL (VALUES (e.from_store, e.from_seq), (e.to_store, e.to_seq))
        AS s (store_id, seq)
    WHERE e.tenant_id = k.tenant_id AND s.seq > coalesce((
        SELECT max(c.seq) FROM checkpoints c
        WHERE (c.tenant_id, c.store_id, c.product_id) = (k.tenant_id, s.store_id, e.product_id)
    ), 0)
    ORDER BY e.movement_id LIMIT 1
), now()) WHERE tenant_id = $1
"""
"""As late as it can be: the first movement that is not covered is the next one."""


@pytest.mark.parametrize("run", range(3))
async def test_past_stock_is_the_replayed_ledger(
    shop: Shop, urls: Urls, seed: str, run: int
) -> None:
    """At random moments on both axes, late facts included, whatever checkpoints there are."""
    rng, depot = Random(f"{seed} {run}"), await shop.another_store()
    await shop.receive("米", 500)
    for number in ("A", "B"):
        await shop.deliver("奶", 300, number, day(30))
    days = 0
    for _ in range(MOVES):
        await move(shop, rng, depot, datetime.now(UTC))
        if rng.random() < 0.2:
            # Each is the first of its day.
            days += 1
            await keep_checkpoints(shop.db, shop.tenant, datetime.now(UTC) + timedelta(days))
    rows = await history(shop)
    pairs = {(store, id) for store in (shop.store, depot) for id in shop.products.values()}
    moments = [movement.occurred_at for _, movement in rows]
    recorded = [movement.recorded_at for _, movement in rows]
    owner = await asyncpg.connect(urls.owner)
    await owner.execute(LATEST_MARK, shop.tenant)
    await owner.close()
    for _ in range(40):
        at, known = rng.choice(moments), rng.choice(recorded)
        if rng.random() < 0.3:
            known = datetime.now(UTC)
        if rng.random() < 0.3:
            at = datetime.now(UTC)
        expected = replay(rows, pairs, at, known)
        assert await as_of(shop, pairs, at, known) == expected
        for group in ("STORE", "PRODUCT"):
            read = await sums(shop, [shop.store, depot], group, at, known)
            assert read == replayed_sums(expected, group)


async def kept(shop: Shop) -> Sequence[Checkpoint]:
    async with shop.db.read(shop.tenant) as session:
        query = select(Checkpoint).where(Checkpoint.tenant_id == shop.tenant)
        return (await session.scalars(query.order_by(Checkpoint.seq))).all()


async def test_one_checkpoint_a_day_of_what_moved(shop: Shop) -> None:
    now = datetime.now(UTC)
    await shop.receive("米", 5)
    await keep_checkpoints(shop.db, shop.tenant, now)
    await shop.sell("米", 1)
    await keep_checkpoints(shop.db, shop.tenant, now)
    assert [row.seq for row in await kept(shop)] == [1]
    for _ in range(2):
        await keep_checkpoints(shop.db, shop.tenant, now + timedelta(days=1))
    assert [(row.since_seq, row.seq) for row in await kept(shop)] == [(0, 1), (1, 2)]
    # What did not move needs no other one.
    await keep_checkpoints(shop.db, shop.tenant, now + timedelta(days=2))
    assert len(await kept(shop)) == 2


async def test_the_past_is_read_from_checkpoints(shop: Shop, urls: Urls) -> None:
    """A quantity that only a checkpoint has is part of the answer."""
    await shop.receive("米", 5)
    await keep_checkpoints(shop.db, shop.tenant, datetime.now(UTC))
    pair, now = (shop.store, await shop.product("米")), datetime.now(UTC)
    place = *pair, None, "shelf"
    change = "update checkpoints set balances = jsonb_set(balances, '{0,quantity}', $2) "
    owner = await asyncpg.connect(urls.owner)
    for quantity in ("7", "5"):
        await owner.execute(f"{change} where tenant_id = $1", shop.tenant, quantity)
        held = await as_of(shop, {pair}, now, now)
        assert held[place, "quantity"] == int(quantity)
    await owner.close()


async def test_sums_of_stores_are_read_from_days(shop: Shop, urls: Urls) -> None:
    """A sum that only a day has is part of the answer, and what no checkpoint has is added."""
    await shop.receive("米", 5)
    await keep_checkpoints(shop.db, shop.tenant, datetime.now(UTC))
    await shop.receive("米", 2)
    now, owner = datetime.now(UTC), await asyncpg.connect(urls.owner)
    change = "update checkpoint_days set on_hand = $2 where tenant_id = $1"
    for kept in (9, 5):
        await owner.execute(change, shop.tenant, kept)
        _, on_hand, levels = (await sums(shop, [shop.store], "STORE", now, now))[shop.store]
        assert (on_hand, levels) == (kept + 2, 1)
    # Movements before the mark are not read.
    change = "update checkpoint_marks set covered_until = $2 where tenant_id = $1"
    for until, expected in ((timedelta(hours=2), 5), (timedelta(days=-1), 7)):
        await owner.execute(change, shop.tenant, now + until)
        assert (await sums(shop, [shop.store], "STORE", now, now))[shop.store][1] == expected
    await owner.close()


async def test_sums_of_days_are_rebuilt(clone: Cloning) -> None:
    urls = await clone()
    db = Database(urls.database, unheard, 1, VAULT)
    lane = Lane(urls.database, PostDrafts(), unheard, 1)
    shop = await a_shop(db, lane)
    for days in range(3):
        await shop.receive("米", 5)
        await keep_checkpoints(db, shop.tenant, datetime.now(UTC) + timedelta(days))
    await lane.close()
    await db.close()
    owner = await asyncpg.connect(urls.owner)
    await owner.execute(
        "update checkpoint_days set levels = 3 where day > current_date; "
        "delete from checkpoint_days where levels = 1; update checkpoints set value = 7; "
        "update checkpoint_marks set covered_until = now() + interval '1 day'"
    )
    assert len(await audit(urls.owner)) > 0
    assert await rebuild(urls.owner) == 3
    assert await audit(urls.owner) == []
    await owner.close()
