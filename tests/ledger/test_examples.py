"""Every kind of movement: the level before, and the level after or a refusal."""

from typing import NamedTuple

import pytest

from app.db.tables import Movement
from app.domain.errors import InvalidQuantity, OutOfStock, Refusal, WrongState, WrongStateReason
from app.domain.rules.kinds import Kind
from tests.support.shop import Shop

K = Kind


class Example(NamedTuple):
    kind: Kind
    before: tuple[int, int]
    quantity: str
    after: tuple[int, int] | type[Refusal]


# before and after are (shelf, quarantine); returns take back from a sale of 3.
EXAMPLES = [
    Example(K.OPENING, (0, 0), "7", (7, 0)),
    Example(K.OPENING, (5, 0), "0", InvalidQuantity),
    Example(K.RECEIPT, (5, 0), "7", (12, 0)),
    Example(K.RECEIPT, (5, 0), "-7", InvalidQuantity),
    Example(K.RECEIPT, (5, 0), "0.5", InvalidQuantity),
    Example(K.SALE, (5, 0), "5", (0, 0)),
    Example(K.SALE, (5, 0), "6", OutOfStock),
    Example(K.SALE, (0, 5), "1", OutOfStock),
    Example(K.RETURN, (5, 0), "3", (5, 0)),
    Example(K.RETURN_HELD, (5, 0), "2", (2, 2)),
    Example(K.RETURN_WASTED, (5, 0), "2", (2, 0)),
    Example(K.GAIN, (5, 0), "1", (6, 0)),
    Example(K.LOSS, (5, 0), "1", (4, 0)),
    Example(K.LOSS, (5, 9), "6", OutOfStock),
    Example(K.QUARANTINE, (5, 0), "2", (3, 2)),
    Example(K.RELEASE, (5, 2), "2", (7, 0)),
    Example(K.RELEASE, (5, 2), "3", OutOfStock),
    Example(K.EXPIRE, (5, 0), "5", (0, 5)),
    Example(K.CONSUMPTION, (5, 0), "2", (3, 0)),
    Example(K.PRODUCTION, (5, 0), "2", (7, 0)),
    Example(K.SUPPLIER_RETURN, (5, 0), "5", (0, 0)),
    Example(K.SUPPLIER_RETURN, (5, 0), "6", OutOfStock),
    Example(K.PASS_SALE, (5, 0), "2", (3, 0)),
    Example(K.PASS_SALE, (5, 0), "6", OutOfStock),
    Example(K.PASS_RELEASE, (5, 0), "1", OutOfStock),
    Example(K.REDEMPTION, (5, 0), "2", (3, 0)),
    Example(K.ORDER_RELEASE, (5, 0), "1", OutOfStock),
    Example(K.FULFILMENT, (5, 0), "1", OutOfStock),
    Example(K.WRITE_OFF_HOLD, (5, 0), "2", (3, 2)),
    Example(K.WRITE_OFF_HOLD, (5, 9), "6", OutOfStock),
    Example(K.WRITE_OFF, (5, 2), "2", (5, 0)),
    Example(K.WRITE_OFF, (5, 2), "3", OutOfStock),
    Example(K.WRITE_OFF_RELEASE, (5, 2), "2", (7, 0)),
    Example(K.WRITE_OFF_RELEASE, (5, 2), "3", OutOfStock),
    Example(K.COUNT_GAIN, (5, 0), "1", (6, 0)),
    Example(K.COUNT_LOSS, (5, 0), "1", (4, 0)),
    Example(K.COUNT_LOSS, (5, 0), "6", OutOfStock),
    Example(K.REVERSAL, (5, 0), "5", (0, 0)),
]
HOLDS = {K.PASS_HOLD: K.PASS_RELEASE, K.ORDER_HOLD: K.ORDER_RELEASE}
# Goods in transit belong to a transfer: test_transfers.py moves them.
IN_TRANSIT = {kind for kind in K if "transit" in kind.value[:2]}
RETURNS = {K.RETURN, K.RETURN_HELD, K.RETURN_WASTED}


