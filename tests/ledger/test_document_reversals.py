"""Receipts and redemptions that are undone: at the same time as everything that may cross them."""

import asyncio
from typing import Any
from uuid import UUID, uuid4

import pytest

from app.db import passes as pass_rows
from app.db.orders import movements_of
from app.db.tables import Movement, Pass, Redemption, Transfer
from app.domain.access import Viewer
from app.domain.documents import reversals
from app.domain.errors import KeyReused, OutOfStock, WrongState, WrongStateReason
from app.domain.rules.kinds import Kind
from tests.support.depot import Depot, a_depot
from tests.support.purchases import PurchaseDesk
from tests.support.salon import Salon, a_salon
from tests.support.shop import Shop

ROUNDS = 8


async def undo(
    shop: Shop, movement: Any, key: UUID | None = None, viewer: Viewer | None = None
) -> Any:
    """The reversal of a movement, or the refusal."""
    desk = PurchaseDesk(shop)
    id = movement.movement_id if isinstance(movement, Redemption) else movement.id
    doing = reversals.reverse(desk.books, viewer or desk.viewer, key or uuid4(), id, None)
    return await desk.tries(doing)


async def moved(shop: Shop, document: Any, kind: Kind) -> list[Movement]:
    """The movements of this kind that belong to the document, the oldest first."""
    async with shop.db.read(shop.tenant) as session:
        rows = await movements_of(session, shop.tenant, [document.id])
    return [row for row in rows if row.kind == kind.name]


def names(outcomes: Any) -> list[str]:
    return sorted(type(each).__name__ for each in outcomes)


class TestPurchases:
    async def test_two_who_reverse_one_receipt(self, shop: Shop) -> None:
        desk = PurchaseDesk(shop)
        for _ in range(ROUNDS):
            order = await desk.buy(("米", 5), ("油", 3))
            await desk.came(order, ("米", 4), ("油", 3))
            [receipt] = await moved(shop, order, Kind.RECEIPT)
            both = await asyncio.gather(*(undo(shop, receipt) for _ in range(2)))
            assert names(both) == ["Movement", "WrongState"]
            assert await desk.now(order) == ("OPEN", [(5, 0), (3, 0)])
        assert await shop.bins("米") == (0, 0, 0, 0)

    async def test_one_key_reverses_once(self, shop: Shop) -> None:
        desk, key = PurchaseDesk(shop), uuid4()
        order = await desk.buy(("米", 5))
        await desk.came(order, ("米", 5))
        await desk.came(order, ("米", 2), over=True)
        first, second = await moved(shop, order, Kind.RECEIPT)
        outcomes = await asyncio.gather(*(undo(shop, first, key) for _ in range(4)))
        assert len({each.id for each in outcomes}) == 1
        assert await undo(shop, second, key) == KeyReused(key)
        assert await desk.now(order) == ("PARTIAL", [(5, 2)])

    async def test_a_reversal_against_another_delivery(self, shop: Shop) -> None:
        desk = PurchaseDesk(shop)
        for _ in range(ROUNDS):
            order = await desk.buy(("米", 10))
            await desk.came(order, ("米", 6))
            [receipt] = await moved(shop, order, Kind.RECEIPT)
            outcomes = await asyncio.gather(undo(shop, receipt), desk.came(order, ("米", 4)))
            assert names(outcomes) == ["Movement", "PurchaseOrder"]
            assert await desk.now(order) == ("PARTIAL", [(10, 4)])

    async def test_a_reversal_against_a_sale_and_a_return_to_the_supplier(self, shop: Shop) -> None:
        desk = PurchaseDesk(shop)
        undone = 0
        for _ in range(ROUNDS):
            order = await desk.buy(("米", 3))
            await desk.came(order, ("米", 3))
            [receipt] = await moved(shop, order, Kind.RECEIPT)
            outcome, sold, back = await asyncio.gather(
                undo(shop, receipt), shop.sell("米", 2), shop.do(Kind.SUPPLIER_RETURN, ("米", 1))
            )
            if isinstance(outcome, Movement):
                undone += 1
                assert names([sold, back]) == ["OutOfStock", "OutOfStock"]
                assert await desk.now(order) == ("OPEN", [(3, 0)])
            else:
                assert isinstance(outcome, OutOfStock)
                assert await desk.now(order) == ("RECEIVED", [(3, 3)])
                level = await shop.level("米")
                if level.shelf:
                    await shop.sell("米", level.shelf)
        assert await shop.bins("米") == (0, 0, 0, 0)

    async def test_a_reversal_against_closing(self, shop: Shop) -> None:
        desk = PurchaseDesk(shop)
        for _ in range(ROUNDS):
            order = await desk.buy(("米", 10))
            await desk.came(order, ("米", 6))
            [receipt] = await moved(shop, order, Kind.RECEIPT)
            outcome, _ = await asyncio.gather(undo(shop, receipt), desk.close(order))
            assert isinstance(outcome, Movement)
            state, lines = await desk.now(order)
            assert state in ("OPEN", "CLOSED")
            assert lines == [(10, 0)]

    async def test_goods_never_ordered_leave_the_order_again(self, shop: Shop) -> None:
        desk = PurchaseDesk(shop)
        order = await desk.buy(("米", 5))
        for name in ("油", "盐"):
            await desk.came(order, (name, 2), over=True)
        oil, _ = await moved(shop, order, Kind.RECEIPT)
        assert isinstance(await undo(shop, oil), Movement)
        assert await desk.now(order) == ("PARTIAL", [(5, 0), (0, 2)])
        await desk.came(order, ("醋", 1), over=True)
        assert await desk.now(order) == ("PARTIAL", [(5, 0), (0, 2), (0, 1)])


