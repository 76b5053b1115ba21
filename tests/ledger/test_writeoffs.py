"""Write-offs: concurrent operations, batches, expiry while they are open, and limits."""

import asyncio
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any
from unittest.mock import patch
from uuid import uuid4

import pytest

from app.db.orders import movements_of
from app.db.tables import Movement, WriteOff
from app.db.writeoffs import lines_of, wasted_of
from app.domain.access import Role
from app.domain.documents import writeoffs
from app.domain.documents.writeoffs import Source
from app.domain.errors import (
    Denied,
    KeyReused,
    OutOfStock,
    OverLimit,
    UnknownBatch,
    UnknownProduct,
    UnknownStore,
    UnknownWriteOff,
    WrongState,
    WrongStateReason,
)
from app.domain.rules.kinds import Kind
from tests.support.orders import OrderDesk
from tests.support.shop import Shop, day
from tests.support.writeoffs import WasteDesk, moved

QUARANTINE = Source.QUARANTINE


@pytest.fixture
async def desk(shop: Shop) -> WasteDesk:
    return WasteDesk(shop)


@contextmanager
def tomorrow() -> Iterator[None]:
    with patch("app.db.core.unit.clock", lambda: datetime.now(UTC) + timedelta(days=1)):
        yield


def count_outcomes(outcomes: Sequence[Any]) -> Counter[str]:
    """Count write-offs by state and other outcomes by class name."""
    return Counter(
        each.state if isinstance(each, WriteOff) else type(each).__name__ for each in outcomes
    )


async def lines(desk: WasteDesk, row: WriteOff) -> list[tuple[str, int]]:
    async with desk.shop.db.read(desk.shop.tenant) as session:
        return [(e.source, e.quantity) for e in await lines_of(session, row.tenant_id, [row.id])]


async def wasted(desk: WasteDesk, row: WriteOff) -> list[int]:
    """The cost of each line, in 1/10000 yuan."""
    async with desk.shop.db.read(desk.shop.tenant) as session:
        return [each.cost for each in await wasted_of(session, row.tenant_id, [row.id])]


async def bought(desk: WasteDesk, name: str, quantity: int, yuan: int) -> None:
    """Receive goods at a unit cost in yuan."""
    receipt = await desk.shop.draft(Kind.RECEIPT, (name, quantity))
    costly = replace(receipt.lines[0], unit_cost=yuan * 10_000)
    assert isinstance(await desk.shop.post(replace(receipt, lines=(costly,))), Movement)


async def released(desk: WasteDesk, quantity: int, name: str = "米") -> Any:
    return await desk.shop.do(Kind.RELEASE, (name, quantity))


async def test_off_the_shelf_at_once_and_waste_when_approved(desk: WasteDesk) -> None:
    await bought(desk, "米", 10, 3)
    request = await desk.request(("米", 4))
    assert (request.state, request.requested_by) == ("REQUESTED", desk.cashier.actor)
    assert await desk.shop.bins("米") == (6, 0, 4, 0)
    done = await desk.approve(request)
    assert (done.state, done.decided_by) == ("APPROVED", desk.manager.actor)
    assert await desk.shop.bins("米") == (6, 0, 0, 0)
    assert await wasted(desk, request) == [120_000]
    assert (await desk.shop.level("米")).value == 180_000
    assert await desk.approve(request) == WrongState(WrongStateReason.APPROVED)
    assert await desk.reject(request) == WrongState(WrongStateReason.APPROVED)


async def test_rejected_it_goes_back(desk: WasteDesk) -> None:
    await desk.shop.receive("米", 10)
    request = await desk.request(("米", 4), ("米", 1))
    assert (await desk.reject(request)).state == "REJECTED"
    assert await desk.shop.bins("米") == (10, 0, 0, 0)
    assert await wasted(desk, request) == []
    assert await desk.approve(request) == WrongState(WrongStateReason.REJECTED)


