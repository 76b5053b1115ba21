"""Recipes compared with brute force: the needs of a unit, the makeable number, a whole cart."""

import itertools
from collections import Counter
from fractions import Fraction
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from app.domain.rules.recipes import (
    Need,
    Part,
    amount,
    cycle,
    makeable,
    makeable_lines,
    nearest,
    needs,
)

IDS = [UUID(int=number) for number in range(1, 7)]
SOME = st.sampled_from(IDS)
NEEDS = st.dictionaries(SOME, st.integers(1, 9), max_size=4).map(
    lambda quantities: [Need(*each) for each in quantities.items()]
)
SHELVES = st.dictionaries(SOME, st.integers(0, 60))


def possible(cart: list[tuple[list[Need], int]], shelf: dict[UUID, int]) -> bool:
    """Whether the shelf holds the ingredients of every dish of the cart, taken piece by piece."""
    left = dict(shelf)
    for made_of, count in cart:
        for _ in range(count):
            for need in made_of:
                left[need.product] = left.get(need.product, 0) - need.quantity
                if left[need.product] < 0:
                    return False
    return True


@given(NEEDS, SHELVES)
def test_as_many_as_can_be_made_and_not_one_more(
    made_of: list[Need], shelf: dict[UUID, int]
) -> None:
    limit = makeable(made_of, shelf)
    if not made_of:
        assert limit is None
        return
    assert limit is not None
    count, limiting = limit
    assert possible([(made_of, count)], shelf)
    assert not possible([(made_of, count + 1)], shelf)
    [quantity] = [need.quantity for need in made_of if need.product == limiting]
    assert shelf.get(limiting, 0) // quantity == count


@given(st.lists(st.tuples(NEEDS, st.integers(1, 5)), min_size=1, max_size=4), SHELVES)
def test_a_cart_shares_its_ingredients(
    cart: list[tuple[list[Need], int]], shelf: dict[UUID, int]
) -> None:
    most = makeable_lines(cart, shelf)
    fits = all(m is None or m >= count for m, (_, count) in zip(most, cart, strict=True))
    assert fits is possible(cart, shelf)
    for at, allowed in enumerate(most):
        if allowed is None:
            assert not cart[at][0]
            continue
        others = [line for number, line in enumerate(cart) if number != at]
        if possible(others, shelf):
            assert possible([*others, (cart[at][0], allowed)], shelf)
            assert not possible([*others, (cart[at][0], allowed + 1)], shelf)


def test_two_dishes_never_both_take_the_last_tomato() -> None:
    tomato, egg = IDS[:2]
    soup, fried = [Need(tomato, 200)], [Need(tomato, 300), Need(egg, 2)]
    shelf = {tomato: 400, egg: 10}
    assert makeable(soup, shelf) == (2, tomato)
    assert makeable(fried, shelf) == (1, tomato)
    assert makeable_lines([(soup, 1), (fried, 1)], shelf) == [0, 0]


def test_what_is_optional_limits_nothing() -> None:
    tomato, coriander = IDS[:2]
    made_of = [Need(tomato, 200), Need(coriander, 5, optional=True)]
    assert makeable(made_of, {tomato: 400}) == (2, tomato)
    assert makeable([Need(coriander, 5, optional=True)], {}) is None


@given(
    st.integers(1, 5000),
    st.integers(0, 10_000),
    st.integers(1, 40),
    st.sampled_from([1, 500, 1000]),
)
def test_the_nearest_quantity_divides(quantity: int, loss: int, yields: int, scale: int) -> None:
    part = Part(IDS[0], quantity, loss)
    rounded = nearest(part, yields, scale)
    assert amount(part._replace(quantity=rounded), yields, scale).denominator == 1
    if amount(part, yields, scale).denominator == 1:
        assert rounded == quantity
    step = next(
        n
        for n in range(1, 10_000 * yields + 1)
        if (n * (10_000 + loss) * scale) % (10_000 * yields) == 0
    )
    assert abs(rounded - quantity) <= max(step / 2, step - quantity)


def test_loss_comes_on_top() -> None:
    assert amount(Part(IDS[0], 300, 1000), 1, 1) == 330
    assert amount(Part(IDS[0], 1000), 3, 1) == Fraction(1000, 3)


def test_recipes_in_recipes_are_summed() -> None:
    tomato, egg, rice = IDS[:3]
    fried = [Need(tomato, 300), Need(egg, 2)]
    menu = needs(
        [(Part(IDS[4], 1), fried), (Part(tomato, 50), None), (Part(rice, 100, 0, True), None)], 1, 1
    )
    assert menu == {(tomato, False): 350, (egg, False): 2, (rice, True): 100}
    half = needs([(Part(IDS[4], 1), fried)], 2, 1)
    assert half == {(tomato, False): 150, (egg, False): 1}


BOOKS = st.lists(
    st.lists(st.tuples(st.integers(0, 7), st.integers(1, 3)), min_size=1, max_size=4),
    min_size=1,
    max_size=4,
)
"""Dishes 0, 1, …: parts are a raw product (0 to 3), or an earlier dish (4 is dish 0)."""


@given(BOOKS)
def test_an_explosion_is_what_a_cook_would_fetch(book: list[list[tuple[int, int]]]) -> None:
    def fetch(part: int, count: int) -> Counter[int]:
        """The raw products of `count` units, one unit at a time."""
        if part < 4:
            return Counter({part: count})
        total: Counter[int] = Counter()
        for _ in range(count):
            for inner, quantity in book[part - 4]:
                total += fetch(inner, quantity)
        return total

    book = [[(p % (4 + at), n) for p, n in parts] for at, parts in enumerate(book)]
    flat: dict[int, list[Need]] = {}
    for at, parts in enumerate(book):
        flattened = [(Part(UUID(int=p), n), flat.get(p)) for p, n in parts]
        totals = needs(flattened, 1, 1)
        flat[4 + at] = [Need(id, int(quantity)) for (id, _), quantity in totals.items()]
        assert {need.product.int: need.quantity for need in flat[4 + at]} == fetch(4 + at, 1)


EDGES = st.dictionaries(SOME, st.lists(SOME, max_size=3), max_size=6)


@given(EDGES, SOME)
def test_a_cycle_is_found_when_there_is_one(edges: dict[UUID, list[UUID]], start: UUID) -> None:
    reached, ahead = set(), list(edges.get(start, []))
    while ahead:
        if (at := ahead.pop()) not in reached:
            reached.add(at)
            ahead += edges.get(at, [])
    way = cycle(start, edges)
    assert (way is not None) is (start in reached)
    if way is not None:
        assert way[0] == way[-1] == start
        assert all(b in edges[a] for a, b in itertools.pairwise(way))
