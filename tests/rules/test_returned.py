"""Returned goods are assigned to the lines that sold them."""

from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from app.domain.rules.returned import Returned, SoldLine, returned_by_line

MILK, RICE, OLD, NEW = (UUID(int=n) for n in range(1, 5))
BATCHES = st.sampled_from([OLD, NEW, None])
SOLD = st.lists(st.tuples(st.sampled_from([MILK, RICE]), BATCHES, st.integers(1, 9)), max_size=6)


def test_goods_come_back_to_the_line_of_their_batch() -> None:
    lines = [SoldLine(1, MILK, OLD, 3), SoldLine(2, MILK, NEW, 2), SoldLine(3, RICE, None, 1)]
    back = [Returned(MILK, None, 2), Returned(MILK, NEW, 2)]
    assert returned_by_line(lines, back) == {1: 2, 2: 2, 3: 0}


@given(SOLD, SOLD)
def test_no_line_takes_back_more_than_it_sold(
    sold: list[tuple[UUID, UUID | None, int]], back: list[tuple[UUID, UUID | None, int]]
) -> None:
    lines = [SoldLine(number, *each) for number, each in enumerate(sold)]
    by_line = returned_by_line(lines, [Returned(*each) for each in back])
    assert all(0 <= by_line[line.line] <= line.quantity for line in lines)
    for product in (MILK, RICE):
        whole = sum(line.quantity for line in lines if line.product == product)
        came = sum(quantity for of, _, quantity in back if of == product)
        mine = sum(by_line[line.line] for line in lines if line.product == product)
        assert mine == min(whole, came)