async def test_only_the_requesting_cashier_may_withdraw(desk: WasteDesk) -> None:
    await desk.shop.receive("米", 10)
    request = await desk.request(("米", 4))
    with pytest.raises(Denied):
        await desk.reject(request, by=desk.person(Role.CASHIER))
    assert (await desk.reject(request, by=desk.cashier)).decided_by == desk.cashier.actor
    assert await desk.shop.bins("米") == (10, 0, 0, 0)


@pytest.mark.parametrize("role", [Role.MANAGER, Role.PURCHASER, Role.OWNER])
async def test_a_requester_never_approves(desk: WasteDesk, role: Role) -> None:
    await desk.shop.receive("米", 10)
    person = desk.person(role)
    request = await desk.request(("米", 4), by=person)
    assert await desk.approve(request, by=person) == WrongState(WrongStateReason.OWN_REQUEST)
    assert (await desk.approve(request, by=desk.person(role))).state == "APPROVED"


async def test_another_stores_write_off_looks_like_none(desk: WasteDesk, shop: Shop) -> None:
    await shop.receive("米", 10)
    request = await desk.request(("米", 4))
    elsewhere = frozenset([await shop.another_store()])
    outsider = moved(desk.manager, elsewhere)
    for doing in (desk.approve(request, by=outsider), desk.reject(request, by=outsider)):
        assert await doing == UnknownWriteOff(str(request.id))
    refused = await desk.request(("米", 1), by=moved(desk.cashier, elsewhere))
    assert refused == UnknownStore(str(shop.store))


async def test_two_approve_at_once(desk: WasteDesk) -> None:
    await desk.shop.receive("米", 100)
    people = [desk.person(role) for role in (Role.MANAGER, Role.PURCHASER, Role.OWNER)]
    for _ in range(10):
        request = await desk.request(("米", 2))
        done = await asyncio.gather(*(desk.approve(request, by=person) for person in people))
        assert count_outcomes(done) == {"APPROVED": 1, "WrongState": 2}
    assert await desk.shop.bins("米") == (80, 0, 0, 0)


async def test_approve_against_reject(desk: WasteDesk) -> None:
    await desk.shop.receive("米", 100)
    gone = 0
    for _ in range(20):
        request = await desk.request(("米", 2))
        done = await asyncio.gather(
            desk.approve(request), desk.reject(request, by=desk.cashier), desk.reject(request)
        )
        assert count_outcomes(done)["WrongState"] == 2, done
        gone += 2 * count_outcomes(done)["APPROVED"]
    assert await desk.shop.bins("米") == (100 - gone, 0, 0, 0)


async def test_one_key_twenty_times(desk: WasteDesk) -> None:
    await desk.shop.receive("米", 100)
    key, another = uuid4(), uuid4()
    request = await asyncio.gather(*(desk.request(("米", 2), key=key) for _ in range(20)))
    assert len({each.id for each in request}) == 1
    assert isinstance(await desk.request(("米", 3), key=key), KeyReused)
    assert isinstance(await desk.request(("米", 2), key=key, reason="过期"), KeyReused)
    assert isinstance(await desk.request(("米", 2, QUARANTINE), key=key), KeyReused)
    photos = ["https://photos.example/1.jpg"]
    assert isinstance(await desk.request(("米", 2), key=key, photo_urls=photos), KeyReused)
    done = await asyncio.gather(*(desk.approve(request[0], key=another) for _ in range(20)))
    assert count_outcomes(done) == {"APPROVED": 20}
    assert isinstance(await desk.reject(request[0], key=another), KeyReused)
    assert await desk.shop.bins("米") == (98, 0, 0, 0)


async def test_the_last_pieces_are_sold_or_put_aside(desk: WasteDesk) -> None:
    for _ in range(10):
        await desk.shop.receive("米", 2)
        request, sold = await asyncio.gather(desk.request(("米", 2)), desk.shop.sell("米", 2))
        assert isinstance(request, WriteOff) != isinstance(sold, Movement), (request, sold)
        if isinstance(request, WriteOff):
            await desk.approve(request)
        assert await desk.shop.bins("米") == (0, 0, 0, 0)