@pytest.fixture
async def depot(shop: Shop) -> Depot:
    return await a_depot(shop)


async def undo_at(depot: Depot, movement: Movement) -> Any:
    return await undo(depot.shop, movement, viewer=depot.viewer)


class TestTransfers:
    async def test_a_receipt_is_undone_in_all_its_counts(self, depot: Depot) -> None:
        await depot.stock("米", 20)
        sent = await depot.send(("米", 20))
        await depot.receive(sent, "米", received=3)
        await depot.receive(sent, "米", received=9, damaged=4, lost=2)
        first, second = await moved(depot.shop, sent, Kind.TRANSFER_RECEIPT)
        assert isinstance(await undo_at(depot, second), Movement)
        line = await depot.line(sent)
        assert (line.received, line.damaged, line.lost, line.reason) == (3, 0, 0, None)
        assert (await depot.transfer(sent.id)).state == "PARTIAL"
        assert isinstance(await undo_at(depot, first), Movement)
        row = await depot.transfer(sent.id)
        assert (row.state, row.ended_at) == ("SHIPPED", None)
        assert await depot.bins("米") == [(0, 0, 0), (0, 0, 20)]
        assert (await depot.receive(sent)).state == "RECEIVED"

    async def test_goods_sent_back_return_to_the_transfer(self, depot: Depot) -> None:
        await depot.stock("米", 10)
        sent = await depot.send(("米", 10))
        await depot.receive(sent, "米", received=6, returned=4)
        [back] = await depot.back(sent)
        [movement] = await moved(depot.shop, back, Kind.SHIPMENT_RETURN)
        assert isinstance(await undo_at(depot, movement), Movement)
        assert (await depot.transfer(back.id)).state == "CANCELLED"
        assert (await depot.transfer(sent.id)).state == "PARTIAL"
        assert await depot.bins("米") == [(0, 0, 0), (6, 0, 4)]
        assert (await depot.receive(sent)).state == "RECEIVED"

    async def test_a_return_that_arrived_is_not_undone(self, depot: Depot) -> None:
        await depot.stock("米", 10)
        for _ in range(ROUNDS):
            sent = await depot.send(("米", 1))
            await depot.receive(sent, "米", returned=1)
            [back] = await depot.back(sent)
            [movement] = await moved(depot.shop, back, Kind.SHIPMENT_RETURN)
            outcome, arrived = await asyncio.gather(undo_at(depot, movement), depot.receive(back))
            if isinstance(outcome, Movement):
                assert arrived == WrongState(WrongStateReason.CANCELLED)
                await depot.receive(sent, "米", received=1)
            else:
                assert outcome == WrongState(WrongStateReason.RECEIVED)
                assert isinstance(arrived, Transfer)

    async def test_two_who_undo_and_one_who_receives(self, depot: Depot) -> None:
        await depot.stock("米", 10 * ROUNDS)
        for _ in range(ROUNDS):
            sent = await depot.send(("米", 10))
            await depot.receive(sent, "米", received=6)
            [receipt] = await moved(depot.shop, sent, Kind.TRANSFER_RECEIPT)
            *both, arrived = await asyncio.gather(
                undo_at(depot, receipt),
                undo_at(depot, receipt),
                depot.receive(sent, "米", received=4),
            )
            assert names(both) == ["Movement", "WrongState"]
            assert isinstance(arrived, Transfer)
            line = await depot.line(sent)
            assert (line.received, line.in_transit) == (4, 6)

    async def test_a_recall_waits_for_the_reversal(self, depot: Depot) -> None:
        await depot.stock("米", 10)
        sent = await depot.send(("米", 10))
        await depot.receive(sent)
        assert await depot.cancel(sent) == WrongState(WrongStateReason.RECEIVED)
        [receipt] = await moved(depot.shop, sent, Kind.TRANSFER_RECEIPT)
        await undo_at(depot, receipt)
        assert (await depot.cancel(sent)).state == "CANCELLED"
        assert await depot.bins("米") == [(10, 0, 0), (0, 0, 0)]