def test_every_kind_has_an_example() -> None:
    assert {example.kind for example in EXAMPLES} | HOLDS.keys() | IN_TRANSIT == set(Kind)


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda e: f"{e.kind.name}-{e.quantity}")
async def test_example(shop: Shop, example: Example) -> None:
    opened = await stocked(shop, *example.before)
    if example.kind is K.REVERSAL:
        outcome = await shop.reverse(opened)
    elif example.kind in RETURNS:
        sale = await shop.sell("米", 3)
        assert isinstance(sale, Movement)
        outcome = await shop.do(example.kind, ("米", example.quantity), sale_id=sale.id)
    else:
        outcome = await shop.do(example.kind, ("米", example.quantity))
    if isinstance(example.after, tuple):
        assert isinstance(outcome, Movement), outcome
        assert await shop.bins("米") == (example.after[0], 0, example.after[1], 0)
    else:
        assert type(outcome) is example.after
        assert await shop.bins("米") == (example.before[0], 0, example.before[1], 0)


async def stocked(shop: Shop, shelf: int, quarantine: int) -> Movement | None:
    await shop.product("米")
    if not shelf + quarantine:
        return None
    opened = await shop.do(K.OPENING, ("米", shelf + quarantine))
    assert isinstance(opened, Movement)
    if quarantine:
        await shop.do(K.QUARANTINE, ("米", quarantine))
    return opened


@pytest.mark.parametrize("hold", HOLDS)
async def test_what_is_held_comes_back(shop: Shop, hold: Kind) -> None:
    await shop.receive("米", 5)
    assert isinstance(await shop.do(hold, ("米", 3)), Movement)
    assert await shop.bins("米") == (2, 3, 0, 0)
    assert isinstance(await shop.sell("米", 3), OutOfStock)
    assert isinstance(await shop.do(HOLDS[hold], ("米", 3)), Movement)
    assert await shop.bins("米") == (5, 0, 0, 0)


async def test_the_same_product_twice_is_summed_before_it_is_checked(shop: Shop) -> None:
    await shop.receive("米", 10)
    outcome = await shop.do(K.SALE, ("米", 6), ("米", 6))
    assert isinstance(outcome, OutOfStock)
    assert [(s.requested, s.available) for s in outcome.shortages] == [(12, 10)]
    assert isinstance(await shop.do(K.SALE, ("米", 6), ("米", 4)), Movement)
    assert (await shop.level("米")).version == 3


async def test_every_shortage_is_listed_and_nothing_is_written(shop: Shop) -> None:
    await shop.receive("米", 10)
    await shop.receive("油", 1)
    await shop.product("盐")
    outcome = await shop.do(K.SALE, ("米", 1), ("油", 2), ("盐", 3))
    assert isinstance(outcome, OutOfStock)
    assert [(s.requested, s.available) for s in outcome.shortages] == [(2, 1), (3, 0)]
    assert await shop.bins("米") == (10, 0, 0, 0)


async def test_weighed_goods_are_exact(shop: Shop) -> None:
    await shop.product("苹果", unit="kg")
    await shop.receive("苹果", "1.5")
    for _ in range(15):
        assert isinstance(await shop.sell("苹果", "0.1"), Movement)
    assert await shop.bins("苹果") == (0, 0, 0, 0)
    assert isinstance(await shop.receive("苹果", "0.0005"), InvalidQuantity)


async def test_a_movement_is_undone_once(shop: Shop) -> None:
    received = await shop.receive("米", 10)
    undone = await shop.reverse(received)
    assert isinstance(undone, Movement)
    assert await shop.bins("米") == (0, 0, 0, 0)
    assert await shop.reverse(received) == WrongState(WrongStateReason.REVERSED)
    assert await shop.reverse(undone) == WrongState(WrongStateReason.REVERSAL)


async def test_a_receipt_that_was_sold_cannot_be_undone(shop: Shop) -> None:
    received = await shop.receive("米", 10)
    await shop.sell("米", 1)
    assert isinstance(await shop.reverse(received), OutOfStock)