async def test_what_lies_in_quarantine_is_written_off_once(desk: WasteDesk) -> None:
    await desk.shop.receive("米", 10)
    await desk.shop.do(Kind.QUARANTINE, ("米", 5))
    many = await asyncio.gather(*(desk.request(("米", 2, QUARANTINE)) for _ in range(6)))
    assert count_outcomes(many) == {"REQUESTED": 2, "OutOfStock": 4}
    refusal = next(each for each in many if isinstance(each, OutOfStock))
    assert [(each.requested, each.available) for each in refusal.shortages] == [(2, 1)]
    assert await desk.shop.bins("米") == (5, 0, 5, 0)
    first, second = [each for each in many if isinstance(each, WriteOff)]
    assert (await desk.approve(first)).state == "APPROVED"
    assert (await desk.reject(second)).state == "REJECTED"
    # The goods were in quarantine before the request, and stay there.
    assert await desk.shop.bins("米") == (5, 0, 3, 0)
    assert (await desk.request(("米", 3, QUARANTINE))).state == "REQUESTED"


async def test_goods_of_an_open_write_off_are_not_taken(desk: WasteDesk) -> None:
    await desk.shop.receive("米", 10)
    aside = await desk.shop.do(Kind.QUARANTINE, ("米", 5))
    there = await desk.request(("米", 2, QUARANTINE))
    shelved = await desk.request(("米", 1))
    refused = await released(desk, 4)
    assert isinstance(refused, OutOfStock)
    assert [(each.requested, each.available) for each in refused.shortages] == [(4, 3)]
    assert isinstance(await desk.shop.reverse(aside), OutOfStock)
    asking = desk.request(("米", 3, QUARANTINE))
    both = await asyncio.gather(released(desk, 3), asking)
    assert count_outcomes(both)["OutOfStock"] == 1, both
    for row in (there, shelved):
        assert (await desk.approve(row)).state == "APPROVED"


async def test_all_shortages_are_reported_together(desk: WasteDesk) -> None:
    await desk.shop.receive("米", 3)
    await desk.shop.receive("油", 3)
    await desk.shop.do(Kind.QUARANTINE, ("油", 1))
    refused = await desk.request(("米", 4), ("油", 2, QUARANTINE), ("油", 1))
    assert isinstance(refused, OutOfStock)
    names = {id: name for name, id in desk.shop.products.items()}
    short = {(names[each.product_id], each.requested, each.available) for each in refused.shortages}
    assert short == {("米", 4, 3), ("油", 2, 1)}
    assert await desk.shop.bins("米") == (3, 0, 0, 0)
    assert await desk.shop.bins("油") == (2, 0, 1, 0)


async def test_what_a_request_puts_aside_is_not_found_there(desk: WasteDesk) -> None:
    """Goods that shelf lines move to quarantine do not serve quarantine lines of the request."""
    await desk.shop.receive("米", 3)
    refused = await desk.request(("米", 3), ("米", 1, QUARANTINE))
    assert isinstance(refused, OutOfStock)
    assert await desk.shop.bins("米") == (3, 0, 0, 0)


async def test_what_expires_first_is_put_aside_first_expired_too(desk: WasteDesk) -> None:
    await desk.shop.deliver("奶", 3, "old", day(-1))
    await desk.shop.deliver("奶", 2, "A", day(3))
    await desk.shop.deliver("奶", 5, "B", day(9))
    request = await desk.request(("奶", 4))
    assert await desk.shop.batches("奶") == {"old": 0, "A": 1, "B": 5}
    named = await desk.request(("奶", 2, "B"))
    assert await lines(desk, request) == [("shelf", 3), ("shelf", 1)]
    assert await lines(desk, named) == [("shelf", 2)]
    await desk.reject(request)
    # Expired goods do not go back to the shelf.
    assert await desk.shop.batches("奶") == {"old": 0, "A": 2, "B": 3}
    await desk.approve(named)
    assert await desk.shop.bins("奶") == (5, 0, 3, 0)
    assert isinstance(await desk.request(("奶", 1, "C")), UnknownBatch)


