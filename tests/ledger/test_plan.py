"""The plan is a value: what a draft would do is returned, and nothing is changed by asking."""

from collections import Counter
from copy import deepcopy
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

from app.db.channel_limits import ChannelLimit
from app.db.movements import History
from app.domain.errors import BatchExpired, OutOfStock, Shortage, WrongState, WrongStateReason
from app.domain.ledger.draft import Draft, Line, Place, RecipeChanged
from app.domain.ledger.locked import Levels, LockedLevel
from app.domain.ledger.plan import ChannelUse, Plan, References, plan
from app.domain.ledger.returns import ReturnedQuantity
from app.domain.rules.fefo import BatchKey
from app.domain.rules.kinds import Kind

STORE, RICE, MILK, SALE = uuid4(), uuid4(), uuid4(), uuid4()
TODAY = datetime.now(UTC).date()
OLD, NEAR, FAR = (BatchKey(TODAY + timedelta(days), uuid4()) for days in (-1, 1, 9))


def bins(shelf: int) -> dict[str, int]:
    return {"shelf": shelf, "reserved": 0, "quarantine": 0, "transit": 0}


def rice(shelf: int, remaining: int | None = None, **more: Any) -> Levels:
    limits = {} if remaining is None else {"WECHAT": ChannelLimit(0, 0, remaining)}
    level = LockedLevel((STORE, RICE), bins(shelf), 1, 1, limits=limits, **more)
    return {level.pair: level}


def milk(**shelves: int) -> Levels:
    known = {"old": OLD, "near": NEAR, "far": FAR}
    batches = {known[name]: bins(shelf) for name, shelf in shelves.items()}
    shelf = sum(shelves.values())
    level = LockedLevel((STORE, MILK), bins(shelf), 1, 1, batches=batches, today=TODAY)
    return {level.pair: level}


def draft(kind: Kind, *lines: tuple[UUID, int], named: UUID | None = None, **more: Any) -> Draft:
    source, target = kind.value.source, kind.value.target
    assert source
    assert target
    drafts = [
        Line(
            product,
            Decimal(quantity),
            Place(STORE, source),
            Place(STORE, target),
            batches=named and (named,),
        )
        for product, quantity in lines
    ]
    moment = datetime.now(UTC)
    return Draft(kind, STORE, uuid4(), uuid4(), tuple(drafts), b"", moment, **more)


def planned(draft: Draft, levels: Levels, references: References | None = None) -> Plan:
    """The plan of a possible draft; asking for it changes neither the levels nor the history."""
    references = references or References()
    before = deepcopy(([vars_of(level) for level in levels.values()], references))
    outcome = plan(draft, levels, references)
    assert isinstance(outcome, Plan), outcome
    assert before == ([vars_of(level) for level in levels.values()], references)
    return outcome


def vars_of(level: LockedLevel) -> dict[str, Any]:
    return {name: getattr(level, name) for name in LockedLevel.__slots__}


def test_a_sale_charges_its_channel() -> None:
    levels = rice(10, remaining=5)
    [level] = levels.values()
    outcome = planned(draft(Kind.SALE, (RICE, 2), (RICE, 3), channel="WECHAT"), levels)
    assert [move.quantity for move in outcome.moves] == [2, 3]
    assert outcome.uses == [ChannelUse(level, "WECHAT", 5)]
    short = plan(draft(Kind.SALE, (RICE, 6), channel="WECHAT"), levels, References())
    assert short == OutOfStock((Shortage(RICE, 6, 5, 1),))


def test_a_promised_sale_is_charged_and_not_bound() -> None:
    levels = rice(10, remaining=0)
    [level] = levels.values()
    promised = draft(Kind.SALE, (RICE, 2), channel="WECHAT", promised=True)
    assert planned(promised, levels).uses == [ChannelUse(level, "WECHAT", 2)]


def test_lines_of_one_draft_share_a_shelf() -> None:
    levels = rice(5)
    outcome = plan(draft(Kind.SALE, (RICE, 4), (RICE, 4)), levels, References())
    assert outcome == OutOfStock((Shortage(RICE, 8, 5, 1),))


def test_what_is_missing_is_booked_in_from_variance() -> None:
    fact = draft(Kind.SALE, (RICE, 7), accept_shortage=True)
    moves = planned(fact, rice(5)).moves
    assert [(m.line.source.bin, m.line.target.bin, m.quantity) for m in moves] == [
        ("variance", "shelf", 2),
        ("shelf", "customer", 7),
    ]


def test_batches_leave_by_fefo_and_expired_ones_stay() -> None:
    levels = milk(old=9, near=2, far=5)
    moves = planned(draft(Kind.SALE, (MILK, 4)), levels).moves
    assert [(m.batch, m.quantity, m.named) for m in moves] == [(NEAR, 2, False), (FAR, 2, False)]
    refusal = plan(draft(Kind.SALE, (MILK, 1), named=OLD.id), levels, References())
    assert refusal == BatchExpired(MILK, OLD.expires_on)
    moves = planned(draft(Kind.EXPIRE, (MILK, 1), named=OLD.id), levels).moves
    assert [(m.batch, m.named) for m in moves] == [(OLD, True)]


def test_a_return_takes_back_the_last_batch_at_its_cost() -> None:
    history = History("SALE", sold=Counter({MILK: 3}), costs=Counter({MILK: 100}))
    history.batches[MILK] = Counter({NEAR.id: 2, FAR.id: 1})
    expiries = {NEAR.id: NEAR.expires_on, FAR.id: FAR.expires_on}
    references = References({SALE: history}, expiries)
    outcome = planned(draft(Kind.RETURN, (MILK, 2), sale_id=SALE), milk(far=0), references)
    assert [(m.batch, m.quantity, m.cost) for m in outcome.moves] == [(FAR, 1, 33), (NEAR, 1, 34)]
    assert outcome.returned == [
        ReturnedQuantity("customer", MILK, FAR.id, 1, 33, None, 0, None),
        ReturnedQuantity("customer", MILK, NEAR.id, 1, 34, None, 0, None),
    ]


def test_a_movement_is_reversed_once() -> None:
    undoing = draft(Kind.RETURN, (RICE, 1), reverses_id=SALE)
    assert planned(undoing, rice(0), References({SALE: History("SALE")})).returned == ()
    again = References({SALE: History("SALE", reversed=True)})
    assert plan(undoing, rice(0), again) == WrongState(WrongStateReason.REVERSED)


def test_a_dish_is_drafted_by_the_recipe_in_force() -> None:
    recipe = uuid4()
    dish = draft(Kind.SALE, (RICE, 1), recipes={RICE: uuid4()})
    assert plan(dish, rice(1, recipe_id=recipe), References()) == RecipeChanged(RICE)
