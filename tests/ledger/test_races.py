"""Concurrent operations on real PostgreSQL."""

import asyncio
from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from typing import Any
from uuid import uuid4

import pytest

from app.db.core.lane import Lane
from app.db.tables import Movement
from app.domain.errors import KeyReused, OutOfStock, ReturnExceedsSale, WrongState
from app.domain.ledger.draft import Draft
from app.domain.ledger.post import PostDrafts
from app.domain.rules.kinds import Kind
from app.run.embedded import Urls
from tests.conftest import unheard
from tests.support.shop import Shop


def kinds(outcomes: Iterable[Any]) -> Counter[str]:
    return Counter(type(outcome).__name__ for outcome in outcomes)


def movement(outcome: Any) -> Movement:
    assert isinstance(outcome, Movement), outcome
    return outcome


@pytest.fixture
async def lanes(urls: Urls):
    """Two lanes, as of two server processes."""
    both = [Lane(urls.database, PostDrafts(), unheard) for _ in range(2)]
    yield both
    for lane in both:
        await lane.close()


async def test_thirty_buyers_of_the_last_ten(shop: Shop) -> None:
    await shop.receive("米", 10)
    assert kinds(await shop.sell_at_once(30, "米", 1)) == {"Movement": 10, "OutOfStock": 20}
    assert await shop.bins("米") == (0, 0, 0, 0)


async def test_two_processes_never_oversell(shop: Shop, lanes: list[Lane]) -> None:
    await shop.receive("米", 100)
    drafts = [await shop.draft(Kind.SALE, ("米", 1)) for _ in range(400)]
    outcomes = await asyncio.gather(
        *(lanes[i % 2].submit(shop.tenant, draft) for i, draft in enumerate(drafts))
    )
    assert kinds(outcomes) == {"Movement": 100, "OutOfStock": 300}


async def test_a_to_b_against_b_to_a(shop: Shop, lanes: list[Lane]) -> None:
    for name in "甲乙丙丁":
        await shop.receive(name, 1000)
    drafts = []
    for i in range(120):
        names = "甲乙丙丁" if i % 2 else "丁丙乙甲"
        drafts.append(await shop.draft(Kind.SALE, *((name, 1) for name in names)))
    outcomes = await asyncio.gather(
        *(lanes[i % 2].submit(shop.tenant, draft) for i, draft in enumerate(drafts))
    )
    assert kinds(outcomes) == {"Movement": 120}
    assert await shop.bins("甲") == (880, 0, 0, 0)


async def test_one_key_twenty_times_at_once_is_one_sale(shop: Shop, lanes: list[Lane]) -> None:
    await shop.receive("米", 10)
    key = uuid4()
    drafts = [await shop.draft(Kind.SALE, ("米", 1), key=key) for _ in range(20)]
    outcomes = await asyncio.gather(
        *(lanes[i % 2].submit(shop.tenant, draft) for i, draft in enumerate(drafts))
    )
    assert len({movement(outcome).id for outcome in outcomes}) == 1
    assert len({movement(outcome).recorded_at for outcome in outcomes}) == 1
    assert await shop.bins("米") == (9, 0, 0, 0)


async def test_a_key_with_other_input_is_refused(shop: Shop) -> None:
    await shop.receive("米", 10)
    key = uuid4()
    one, two = await asyncio.gather(shop.sell("米", 1, key=key), shop.sell("米", 2, key=key))
    assert isinstance(one, Movement)
    assert two == KeyReused(key)
    assert await shop.sell("米", 3, key=key) == KeyReused(key)


async def test_a_refusal_leaves_no_claim(shop: Shop) -> None:
    await shop.receive("米", 1)
    key = uuid4()
    assert isinstance(await shop.sell("米", 2, key=key), OutOfStock)
    await shop.receive("米", 1)
    assert isinstance(await shop.sell("米", 2, key=key), Movement)


async def test_a_cancelled_request_is_answered_when_it_is_sent_again(shop: Shop) -> None:
    await shop.receive("米", 100)
    for delay in range(20):
        key = uuid4()
        task = asyncio.create_task(shop.sell("米", 1, key=key))
        await asyncio.sleep(delay / 2000)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        assert isinstance(await shop.sell("米", 1, key=key), Movement)
    assert await shop.bins("米") == (80, 0, 0, 0)


@pytest.mark.parametrize("poison", [{"note": "\0"}, {"fingerprint": "not bytes"}])
async def test_a_poisoned_movement_hurts_only_itself(
    shop: Shop, lane: Lane, poison: dict[str, Any]
) -> None:
    await shop.receive("米", 100)
    good = [await shop.draft(Kind.SALE, ("米", 1)) for _ in range(10)]
    # The server cannot store a NUL, and the driver cannot send a text as bytes.
    poisoned = replace(await shop.draft(Kind.SALE, ("米", 1)), **poison)
    drafts: list[Draft] = [*good[:5], poisoned, *good[5:]]
    outcomes = await asyncio.gather(
        *(lane.submit(shop.tenant, draft) for draft in drafts), return_exceptions=True
    )
    assert isinstance(outcomes.pop(5), Exception)
    assert kinds(outcomes) == {"Movement": 10}
    assert await shop.bins("米") == (90, 0, 0, 0)


async def test_no_more_comes_back_than_was_sold(shop: Shop, lanes: list[Lane]) -> None:
    await shop.receive("米", 10)
    sale = await shop.sell("米", 5)
    drafts = [
        await shop.draft(Kind.RETURN, ("米", 1), sale_id=movement(sale).id) for _ in range(20)
    ]
    outcomes = await asyncio.gather(
        *(lanes[i % 2].submit(shop.tenant, draft) for i, draft in enumerate(drafts))
    )
    assert kinds(outcomes) == {"Movement": 5, "ReturnExceedsSale": 15}
    refusal = next(o for o in outcomes if isinstance(o, ReturnExceedsSale))
    assert (refusal.sold, refusal.returned, refusal.requested) == (5, 5, 1)


async def test_reverse_against_return(shop: Shop, lanes: list[Lane]) -> None:
    await shop.receive("米", 10)
    for _ in range(10):
        sale = await shop.sell("米", 5)
        giving_back = await shop.draft(Kind.RETURN, ("米", 5), sale_id=movement(sale).id)
        outcomes = await asyncio.gather(
            shop.reverse(sale), lanes[0].submit(shop.tenant, giving_back)
        )
        assert kinds(outcomes) == {"Movement": 1, "WrongState": 1}
        assert next(o for o in outcomes if isinstance(o, WrongState)).reason.name in (
            "REVERSED",
            "RETURNED",
        )
        assert await shop.bins("米") == (10, 0, 0, 0)


async def test_first_touch_by_many_opens_one_level(shop: Shop, lanes: list[Lane]) -> None:
    names = [f"新{i}" for i in range(20)]
    for name in names:
        await shop.product(name)
    drafts = []
    for i in range(40):
        order = names if i % 2 else names[::-1]
        drafts.append(await shop.draft(Kind.RECEIPT, *((name, 1) for name in order)))
    outcomes = await asyncio.gather(
        *(lanes[i % 2].submit(shop.tenant, draft) for i, draft in enumerate(drafts))
    )
    assert kinds(outcomes) == {"Movement": 40}
    assert await shop.bins("新7") == (40, 0, 0, 0)