async def test_what_expires_while_it_waits_stays_in_quarantine(desk: WasteDesk) -> None:
    await desk.shop.deliver("奶", 2, "A", day(0))
    await desk.shop.deliver("奶", 5, "B", day(9))
    gone = await desk.request(("奶", 1, "A"))
    both = await desk.request(("奶", 3))
    with tomorrow():
        assert (await desk.approve(gone)).state == "APPROVED"
        assert (await desk.reject(both)).state == "REJECTED"
    assert await desk.shop.batches("奶") == {"A": 0, "B": 5}
    assert await desk.shop.bins("奶") == (5, 0, 1, 0)


async def test_all_expired_nothing_moves_back(desk: WasteDesk) -> None:
    await desk.shop.deliver("奶", 2, "old", day(-1))
    request = await desk.request(("奶", 2))
    assert (await desk.reject(request)).state == "REJECTED"
    assert await desk.shop.bins("奶") == (0, 0, 2, 0)
    again = await desk.request(("奶", 2, QUARANTINE))
    assert (await desk.approve(again)).state == "APPROVED"
    assert await desk.shop.bins("奶") == (0, 0, 0, 0)


async def test_batches_in_quarantine(desk: WasteDesk) -> None:
    for number, days in (("A", 3), ("B", 9)):
        await desk.shop.deliver("奶", 3, number, day(days))
    await desk.shop.do(Kind.QUARANTINE, ("奶", 6))
    first = await desk.request(("奶", 2, QUARANTINE))
    second = await desk.request(("奶", 2, QUARANTINE))
    assert await lines(desk, second) == [("quarantine", 1), ("quarantine", 1)]
    refused = await desk.request(("奶", 1, QUARANTINE, "A"))
    assert isinstance(refused, OutOfStock)
    # The batch that expires first belongs to a write-off, so another batch is released.
    assert isinstance(await released(desk, 2, "奶"), Movement)
    assert await desk.shop.batches("奶") == {"A": 0, "B": 2}
    for row in (first, second):
        assert (await desk.approve(row)).state == "APPROVED"
    assert await desk.shop.bins("奶") == (2, 0, 0, 0)


async def test_goods_of_an_order_that_is_over_can_be_put_aside(desk: WasteDesk) -> None:
    orders = OrderDesk(desk.shop)
    await desk.shop.receive("米", 3)
    order = await orders.place(("米", 3))
    assert isinstance(await desk.request(("米", 2)), OutOfStock)
    await orders.time_passes(order)
    assert (await desk.request(("米", 2))).state == "REQUESTED"


async def test_more_than_a_role_approves(desk: WasteDesk) -> None:
    await bought(desk, "米", 100, 5)
    owner = desk.person(Role.OWNER)
    buyer = desk.person(Role.PURCHASER)
    limits = await writeoffs.limits(desk.shop.db, owner)
    assert [each.role for each in limits] == ["CASHIER", "MANAGER", "PURCHASER"]
    assert {each.amount for each in limits} == {None}
    for amount in (1, 99_999, 100_000):
        limit = desk.shop.db, owner, uuid4(), Role.MANAGER, amount
        assert (await writeoffs.set_limit(*limit)).amount == amount
    small, large = await desk.request(("米", 2)), await desk.request(("米", 3))
    assert await desk.approve(large) == OverLimit(100_000, 150_000)
    assert await desk.shop.bins("米") == (95, 0, 5, 0)
    assert (await desk.approve(small)).state == "APPROVED"
    # Other roles have their own limit, or none.
    assert (await desk.approve(large, by=buyer)).state == "APPROVED"
    huge = await desk.request(("米", 90))
    await writeoffs.set_limit(desk.shop.db, owner, uuid4(), Role.PURCHASER, 0)
    assert isinstance(await desk.approve(huge, by=buyer), OverLimit)
    assert (await desk.approve(huge, by=owner)).state == "APPROVED"
    await writeoffs.set_limit(desk.shop.db, owner, uuid4(), Role.MANAGER, None)
    assert (await desk.approve(await desk.request(("米", 5)))).state == "APPROVED"