async def used(salon: Salon) -> tuple[int, str, bool]:
    async with salon.shop.db.read(salon.shop.tenant) as session:
        ids = [salon.pass_id] if salon.pass_id else []
        [row] = await pass_rows.passes_by_id(session, salon.shop.tenant, ids)
    return row.used, row.state, row.ahead


class TestRedemptions:
    @pytest.mark.parametrize("mode", ["FIRST_USE_ON_SALE", "REDEEM", "RESERVE_ON_SALE"])
    async def test_a_redemption_goes_back_in_any_order(self, shop: Shop, mode: str) -> None:
        salon = await a_salon(shop, mode, batches=True)
        await salon.sell(uses=3)
        opened = (await salon.gone(), await salon.held(), await used(salon))
        redeemed = [
            await salon.redeem(),
            await salon.redeem(salon.other),
            await salon.redeem(),
        ]
        assert (await used(salon))[:2] == (3, "USED")
        for each in (redeemed[1], redeemed[0], redeemed[2]):
            assert isinstance(await undo(shop, each, viewer=salon.owner), Movement)
        assert (await salon.gone(), await salon.held(), await used(salon)) == opened
        assert isinstance(await salon.redeem(), Redemption)
        await salon.refund()
        assert await salon.gone() == (1, 0)

    async def test_the_first_use_is_ahead_again(self, shop: Shop) -> None:
        salon = await a_salon(shop, "FIRST_USE_ON_SALE")
        await salon.sell(uses=3)
        first, _ = await salon.redeem(), await salon.redeem()
        assert await salon.gone() == (2, 0)
        assert isinstance(await undo(shop, first), Movement)
        assert await used(salon) == (1, "ACTIVE", True)
        assert await salon.gone() == (2, 0)
        await salon.redeem()
        assert await salon.gone() == (2, 0)
        await salon.redeem()
        assert await salon.gone() == (3, 0)

    async def test_two_who_undo_one_redemption(self, shop: Shop) -> None:
        salon = await a_salon(shop, "RESERVE_ON_SALE")
        await salon.sell(uses=ROUNDS)
        for _ in range(ROUNDS):
            redeemed = await salon.redeem()
            both = await asyncio.gather(*(undo(shop, redeemed) for _ in range(2)))
            assert names(both) == ["Movement", "WrongState"]
        assert await used(salon) == (0, "ACTIVE", False)

    async def test_undo_against_another_redemption(self, shop: Shop) -> None:
        salon = await a_salon(shop, "REDEEM")
        for _ in range(ROUNDS):
            await salon.sell(uses=2)
            first, _ = await salon.redeem(), await salon.redeem()
            outcome, again = await asyncio.gather(undo(shop, first), salon.redeem())
            assert isinstance(outcome, Movement)
            expected = 2 if isinstance(again, Redemption) else 1
            assert (await used(salon))[0] == expected

    async def test_undo_against_a_refund(self, shop: Shop) -> None:
        salon = await a_salon(shop, "FIRST_USE_ON_SALE")
        for _ in range(ROUNDS):
            before = await salon.gone()
            await salon.sell(uses=2)
            redeemed = await salon.redeem()
            outcome, refunded = await asyncio.gather(undo(shop, redeemed), salon.refund())
            assert isinstance(refunded, Pass)
            if isinstance(outcome, Movement):
                assert await used(salon) == (0, "REFUNDED", False)
                assert await salon.gone() == before
            else:
                assert outcome == WrongState(WrongStateReason.REFUNDED)
                assert await used(salon) == (1, "REFUNDED", False)

    @pytest.mark.parametrize("mode", ["FIRST_USE_ON_SALE", "RESERVE_ON_SALE"])
    async def test_an_expired_pass_ends_once_more(self, shop: Shop, mode: str) -> None:
        salon = await a_salon(shop, mode)
        await salon.sell(uses=3)
        redeemed = await salon.redeem()
        await salon.expire()
        assert isinstance(await undo(shop, redeemed), Movement)
        await asyncio.gather(salon.expire(), salon.expire())
        assert await used(salon) == (0, "EXPIRED", False)
        assert (await salon.gone(), await salon.held()) == ((0, 0), 0)

    async def test_a_service_paid_at_the_counter(self, shop: Shop) -> None:
        salon = await a_salon(shop, "REDEEM")
        washed = await salon.wash()
        both = await asyncio.gather(*(undo(shop, washed) for _ in range(2)))
        assert names(both) == ["Movement", "WrongState"]
        assert await salon.gone() == (0, 0)
