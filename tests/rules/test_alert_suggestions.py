"""What alerts suggest: one thing to do, with numbers that fit the stock."""

from dataclasses import replace
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.rules.alert_suggestions import (
    Situation,
    StoreStock,
    Suggestion,
    markdown_percent,
    suggest,
    suggestion_texts,
)
from app.domain.rules.alert_suggestions import (
    SuggestionKind as Kind,
)
from app.domain.rules.alert_suggestions import (
    SuggestionTerms as Terms,
)

HERE, THERE, BESIDE = uuid4(), uuid4(), uuid4()
STOCK = StoreStock(HERE, free=4, coming=0, sold=30, lead_days=2, reorder_point=4)
OTHER = replace(STOCK, store_id=THERE, free=4, sold=0, reorder_point=0)
LOW = Situation("LOW_STOCK", 4, 1, 0, STOCK, [], None, False)


def situation(rule: str, quantity: int = 4, days: int = 0, **here: int) -> Situation:
    return replace(LOW, rule=rule, quantity=quantity, days=days, here=replace(STOCK, **here))


def test_low_stock_is_filled_up_as_replenishment_does() -> None:
    assert suggest(LOW) == Suggestion(Kind.REORDER, 9)


def test_goods_that_do_not_sell_are_lifted_above_their_reorder_point() -> None:
    low = situation("LOW_STOCK", sold=0)
    assert suggest(low) == Suggestion(Kind.REORDER, 1)


def test_goods_come_from_a_store_that_can_spare_them() -> None:
    rich = replace(OTHER, free=50)
    assert suggest(replace(LOW, others=[OTHER, rich])) == Suggestion(
        Kind.TRANSFER, 9, store_id=THERE
    )


def test_what_is_on_its_way_is_enough() -> None:
    assert suggest(situation("LOW_STOCK", coming=20)) is None


def test_a_markdown_is_for_what_will_be_left() -> None:
    near = situation("NEAR_EXPIRY", 20, days=9)
    assert suggest(near) == Suggestion(Kind.MARKDOWN, 10, 20)
    assert suggest(situation("NEAR_EXPIRY", 10, days=9)) is None, "10 days sell 10"


def test_an_ingredient_goes_to_a_store_that_needs_it() -> None:
    """It has no price that could be lowered."""
    near = replace(situation("NEAR_EXPIRY", 20, days=9), for_sale=False)
    assert suggest(near) is None
    short = replace(OTHER, free=0, sold=30)
    for most, others in ((9, [OTHER, short]), (10, [replace(short, sold=300)])):
        moved = Suggestion(Kind.TRANSFER, most, store_id=THERE)
        assert suggest(replace(near, others=others)) == moved
    slow = replace(situation("SLOW_MOVING", 20, free=20, sold=0), for_sale=False, tracked=True)
    assert suggest(replace(slow, beside=BESIDE)) is None
    assert suggest(replace(slow, others=[short])) == Suggestion(Kind.TRANSFER, 9, store_id=THERE)


@pytest.mark.parametrize(("days", "percent"), [(0, 50), (3, 50), (7, 30), (15, 20), (16, 10)])
def test_steps_of_markdowns(days: int, percent: int) -> None:
    assert markdown_percent(days) == percent


def test_slow_movers_go_where_they_are_short() -> None:
    slow = situation("SLOW_MOVING", 20, free=20, sold=0)
    short = replace(OTHER, free=0, sold=30)
    assert suggest(replace(slow, others=[short])) == Suggestion(Kind.TRANSFER, 9, store_id=THERE)
    assert suggest(replace(slow, beside=BESIDE)) == Suggestion(Kind.BUNDLE, 20, product_id=BESIDE)
    assert suggest(slow) is None
    assert suggest(replace(slow, tracked=True)) == Suggestion(Kind.MARKDOWN, 20, 10)


def test_other_rules() -> None:
    assert suggest(situation("EXPIRED", 3)) == Suggestion(Kind.WRITE_OFF, 3)
    assert suggest(situation("DISCREPANCY")) == Suggestion(Kind.COUNT, 0)
    assert suggest(situation("TRANSFER_WAITING")) is None


@pytest.mark.parametrize(
    ("kind", "terms", "zh"),
    [
        (Kind.REORDER, Terms("9", "袋"), "建议补货 9 袋"),
        (
            Kind.TRANSFER,
            Terms("9", "袋", store="西店", restocks=True),
            "建议从西店调入 9 袋",
        ),
        (Kind.REORDER, Terms("9", "个", goods="鸡蛋"), "鸡蛋建议补货 9 个"),
        (
            Kind.TRANSFER,
            Terms("9", "个", store="西店", goods="鸡蛋", restocks=True),
            "鸡蛋建议从西店调入 9 个",
        ),
        (Kind.TRANSFER, Terms("9", "袋", store="西店"), "建议调拨 9 袋 到西店"),
        (
            Kind.MARKDOWN,
            Terms("9", "袋", percent=20),
            "建议临期打 8 折，处理 9 袋",
        ),
        (
            Kind.MARKDOWN,
            Terms("9", "袋", percent=15),
            "建议临期打 8.5 折，处理 9 袋",
        ),
        (Kind.BUNDLE, Terms("9", "袋", product="酱油"), "建议与酱油搭配销售"),
    ],
)
def test_texts(kind: Kind, terms: Terms, zh: str) -> None:
    assert suggestion_texts(kind, terms)[0] == zh


QUANTITY = st.integers(0, 10**6)
STOCKS = st.builds(
    StoreStock,
    store_id=st.uuids(),
    free=QUANTITY,
    coming=QUANTITY,
    sold=QUANTITY,
    lead_days=st.integers(0, 60),
    reorder_point=QUANTITY,
)


@given(
    st.sampled_from(["LOW_STOCK", "OUT_OF_STOCK", "NEAR_EXPIRY", "SLOW_MOVING", "EXPIRED"]),
    QUANTITY,
    st.sampled_from([1, 1000]),
    st.integers(-5, 60),
    STOCKS,
    st.lists(STOCKS, max_size=3),
)
def test_numbers_are_possible(
    rule: str, quantity: int, scale: int, days: int, here: StoreStock, others: list[StoreStock]
) -> None:
    suggestion = suggest(Situation(rule, quantity, scale, days, here, others, None, True))
    if suggestion is None:
        return
    stocks: dict[UUID, StoreStock] = {other.store_id: other for other in others}
    assert suggestion.quantity >= 0
    match suggestion.kind:
        case Kind.MARKDOWN | Kind.WRITE_OFF:
            assert suggestion.quantity <= quantity
        case Kind.TRANSFER:
            assert suggestion.store_id
            giver = here if rule == "SLOW_MOVING" else stocks[suggestion.store_id]
            assert 0 < suggestion.quantity <= giver.free
            assert suggestion.quantity % scale == 0
        case _:
            assert suggestion.quantity > 0