async def test_limits_set_at_once(desk: WasteDesk) -> None:
    owner, key = desk.person(Role.OWNER), uuid4()
    doing = [
        writeoffs.set_limit(desk.shop.db, owner, uuid4(), Role.PURCHASER, amount)
        for amount in range(10)
    ]
    doing += [writeoffs.set_limit(desk.shop.db, owner, key, Role.MANAGER, 7) for _ in range(10)]
    await asyncio.gather(*doing)
    known = {each.role: each.amount for each in await writeoffs.limits(desk.shop.db, owner)}
    assert known["MANAGER"] == 7
    assert known["PURCHASER"] in range(10)


async def test_the_limit_is_judged_by_what_it_costs_now(desk: WasteDesk) -> None:
    await bought(desk, "米", 4, 5)
    request = await desk.request(("米", 2))
    limit = desk.shop.db, desk.person(Role.OWNER), uuid4(), Role.MANAGER, 120_000
    await writeoffs.set_limit(*limit)
    # More expensive goods arrived, so the average cost is higher than at the request.
    await bought(desk, "米", 4, 15)
    assert await desk.approve(request) == OverLimit(120_000, 200_000)


async def test_a_movement_of_a_write_off_is_not_undone_by_itself(desk: WasteDesk) -> None:
    await desk.shop.receive("米", 10)
    request = await desk.request(("米", 4))
    await desk.approve(request)
    async with desk.shop.db.read(desk.shop.tenant) as session:
        moves = await movements_of(session, desk.shop.tenant, [request.id])
    assert [(each.kind, each.reason) for each in moves] == [
        ("WRITE_OFF_HOLD", "破损"),
        ("WRITE_OFF", "破损"),
    ]
    for each in moves:
        assert await desk.shop.reverse(each) == WrongState(WrongStateReason.DOCUMENT)


async def test_what_has_no_stock_is_not_written_off(desk: WasteDesk) -> None:
    await desk.shop.product("饭", unit="份", kind="DISH")
    for source in Source:
        assert await desk.request(("饭", 1, source)) == WrongState(WrongStateReason.NOT_STOCKED)
    desk.shop.products["鬼"] = ghost = uuid4()
    for source in Source:
        assert await desk.request(("鬼", 1, source)) == UnknownProduct((str(ghost),))


async def test_a_storm(desk: WasteDesk, shop: Shop) -> None:
    """Many operations at once on a few goods: nothing is lost or written off twice."""
    names = ("米", "奶")
    for number, days in (("old", -1), ("A", 2), ("B", 9)):
        await shop.deliver("奶", 40, number, day(days))
    await shop.receive("米", 120)
    await asyncio.gather(*(shop.do(Kind.QUARANTINE, (name, 30)) for name in names))
    dice, open_ = Random(7), []

    async def step() -> None:
        name, what = dice.choice(names), dice.randrange(6)
        line = (name, dice.randint(1, 4), dice.choice(list(Source)))
        if what < 2 or not open_:
            created = await desk.request(line, (dice.choice(names), 1, dice.choice(list(Source))))
            open_.extend([created] if isinstance(created, WriteOff) else [])
        elif what == 2:
            await desk.approve(dice.choice(open_))
        elif what == 3:
            await desk.reject(dice.choice(open_), by=desk.cashier)
        elif what == 4:
            await released(desk, dice.randint(1, 5), name)
        else:
            await shop.sell(name, dice.randint(1, 3))

    for _ in range(8):
        await asyncio.gather(*(step() for _ in range(20)))
    done = await asyncio.gather(*(desk.approve(row) for row in open_))
    assert count_outcomes(done).keys() == {"APPROVED", "WrongState"}
    for row in open_:
        assert isinstance(await desk.reject(row), WrongState)
